/*
 * RSASSA-PKCS1-v1_5: padding and DigestInfo. Blocks are of the modulus's size, bits / 8 bytes.
 */
#ifndef RSA_PKCS1_H
#define RSA_PKCS1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "algorithm.h"

/* EMSA-PKCS1-v1_5 (RFC 8017, 9.2) of a DigestInfo, or of whatever the caller signs in its place. False: too
 * long. */
bool rsa_pkcs1_pad(const uint8_t *data, size_t data_size, uint8_t *ret_block, size_t block_size)
    __attribute__((warn_unused_result));

/* The DigestInfo of a digest, with the NULL parameters of RFC 8017. Returns its size, at most
 * RSA_DIGEST_INFO_MAX. */
#define RSA_DIGEST_INFO_MAX (DIGEST_INFO_PREFIX + DIGEST_SIZE_MAX)
size_t rsa_digest_info(enum digest_algorithm algorithm, const uint8_t *digest,
                       uint8_t ret_info[RSA_DIGEST_INFO_MAX]);

/* The digest inside a DigestInfo that is exactly what rsa_digest_info() makes; DIGEST_NONE for anything else.
 */
enum digest_algorithm rsa_digest_info_parse(const uint8_t *info, size_t info_size,
                                            const uint8_t **ret_digest);

/* EMSA-PKCS1-v1_5 of a digest, with its DigestInfo. False: no such hash, or too long. */
bool rsa_pkcs1_encode(enum digest_algorithm algorithm, const uint8_t *digest, uint8_t *ret_block,
                      size_t block_size) __attribute__((warn_unused_result));

/* Whether the block is an EMSA-PKCS1-v1_5 encoding, of whatever. */
bool rsa_pkcs1_block_is_formed(const uint8_t *block, size_t block_size);

#endif
