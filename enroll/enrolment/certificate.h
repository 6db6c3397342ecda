/* The issued certificate: found in what was received, checked, and turned into what the module shows.
 */
#ifndef ENROLL_INSTALL_CERTIFICATE_H
#define ENROLL_INSTALL_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"
#include "received.h"
#include "token_directory.h"

/*
 * Chooses and checks with issued_certificate_choose(), and fills in
 * generation->certificate and the chain, issuer first. Nothing goes into a trust store. ENROLL_CERTIFICATE
 * says what is wrong.
 */
enum enroll_exit install_certificate_choose(const struct received_certificates *received, time_t now,
                                            struct token_generation *generation,
                                            struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* PEM of the certificates, malloc()ed and NUL-terminated; NULL when memory is out. */
char *install_certificates_format(const struct token_certificate *certificates, size_t count)
    __attribute__((warn_unused_result));

/* What people and JSON see of a certificate. Freed with certificate_facts_free(). */
struct certificate_facts {
    char *subject; /* RFC 2253 */
    char *issuer;
    char *serial_number; /* hex */
    char *fingerprint;   /* SHA-256, hex */
    time_t not_before;
    time_t not_after;
};
/* False when the bytes are no certificate or memory is out. */
bool certificate_facts_read(const uint8_t *der, size_t size, struct certificate_facts *ret_facts)
    __attribute__((warn_unused_result));
void certificate_facts_free(struct certificate_facts *facts);

#endif
