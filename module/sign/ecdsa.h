/* ECDSA (FIPS 186-5, 6.4): the software side, which only verifies. */
#ifndef SIGN_ECDSA_H
#define SIGN_ECDSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tpm.h"

/* signature: r then s, each (bits + 7) / 8 bytes. digest: any length, its left-most bits count. */
bool ecdsa_verify(const struct tpm_public_key *key, const uint8_t *digest, size_t size,
                  const uint8_t *signature) __attribute__((warn_unused_result));

#endif
