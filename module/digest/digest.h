/*
 * The SHA family, by libcrypto's low-level functions. A leaf: token, sign and api may call it, it calls
 * nobody.
 *
 * Why not EVP: an EVP digest is fetched through a library context, which reads openssl.cnf and may load, by
 * the application's configuration, a provider or an engine made of this very module; and each fetch costs
 * more than hashing a TLS transcript does. The low-level functions do nothing but hash. They never fail.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#define DIGEST_SIZE_MAX 64

enum digest_algorithm {
    DIGEST_NONE,
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
};

/* A running hash. It may be copied by assignment, and wiped with memset. */
struct digest {
    enum digest_algorithm algorithm;
    union {
        SHA_CTX sha1;
        SHA256_CTX sha256; /* also SHA-224 */
        SHA512_CTX sha512; /* also SHA-384 */
    } state;
};

/* Bytes of the result, 0 for DIGEST_NONE. */
size_t digest_size(enum digest_algorithm algorithm);

void digest_init(struct digest *digest, enum digest_algorithm algorithm);
void digest_update(struct digest *digest, const void *data, size_t size);
/* Writes digest_size() bytes; the hash must be initialised again before it is used again. */
void digest_final(struct digest *digest, uint8_t *ret_value);

/* All of it in one call. */
void digest_compute(enum digest_algorithm algorithm, const void *data, size_t size, uint8_t *ret_value);

#endif
