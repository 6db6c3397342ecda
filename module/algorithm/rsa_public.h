#ifndef RSA_PUBLIC_H
#define RSA_PUBLIC_H

#include "tpm.h"

enum rsa_public_result { RSA_PUBLIC_OK, RSA_PUBLIC_OUT_OF_RANGE, RSA_PUBLIC_NO_MEMORY };

/* value ^ exponent mod modulus (RFC 8017, 5.2.2); both bits / 8 bytes. OUT_OF_RANGE: value is not below the
 * modulus. */
enum rsa_public_result rsa_public(const struct tpm_public_key *key, const uint8_t *value, uint8_t *ret_block)
    __attribute__((warn_unused_result));

#endif
