/* A signing key on any token that p11-kit knows, by its pkcs11: URI (RFC 7512). */
#ifndef ENROLL_DEVICE_KEY_TOKEN_SIGNING_KEY_H
#define ENROLL_DEVICE_KEY_TOKEN_SIGNING_KEY_H

#include "signing_key.h"

/* The PIN of a token that wants one: malloc()ed, wiped by the caller; source is the URI's pin-source or NULL.
 * NULL: there is none.
 */
struct token_pin_source {
    char *(*get)(void *context, const char *source);
    void *context;
};

/*
 * The key that the URI names, and the certificate of the same CKA_ID, which is the caller's to free. A PIN in
 * the URI itself is refused: a command line is no secret. A PIN is tried once. Errors: ENROLL_CONFIGURATION,
 * ENROLL_FAILED.
 */
enum enroll_exit token_signing_key_open(const char *uri, const struct token_pin_source *pin,
                                        struct signing_key **ret_key, X509 **ret_certificate,
                                        struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
