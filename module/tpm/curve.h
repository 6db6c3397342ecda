/* Arithmetic on the NIST curves, on libcrypto's points and numbers alone: no EC_KEY, no EVP_PKEY. */
#ifndef INTUNE_TPM_CURVE_H
#define INTUNE_TPM_CURVE_H

#include <openssl/ec.h>

#include "door.h"

/* The group of a curve, made once for each door and owned by it; NULL when memory is out. */
const EC_GROUP *tpm_curve_group(struct tpm *tpm, enum tpm_curve curve);

/* The point of an EC public key; NULL when it is not on its curve or memory is out. The caller frees it. */
EC_POINT *tpm_curve_point(const EC_GROUP *group, const struct tpm_public_key *key, BN_CTX *numbers);

/*
 * An ephemeral key on the curve of `key`: its public point and the x coordinate of its product with the point
 * of `key`, each (bits + 7) / 8 bytes. The caller wipes ret_z.
 */
uint32_t tpm_curve_agree(struct tpm *tpm, const struct tpm_public_key *key, uint8_t ret_x[TPM_EC_MAX],
                         uint8_t ret_y[TPM_EC_MAX], uint8_t ret_z[TPM_EC_MAX])
    __attribute__((warn_unused_result));

#endif
