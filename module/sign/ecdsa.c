#include "ecdsa.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

struct verification {
    BN_CTX *context;
    EC_GROUP *group;
    EC_POINT *public_point, *sum;
    BIGNUM *r, *s, *e, *u1, *u2, *x, *y;
};

static int curve_nid(enum tpm_curve curve)
{
    switch (curve) {
    case TPM_CURVE_P256:
        return NID_X9_62_prime256v1;
    case TPM_CURVE_P384:
        return NID_secp384r1;
    case TPM_CURVE_P521:
        return NID_secp521r1;
    case TPM_CURVE_NONE:
        break;
    }
    return NID_undef;
}

static bool prepare(struct verification *v, const struct tpm_public_key *key)
{
    int size = (int)((key->bits + 7) / 8);
    v->context = BN_CTX_new();
    v->group = EC_GROUP_new_by_curve_name(curve_nid(key->curve));
    if (v->context == NULL || v->group == NULL)
        return false;
    v->public_point = EC_POINT_new(v->group);
    v->sum = EC_POINT_new(v->group);
    v->r = BN_new();
    v->s = BN_new();
    v->e = BN_new();
    v->u1 = BN_new();
    v->u2 = BN_new();
    v->x = BN_bin2bn(key->x, size, NULL);
    v->y = BN_bin2bn(key->y, size, NULL);
    return v->public_point != NULL && v->sum != NULL && v->r != NULL && v->s != NULL && v->e != NULL &&
           v->u1 != NULL && v->u2 != NULL && v->x != NULL && v->y != NULL &&
           EC_POINT_set_affine_coordinates(v->group, v->public_point, v->x, v->y, v->context) == 1;
}

static bool in_range(const BIGNUM *number, const BIGNUM *order)
{
    return !BN_is_zero(number) && BN_ucmp(number, order) < 0;
}

/* FIPS 186-5, 6.4.2 */
static bool check(struct verification *v, const uint8_t *digest, size_t size, const uint8_t *signature,
                  int half)
{
    const BIGNUM *order = EC_GROUP_get0_order(v->group);
    int order_bits = BN_num_bits(order);
    size_t used = size * 8 > (size_t)order_bits ? (size_t)(order_bits + 7) / 8 : size;

    if (BN_bin2bn(digest, (int)used, v->e) == NULL || BN_bin2bn(signature, half, v->r) == NULL ||
        BN_bin2bn(signature + half, half, v->s) == NULL || !in_range(v->r, order) || !in_range(v->s, order))
        return false;
    if (used * 8 > (size_t)order_bits && BN_rshift(v->e, v->e, (int)(used * 8) - order_bits) != 1)
        return false;
    return BN_mod_inverse(v->s, v->s, order, v->context) != NULL &&
           BN_mod_mul(v->u1, v->e, v->s, order, v->context) == 1 &&
           BN_mod_mul(v->u2, v->r, v->s, order, v->context) == 1 &&
           EC_POINT_mul(v->group, v->sum, v->u1, v->public_point, v->u2, v->context) == 1 &&
           EC_POINT_get_affine_coordinates(v->group, v->sum, v->x, NULL, v->context) == 1 &&
           BN_nnmod(v->x, v->x, order, v->context) == 1 && BN_cmp(v->x, v->r) == 0;
}

/* libcrypto's points and numbers alone, for the reason that rsa.c gives. */
bool ecdsa_verify(const struct tpm_public_key *key, const uint8_t *digest, size_t size,
                  const uint8_t *signature)
{
    struct verification v = {0};

    ERR_set_mark();
    bool good = prepare(&v, key) && check(&v, digest, size, signature, (int)((key->bits + 7) / 8));
    BN_free(v.y);
    BN_free(v.x);
    BN_free(v.u2);
    BN_free(v.u1);
    BN_free(v.e);
    BN_free(v.s);
    BN_free(v.r);
    EC_POINT_free(v.sum);
    EC_POINT_free(v.public_point);
    EC_GROUP_free(v.group);
    BN_CTX_free(v.context);
    ERR_pop_to_mark();
    return good;
}
