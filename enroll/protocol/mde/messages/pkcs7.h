/* The request to renew: CMS SignedData around the new PKCS #10, signed by the present key. MS-MDE2 3.5.4.1.
 */
#ifndef ENROLL_MDE_PKCS7_H
#define ENROLL_MDE_PKCS7_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"

/* *ret_der is malloc()ed. SHA-256; the certificate is included. Errors: ENROLL_TPM when the key did not sign.
 */
enum enroll_exit pkcs7_renewal_sign(const uint8_t *request, size_t request_size, X509 *certificate,
                                    EVP_PKEY *key, uint8_t **ret_der, size_t *ret_size,
                                    struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
