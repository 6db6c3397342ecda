#include "public_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

bool token_bytes_copy(const void *data, size_t size, struct token_bytes *ret_bytes)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return false;
    memcpy(copy, data, size);
    *ret_bytes = (struct token_bytes){.data = copy, .size = size};
    return true;
}

static const char *curve_name(enum tpm_curve curve)
{
    static const char *const names[] = {
        [TPM_CURVE_P256] = "P-256", [TPM_CURVE_P384] = "P-384", [TPM_CURVE_P521] = "P-521"};
    return (size_t)curve < sizeof names / sizeof names[0] ? names[curve] : NULL;
}

static bool rsa_parameters(OSSL_PARAM_BLD *builder, const struct tpm_public_key *public_key, BIGNUM **ret_n,
                           BIGNUM **ret_e)
{
    *ret_n = BN_bin2bn(public_key->modulus, (int)(public_key->bits / 8), NULL);
    *ret_e = BN_new();
    return *ret_n && *ret_e && BN_set_word(*ret_e, public_key->exponent) &&
           OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, *ret_n) &&
           OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, *ret_e);
}

static bool ec_parameters(OSSL_PARAM_BLD *builder, const struct tpm_public_key *public_key,
                          uint8_t point[1 + 2 * TPM_EC_MAX])
{
    size_t size = (public_key->bits + 7) / 8;
    const char *curve = curve_name(public_key->curve);
    if (!curve || size > TPM_EC_MAX)
        return false;
    point[0] = 0x04; /* uncompressed: SEC 1, 2.3.3 */
    memcpy(point + 1, public_key->x, size);
    memcpy(point + 1 + size, public_key->y, size);
    return OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
           OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size);
}

bool public_key_info_encode(const struct tpm_public_key *public_key, struct token_bytes *ret_info)
{
    bool encoded = false;
    BIGNUM *n = NULL, *e = NULL;
    uint8_t point[1 + 2 * TPM_EC_MAX];
    OSSL_PARAM *parameters = NULL;
    EVP_PKEY_CTX *context = NULL;
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    bool rsa = public_key->type == TPM_KEY_RSA;

    if (rsa && (public_key->bits < 1024 || public_key->bits / 8 > TPM_RSA_MAX))
        return false;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (!builder ||
        !(rsa ? rsa_parameters(builder, public_key, &n, &e) : ec_parameters(builder, public_key, point)))
        goto out;
    parameters = OSSL_PARAM_BLD_to_param(builder);
    context = EVP_PKEY_CTX_new_from_name(NULL, rsa ? "RSA" : "EC", NULL);
    if (!parameters || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) <= 0)
        goto out;
    int size = i2d_PUBKEY(key, &der);
    encoded = size > 0 && token_bytes_copy(der, (size_t)size, ret_info);
out:
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return encoded;
}

bool public_key_info_hash(const uint8_t *info, size_t size, uint8_t ret_hash[PUBLIC_KEY_HASH_SIZE])
{
    const unsigned char *cursor = info;
    const unsigned char *bits;
    int bits_size;
    X509_PUBKEY *parsed = d2i_X509_PUBKEY(NULL, &cursor, (long)size);
    bool done = parsed && X509_PUBKEY_get0_param(NULL, &bits, &bits_size, NULL, parsed) &&
                EVP_Digest(bits, (size_t)bits_size, ret_hash, NULL, EVP_sha1(), NULL);
    X509_PUBKEY_free(parsed);
    return done;
}

bool public_key_equal(const struct tpm_public_key *one, const struct tpm_public_key *other)
{
    if (one->type != other->type || one->bits != other->bits)
        return false;
    if (one->type == TPM_KEY_RSA)
        return one->exponent == other->exponent && memcmp(one->modulus, other->modulus, one->bits / 8) == 0;
    size_t size = (one->bits + 7) / 8;
    return one->curve == other->curve && memcmp(one->x, other->x, size) == 0 &&
           memcmp(one->y, other->y, size) == 0;
}

void public_key_name(const struct tpm_public_key *public_key, char *ret_name, size_t size)
{
    if (public_key->type == TPM_KEY_RSA)
        snprintf(ret_name, size, "RSA %u", public_key->bits);
    else
        snprintf(ret_name, size, "%s", curve_name(public_key->curve) ? curve_name(public_key->curve) : "EC");
}
