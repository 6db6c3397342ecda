/* The PKCS #10 request (RFC 2986) against what the policy demands. */
#ifndef MDE_SERVER_PKCS10_H
#define MDE_SERVER_PKCS10_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

struct fault;
struct options;

/* Reads the request, verifies its signature, and checks key and hash. The caller frees *ret_key. */
bool pkcs10_check(const unsigned char *der, size_t size, const struct options *options, EVP_PKEY **ret_key,
                  struct fault *ret_fault);

#endif
