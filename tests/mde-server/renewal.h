/* Renewal (ROBO, MS-MDE2 3.5): a PKCS #10 request inside CMS, signed by the old key, over TLS with the old
 * certificate. */
#ifndef MDE_SERVER_RENEWAL_H
#define MDE_SERVER_RENEWAL_H

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>
#include <openssl/types.h>

struct fault;
struct request;

/* What a renewal's token holds, checked: the request's DER, which the caller frees with free(), and the
 * certificate that signed it, which the caller frees. */
bool renewal_token_read(const struct request *request, xmlNode *token, unsigned char **ret_pkcs10,
                        size_t *ret_size, X509 **ret_certificate, struct fault *ret_fault);

/* Is the new key another one, and the device the same? device is "" when the request does not say. */
bool renewal_key_check(X509 *certificate, EVP_PKEY *key, const char *device, struct fault *ret_fault);

/* The device that the certificate names: its CN. */
void renewal_device_get(X509 *certificate, char *ret_device, size_t size);

#endif
