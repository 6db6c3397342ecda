/* Which of the received certificates is the one issued for our key, and whether it is acceptable. Pure. */
#ifndef ENROLL_ENROLMENT_ISSUED_CERTIFICATE_H
#define ENROLL_ENROLMENT_ISSUED_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "error.h"
#include "received.h"

#define ISSUED_CHAIN_MAX 16

/* Points into what was received, which must outlive it. */
struct issued_certificate {
    const struct received_certificate *certificate;
    size_t chain_count;
    const struct received_certificate
        *chain[ISSUED_CHAIN_MAX]; /* its issuer first, the root last if it was sent */
    time_t not_before, not_after;
};

/*
 * public_key_info: DER SubjectPublicKeyInfo of the key that asked. Exactly one device certificate
 * must be for it, no CA, valid at `now`, and signed by what the other certificates lead to, where there are
 * any. Errors: ENROLL_CERTIFICATE.
 */
enum enroll_exit issued_certificate_choose(const struct received_certificates *received,
                                           const uint8_t *public_key_info, size_t public_key_info_size,
                                           time_t now, struct issued_certificate *ret_issued,
                                           struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

#endif
