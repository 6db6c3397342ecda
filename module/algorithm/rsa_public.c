#include "rsa_public.h"

#include <openssl/bn.h>
#include <openssl/err.h>

/*
 * libcrypto's numbers alone: RSA_public_decrypt() and EVP_PKEY go through the default engine or provider of
 * the application, which may be this very module.
 */
enum rsa_public_result rsa_public(const struct tpm_public_key *key, const uint8_t *value, uint8_t *ret_block)
{
    const int size = (int)(key->bits / 8);
    enum rsa_public_result outcome = RSA_PUBLIC_NO_MEMORY;

    ERR_set_mark();
    BN_CTX *context = BN_CTX_new();
    BIGNUM *modulus = BN_bin2bn(key->modulus, size, NULL);
    BIGNUM *base = BN_bin2bn(value, size, NULL);
    BIGNUM *exponent = BN_new();
    BIGNUM *result = BN_new();
    if (context == NULL || modulus == NULL || base == NULL || exponent == NULL || result == NULL ||
        BN_set_word(exponent, key->exponent) != 1)
        goto out;
    outcome = RSA_PUBLIC_OUT_OF_RANGE;
    if (!BN_is_odd(modulus) || BN_ucmp(base, modulus) >= 0)
        goto out;
    outcome = BN_mod_exp_mont(result, base, exponent, modulus, context, NULL) == 1 &&
                      BN_bn2binpad(result, ret_block, size) == size
                  ? RSA_PUBLIC_OK
                  : RSA_PUBLIC_NO_MEMORY;
out:
    BN_free(result);
    BN_free(exponent);
    BN_free(base);
    BN_free(modulus);
    BN_CTX_free(context);
    ERR_pop_to_mark();
    return outcome;
}
