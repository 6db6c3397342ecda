/* A signature as an application gets it: over PKCS #11, checked against the certificate's key. For
 * verify_module.c. */
#ifndef ENROLL_VERIFY_SIGNATURE_H
#define ENROLL_VERIFY_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include <p11-kit/pkcs11.h>

#include "token_directory.h"

/*
 * Signs a random digest with a private key of the session (RSA PKCS #1 v1.5, or ECDSA: what p11-kit's
 * remoting supports) and verifies it in software. ret_text, `size` bytes, is the result.
 */
bool verify_signature(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                      const struct token_generation *generation, char *ret_text, size_t size)
    __attribute__((warn_unused_result));

#endif
