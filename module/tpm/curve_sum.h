/* a G + b Q for signatures that are checked: public numbers, so the time it takes may show them. */
#ifndef INTUNE_TPM_CURVE_SUM_H
#define INTUNE_TPM_CURVE_SUM_H

#include <stdbool.h>

#include <openssl/ec.h>

/*
 * The x coordinate of a G + b Q, modulo the group's order, is r. False also when memory is out.
 *
 * EC_POINT_mul() is used for P-256 alone, where libcrypto has code of its own for that curve. For others it
 * draws random numbers to hide the scalars, from RAND, which reads openssl.cnf and starts the engines named
 * there: perhaps this very module, in the middle of a signature. EC_POINT_add() and EC_POINT_dbl() do not.
 */
bool tpm_curve_sum_has_x(const EC_GROUP *group, const BIGNUM *a, const EC_POINT *q, const BIGNUM *b,
                         const BIGNUM *r, BN_CTX *numbers) __attribute__((warn_unused_result));

#endif
