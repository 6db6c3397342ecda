#include "verify_signature.h"

#include <limits.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>

#include "algorithm.h"
#include "curve.h"
#include "curve_sum.h"
#include "public_area.h"
#include "rsa_public.h"

/* The left-most bits of the digest, as many as the order has (FIPS 186-5, 6.4.1 step 2). */
static BIGNUM *digest_number(const uint8_t *digest, size_t size, int order_bits)
{
    BIGNUM *number = BN_bin2bn(digest, (int)size, NULL);

    if (number != NULL && (int)size * 8 > order_bits &&
        BN_rshift(number, number, (int)size * 8 - order_bits) != 1) {
        BN_free(number);
        return NULL;
    }
    return number;
}

static bool number_in_range(const BIGNUM *number, const BIGNUM *order)
{
    return !BN_is_zero(number) && BN_cmp(number, order) < 0;
}

uint32_t tpm_verify_ecdsa(const EC_GROUP *group, const struct tpm_public_key *key, const uint8_t *digest,
                          size_t digest_size, const uint8_t *signature)
{
    const BIGNUM *order = group != NULL ? EC_GROUP_get0_order(group) : NULL;
    int size = (int)(key->bits + 7) / 8;
    BN_CTX *numbers = BN_CTX_new();
    BIGNUM *r = BN_bin2bn(signature, size, NULL), *s = BN_bin2bn(signature + size, size, NULL);
    BIGNUM *e = NULL, *w = BN_new();
    EC_POINT *public_point = NULL;
    uint32_t rc = LOCAL_RC_NO_MEMORY;

    if (order == NULL || numbers == NULL || r == NULL || s == NULL || w == NULL)
        goto done;
    e = digest_number(digest, digest_size, BN_num_bits(order));
    if (e == NULL)
        goto done;
    rc = LOCAL_RC_NOT_VERIFIED;
    if (!number_in_range(r, order) || !number_in_range(s, order))
        goto done;
    public_point = tpm_curve_point(group, key, numbers);
    if (public_point == NULL)
        goto done;
    /* u1 = e / s, u2 = r / s; r is the x coordinate of u1 G + u2 Q. */
    if (BN_mod_inverse(w, s, order, numbers) != NULL && BN_mod_mul(e, e, w, order, numbers) == 1 &&
        BN_mod_mul(w, r, w, order, numbers) == 1 &&
        tpm_curve_sum_has_x(group, e, public_point, w, r, numbers))
        rc = TPM2_RC_SUCCESS;
done:
    EC_POINT_free(public_point);
    BN_free(w);
    BN_free(e);
    BN_free(s);
    BN_free(r);
    BN_CTX_free(numbers);
    return rc;
}

bool tpm_public_verify_ecdsa(const struct tpm_public_key *key, const uint8_t *digest, size_t digest_size,
                             const uint8_t *signature)
{
    const struct curve_algorithm *curve = curve_algorithm_find(key->curve);
    EC_GROUP *group;
    bool good;

    if (key->type != TPM_KEY_EC || curve == NULL || curve->bits != key->bits || digest_size > INT_MAX / 8)
        return false;
    ERR_set_mark(); /* the queue is the application's */
    group = tpm_curve_group_new(key->curve);
    good = tpm_verify_ecdsa(group, key, digest, digest_size, signature) == TPM2_RC_SUCCESS;
    EC_GROUP_free(group);
    ERR_pop_to_mark();
    return good;
}

uint32_t tpm_verify_rsa(const struct tpm_public_key *key, const uint8_t *block, const uint8_t *result)
{
    uint8_t found[TPM_RSA_MAX];

    switch (rsa_public(key, result, found)) {
    case RSA_PUBLIC_OK:
        return memcmp(found, block, key->bits / 8) == 0 ? TPM2_RC_SUCCESS : LOCAL_RC_NOT_VERIFIED;
    case RSA_PUBLIC_NO_MEMORY:
        return LOCAL_RC_NO_MEMORY;
    default:
        return LOCAL_RC_NOT_VERIFIED;
    }
}
