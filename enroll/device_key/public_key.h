/* The device key's public half as X.509 has it. */
#ifndef ENROLL_INSTALL_PUBLIC_KEY_H
#define ENROLL_INSTALL_PUBLIC_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "token_directory.h"
#include "tpm.h"

#define PUBLIC_KEY_HASH_SIZE 20

/*
 * SubjectPublicKeyInfo, DER, malloc()ed (RFC 5280, 4.1.2.7; RFC 5480 with a named curve and an uncompressed
 * point). False when the numbers are no key of that type or memory is out.
 */
bool public_key_info_encode(const struct tpm_public_key *public_key, struct token_bytes *ret_info)
    __attribute__((warn_unused_result));

/* SHA-1 of the public key's BIT STRING without its header, as RFC 5280, 4.2.1.2 (1) names keys. */
bool public_key_info_hash(const uint8_t *info, size_t size, uint8_t ret_hash[PUBLIC_KEY_HASH_SIZE])
    __attribute__((warn_unused_result));

/* Whether two public keys are the same numbers. */
bool public_key_equal(const struct tpm_public_key *one, const struct tpm_public_key *other);

/* "RSA 2048", "P-256"; at least 16 bytes. */
void public_key_name(const struct tpm_public_key *public_key, char *ret_name, size_t size);

/* "P-256" as OpenSSL and FIPS 186 name it, NULL for TPM_CURVE_NONE; and a key's type, curve and bits from any
 * name OpenSSL has. */
const char *public_key_curve_name(enum tpm_curve curve);
bool public_key_curve_set(struct tpm_public_key *public_key, const char *name)
    __attribute__((warn_unused_result));

/* The uncompressed point of an EC key (SEC 1, 2.3.3); returns its size in bytes. */
size_t public_key_point(const struct tpm_public_key *public_key, uint8_t ret_point[1 + 2 * TPM_EC_MAX]);

/* The key as parameters of EVP_PKEY_fromdata(3), to be freed with OSSL_PARAM_free(); NULL when it is no key
 * or memory is out. */
OSSL_PARAM *public_key_parameters(const struct tpm_public_key *public_key);

/* The numbers of an RSA or EC key of OpenSSL's. False for another type, size or curve. */
bool public_key_from_pkey(const EVP_PKEY *pkey, struct tpm_public_key *ret_public_key)
    __attribute__((warn_unused_result));

/* A copy that the structure owns; false when memory is out. */
bool token_bytes_copy(const void *data, size_t size, struct token_bytes *ret_bytes)
    __attribute__((warn_unused_result));

#endif
