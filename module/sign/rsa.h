/*
 * RSASSA-PSS, computed here. Blocks are of the modulus's size, bits / 8
 * bytes, which the caller has checked to be at most TPM_RSA_MAX.
 */
#ifndef SIGN_RSA_H
#define SIGN_RSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rsa_pkcs1.h"
#include "rsa_public.h"

/* The parameters of RSASSA-PSS (RFC 8017, 9.1). */
struct rsa_pss {
    enum digest_algorithm hash;
    enum digest_algorithm mask; /* of MGF1 */
    size_t salt_size;
};

/* Whether hash and salt fit into the block (RFC 8017, 9.1.1, step 3). */
bool rsa_pss_fits(const struct rsa_pss *pss, size_t block_size);

/* EMSA-PSS with a fresh salt (RFC 8017, 9.1.1) of parameters that fit. False when there are no random bytes.
 */
bool rsa_pss_pad(const struct rsa_pss *pss, const uint8_t *digest, uint8_t *ret_block, size_t block_size)
    __attribute__((warn_unused_result));

/* Whether the block is an EMSA-PSS encoding of the digest with these parameters (9.1.2). */
bool rsa_pss_check(const struct rsa_pss *pss, const uint8_t *digest, const uint8_t *block, size_t block_size)
    __attribute__((warn_unused_result));

/*
 * Whether a block is one that a signature scheme makes: EMSA-PKCS1-v1_5, or EMSA-PSS with any of our hashes
 * and a salt that leaves 16 bytes of zeros (TLS's, of the digest's length, leaves more). What is neither, a
 * ciphertext for one, is not given to the key, so that CKM_RSA_X_509 serves OpenSSL's own PSS padding and is
 * no decryption oracle.
 */
bool rsa_block_is_signature(const uint8_t *block, size_t block_size) __attribute__((warn_unused_result));
bool rsa_pss_block_is_formed(const uint8_t *block, size_t block_size) __attribute__((warn_unused_result));

#endif
