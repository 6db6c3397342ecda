/* The certificate request as the service demands it since May 2026. */
#ifndef INTUNE_SERVER_CSR_H
#define INTUNE_SERVER_CSR_H

#include <openssl/types.h>

/*
 * Checks that the text is one PEM block of a PKCS #10 request (RFC 7468, RFC 2986): version 1, subject
 * CN=name alone, RSA of at least 2048 bits, sha256WithRSAEncryption, attributes exactly A0 00, a signature
 * that verifies. Returns NULL and the key, which the caller frees, or what is wrong.
 */
const char *csr_check(const char *pem, const char *name, EVP_PKEY **ret_key);

#endif
