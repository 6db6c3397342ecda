/*
 * The certification authority that issues the devices' certificates: a root, intermediates, and its memory of
 * what it has issued, all in the server's directory, made at the first start and reused afterwards.
 */
#ifndef MDE_SERVER_AUTHORITY_H
#define MDE_SERVER_AUTHORITY_H

#include <stdbool.h>

#include <openssl/x509.h>

struct authority;
struct options;
struct modes;

/* Never NULL: what cannot be made or read ends the program. */
struct authority *authority_open(const struct options *options);
void authority_close(struct authority *authority);

X509 *authority_root(const struct authority *authority);
/* The intermediate certificates, the root's own child first, the issuer last; without any the root issues
 * itself. */
unsigned authority_chain_count(const struct authority *authority);
X509 *authority_chain_get(const struct authority *authority, unsigned index);

/* Issues a certificate for key to a device of that name, in the form that the certificate modes ask for, and
 * writes it to issued/<serial>.crt. The caller frees the result. */
X509 *authority_certificate_issue(struct authority *authority, EVP_PKEY *key, const char *device,
                                  const struct modes *modes);

/* Is this a certificate that the authority issued, that is valid now, and that it still knows? When not,
 * ret_why (256 bytes) says what is wrong. */
bool authority_certificate_check(const struct authority *authority, X509 *certificate, char *ret_why);

#endif
