#include "curve.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>

#include "algorithm.h"
#include "primitives.h"

EC_GROUP *tpm_curve_group_new(enum tpm_curve curve)
{
    const struct curve_algorithm *algorithm = curve_algorithm_find(curve);

    return algorithm != NULL ? EC_GROUP_new_by_curve_name(algorithm->nid) : NULL;
}

const EC_GROUP *tpm_curve_group(struct tpm *tpm, enum tpm_curve curve)
{
    if ((unsigned)curve >= TPM_CURVE_COUNT || curve == TPM_CURVE_NONE)
        return NULL;
    if (tpm->groups[curve] == NULL)
        tpm->groups[curve] = tpm_curve_group_new(curve);
    return tpm->groups[curve];
}

EC_POINT *tpm_curve_point(const EC_GROUP *group, const struct tpm_public_key *key, BN_CTX *numbers)
{
    int size = (int)(key->bits + 7) / 8;
    EC_POINT *point = EC_POINT_new(group);
    BIGNUM *x = BN_bin2bn(key->x, size, NULL), *y = BN_bin2bn(key->y, size, NULL);

    if (point == NULL || x == NULL || y == NULL ||
        EC_POINT_set_affine_coordinates(group, point, x, y, numbers) != 1) {
        EC_POINT_free(point);
        point = NULL;
    }
    BN_free(x);
    BN_free(y);
    return point;
}

/* A number from 1 to the group's order - 1, without bias: 64 bits more than the order has, reduced (FIPS
 * 186-5, A.2.1). */
static bool scalar_make(const EC_GROUP *group, BIGNUM *ret_scalar, BN_CTX *numbers)
{
    uint8_t bytes[TPM_P256_SIZE + 8];
    BIGNUM *limit = BN_dup(EC_GROUP_get0_order(group));
    bool made = limit != NULL && tpm_random(bytes, sizeof(bytes)) &&
                BN_bin2bn(bytes, sizeof(bytes), ret_scalar) != NULL;

    BN_set_flags(ret_scalar, BN_FLG_CONSTTIME);
    made = made && BN_sub_word(limit, 1) == 1 && BN_nnmod(ret_scalar, ret_scalar, limit, numbers) == 1 &&
           BN_add_word(ret_scalar, 1) == 1;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    BN_free(limit);
    return made;
}

uint32_t tpm_curve_agree(struct tpm *tpm, const struct tpm_public_key *key, uint8_t ret_x[TPM_P256_SIZE],
                         uint8_t ret_y[TPM_P256_SIZE], uint8_t ret_z[TPM_P256_SIZE])
{
    const EC_GROUP *group = tpm_curve_group(tpm, TPM_CURVE_P256);
    BN_CTX *numbers = BN_CTX_secure_new();
    BIGNUM *scalar = BN_secure_new(), *x = BN_new(), *y = BN_new(), *z = BN_new();
    EC_POINT *theirs = NULL, *ours = NULL, *shared = NULL;
    uint32_t rc = LOCAL_RC_NO_MEMORY;

    if (group == NULL || numbers == NULL || scalar == NULL || x == NULL || y == NULL || z == NULL)
        goto done;
    ours = EC_POINT_new(group);
    shared = EC_POINT_new(group);
    if (ours == NULL || shared == NULL)
        goto done;
    if (key->curve == TPM_CURVE_P256)
        theirs = tpm_curve_point(group, key, numbers);
    if (theirs == NULL) {
        rc = LOCAL_RC_WRONG_KEY;
        goto done;
    }
    if (!scalar_make(group, scalar, numbers) || EC_POINT_mul(group, ours, scalar, NULL, NULL, numbers) != 1 ||
        EC_POINT_mul(group, shared, NULL, theirs, scalar, numbers) != 1 ||
        EC_POINT_get_affine_coordinates(group, ours, x, y, numbers) != 1 ||
        EC_POINT_get_affine_coordinates(group, shared, z, NULL, numbers) != 1 ||
        BN_bn2binpad(x, ret_x, TPM_P256_SIZE) != TPM_P256_SIZE ||
        BN_bn2binpad(y, ret_y, TPM_P256_SIZE) != TPM_P256_SIZE ||
        BN_bn2binpad(z, ret_z, TPM_P256_SIZE) != TPM_P256_SIZE)
        goto done;
    rc = TPM2_RC_SUCCESS;
done:
    EC_POINT_clear_free(shared);
    EC_POINT_free(ours);
    EC_POINT_free(theirs);
    BN_clear_free(scalar);
    BN_clear_free(z);
    BN_free(x);
    BN_free(y);
    BN_CTX_free(numbers);
    return rc;
}
