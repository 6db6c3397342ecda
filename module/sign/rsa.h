/*
 * RSA: the paddings, computed here, and the public operation. Blocks are of the modulus's size, bits / 8
 * bytes, which the caller has checked to be at most TPM_RSA_MAX.
 */
#ifndef SIGN_RSA_H
#define SIGN_RSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "tpm.h"

/* The parameters of RSASSA-PSS (RFC 8017, 9.1). */
struct rsa_pss {
    enum digest_algorithm hash;
    enum digest_algorithm mask; /* of MGF1 */
    size_t salt_size;
};

/* EMSA-PKCS1-v1_5 (RFC 8017, 9.2) of a DigestInfo, or of whatever the caller signs in its place. False: too
 * long. */
bool rsa_pkcs1_pad(const uint8_t *data, size_t data_size, uint8_t *ret_block, size_t block_size)
    __attribute__((warn_unused_result));

/* The DigestInfo of a digest, with the NULL parameters of RFC 8017. Returns its size, at most
 * RSA_DIGEST_INFO_MAX. */
#define RSA_DIGEST_INFO_MAX (19 + DIGEST_SIZE_MAX)
size_t rsa_digest_info(enum digest_algorithm algorithm, const uint8_t *digest,
                       uint8_t ret_info[RSA_DIGEST_INFO_MAX]);

/* The digest inside a DigestInfo that is exactly what rsa_digest_info() makes; DIGEST_NONE for anything else.
 */
enum digest_algorithm rsa_digest_info_parse(const uint8_t *info, size_t info_size,
                                            const uint8_t **ret_digest);

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

/* value ^ exponent mod modulus. False when value is not below the modulus or memory is out. */
bool rsa_public(const struct tpm_public_key *key, const uint8_t *value, uint8_t *ret_block)
    __attribute__((warn_unused_result));

#endif
