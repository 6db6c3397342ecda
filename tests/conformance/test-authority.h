/* A certificate authority for token directories made by make-token: a root, an issuing CA, and device
 * certificates. */
#ifndef TEST_AUTHORITY_H
#define TEST_AUTHORITY_H

#include <stdbool.h>

#include <openssl/x509.h>

struct authority {
    X509 *root;
    X509 *issuer;
    EVP_PKEY *issuer_key;
};

/* Reads the authority kept in `directory`, or makes one there: root.crt, issuer.crt, issuer.key. False: a
 * message is on stderr. */
bool authority_open(const char *directory, struct authority *ret_authority);
void authority_close(struct authority *authority);

/* A certificate for TLS clients; the caller frees it. */
X509 *authority_issue(const struct authority *authority, EVP_PKEY *public_key, const char *common_name);

#endif
