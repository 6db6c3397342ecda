/*
 * Arithmetic on the NIST curves, on libcrypto's points and numbers alone: no EC_KEY, no EVP_PKEY, no RAND.
 * See curve_sum.h for what that leaves of EC_POINT_mul().
 */
#ifndef INTUNE_TPM_CURVE_H
#define INTUNE_TPM_CURVE_H

#include <openssl/ec.h>

#include "context.h"

#define TPM_P256_SIZE 32 /* bytes of a coordinate */

/* The group of a curve; NULL when memory is out. The caller frees it. */
EC_GROUP *tpm_curve_group_new(enum tpm_curve curve);
/* The group of a curve, made once per context and owned by it; NULL when memory is out. */
const EC_GROUP *tpm_curve_group(struct tpm *tpm, enum tpm_curve curve);

/* The point of an EC public key; NULL when it is not on its curve or memory is out. The caller frees it. */
EC_POINT *tpm_curve_point(const EC_GROUP *group, const struct tpm_public_key *key, BN_CTX *numbers);

/*
 * An ephemeral key on P-256: its public point and the x coordinate of its product with the point of `key`.
 * The caller wipes ret_z. LOCAL_RC_WRONG_KEY when `key` is no point of that curve.
 */
uint32_t tpm_curve_agree(struct tpm *tpm, const struct tpm_public_key *key, uint8_t ret_x[TPM_P256_SIZE],
                         uint8_t ret_y[TPM_P256_SIZE], uint8_t ret_z[TPM_P256_SIZE])
    __attribute__((warn_unused_result));

#endif
