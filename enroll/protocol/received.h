/* The certificates that a service sent, before any of them is believed. */
#ifndef ENROLL_PROTOCOL_RECEIVED_H
#define ENROLL_PROTOCOL_RECEIVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIVED_CERTIFICATES_MAX 32

/* What the service says a certificate is. */
enum received_role { RECEIVED_ROOT, RECEIVED_INTERMEDIATE, RECEIVED_DEVICE };

struct received_certificate {
    enum received_role role;
    uint8_t *der; /* owned */
    size_t size;
};

/* Zero is a valid, empty value. */
struct received_certificates {
    size_t count;
    struct received_certificate list[RECEIVED_CERTIFICATES_MAX];
};

/* Appends a certificate with a copy of its DER. False: too many, or no memory. */
bool received_certificate_add(struct received_certificates *received, enum received_role role,
                              const uint8_t *der, size_t size) __attribute__((warn_unused_result));
/* Frees what it holds and leaves it empty. */
void received_certificates_clear(struct received_certificates *received);

#endif
