/* EC_POINT_get_Jprojective_coordinates_GFp() is deprecated and has no successor; see has_x() for why it is
 * needed. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "curve_sum.h"

#include <openssl/bn.h>
#include <openssl/obj_mac.h>

#define WINDOW 2 /* bits of each scalar taken at once */
#define SIDE   (1 << WINDOW)

/* i G + j Q at index i * SIDE + j. */
static bool table_fill(const EC_GROUP *group, const EC_POINT *q, EC_POINT *table[SIDE * SIDE],
                       BN_CTX *numbers)
{
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j++) {
            EC_POINT *point = table[i * SIDE + j] = EC_POINT_new(group);

            if (point == NULL)
                return false;
            if (i == 0 && j == 0) {
                if (EC_POINT_set_to_infinity(group, point) != 1)
                    return false;
            } else if (j > 0) {
                if (EC_POINT_add(group, point, table[i * SIDE + j - 1], q, numbers) != 1)
                    return false;
            } else if (EC_POINT_add(group, point, table[(i - 1) * SIDE], EC_GROUP_get0_generator(group),
                                    numbers) != 1) {
                return false;
            }
        }
    return true;
}

static size_t window_at(const BIGNUM *scalar, int bit)
{
    return (size_t)(BN_is_bit_set(scalar, bit + 1) << 1 | BN_is_bit_set(scalar, bit));
}

/* Both scalars from the top, two bits at a time (Shamir's trick). */
static bool sum_compute(const EC_GROUP *group, const BIGNUM *a, const EC_POINT *q, const BIGNUM *b,
                        EC_POINT *ret_sum, BN_CTX *numbers)
{
    EC_POINT *table[SIDE * SIDE] = {NULL};
    int bits = BN_num_bits(a) > BN_num_bits(b) ? BN_num_bits(a) : BN_num_bits(b);
    bool computed = table_fill(group, q, table, numbers) && EC_POINT_set_to_infinity(group, ret_sum) == 1;

    for (int bit = (bits + 1) / WINDOW * WINDOW; computed && bit >= 0; bit -= WINDOW) {
        size_t index = window_at(a, bit) * SIDE + window_at(b, bit);

        for (int i = 0; computed && i < WINDOW; i++)
            computed = EC_POINT_dbl(group, ret_sum, ret_sum, numbers) == 1;
        if (computed && index != 0)
            computed = EC_POINT_add(group, ret_sum, ret_sum, table[index], numbers) == 1;
    }
    for (size_t i = 0; i < SIDE * SIDE; i++)
        EC_POINT_free(table[i]);
    return computed;
}

/*
 * x = X / Z^2, compared as X = x Z^2, since the division draws random numbers too. x modulo the order is r,
 * so x is r or, where that is still below the field's prime, r and the order.
 */
static bool has_x(const EC_GROUP *group, const EC_POINT *point, const BIGNUM *r, BN_CTX *numbers)
{
    const BIGNUM *prime = EC_GROUP_get0_field(group), *order = EC_GROUP_get0_order(group);
    BIGNUM *x = BN_new(), *z = BN_new(), *candidate = BN_dup(r), *product = BN_new();
    bool found = false;

    if (x == NULL || z == NULL || candidate == NULL || product == NULL ||
        EC_POINT_is_at_infinity(group, point) ||
        EC_POINT_get_Jprojective_coordinates_GFp(group, point, x, NULL, z, numbers) != 1 ||
        BN_mod_sqr(z, z, prime, numbers) != 1)
        goto done;
    while (!found && BN_cmp(candidate, prime) < 0) {
        if (BN_mod_mul(product, candidate, z, prime, numbers) != 1)
            goto done;
        found = BN_cmp(product, x) == 0;
        if (BN_add(candidate, candidate, order) != 1)
            goto done;
    }
done:
    BN_free(product);
    BN_free(candidate);
    BN_free(z);
    BN_free(x);
    return found;
}

bool tpm_curve_sum_has_x(const EC_GROUP *group, const BIGNUM *a, const EC_POINT *q, const BIGNUM *b,
                         const BIGNUM *r, BN_CTX *numbers)
{
    EC_POINT *sum = EC_POINT_new(group);
    bool computed, found;

    if (sum == NULL)
        return false;
    if (EC_GROUP_get_curve_name(group) == NID_X9_62_prime256v1)
        computed = EC_POINT_mul(group, sum, a, q, b, numbers) == 1;
    else
        computed = sum_compute(group, a, q, b, sum, numbers);
    found = computed && has_x(group, sum, r, numbers);
    EC_POINT_free(sum);
    return found;
}
