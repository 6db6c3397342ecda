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

#include "algorithm.h"

bool token_bytes_copy(const void *data, size_t size, struct token_bytes *ret_bytes)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return false;
    memcpy(copy, data, size);
    *ret_bytes = (struct token_bytes){.data = copy, .size = size};
    return true;
}

const char *public_key_curve_name(enum tpm_curve curve)
{
    const struct curve_algorithm *found = curve_algorithm_find(curve);
    return found != NULL ? found->name : NULL;
}

bool public_key_curve_set(struct tpm_public_key *public_key, const char *name)
{
    const struct curve_algorithm *curve = curve_algorithm_named(name);
    if (curve == NULL)
        return false;
    public_key->type = TPM_KEY_EC;
    public_key->curve = curve->curve;
    public_key->bits = curve->bits;
    return true;
}

size_t public_key_point(const struct tpm_public_key *public_key, uint8_t ret_point[1 + 2 * TPM_EC_MAX])
{
    size_t size = (public_key->bits + 7) / 8;
    ret_point[0] = 0x04;
    memcpy(ret_point + 1, public_key->x, size);
    memcpy(ret_point + 1 + size, public_key->y, size);
    return 1 + 2 * size;
}

static bool rsa_push(OSSL_PARAM_BLD *builder, const struct tpm_public_key *public_key, BIGNUM **ret_n,
                     BIGNUM **ret_e)
{
    if (public_key->bits < 1024 || public_key->bits / 8 > TPM_RSA_MAX)
        return false;
    *ret_n = BN_bin2bn(public_key->modulus, (int)(public_key->bits / 8), NULL);
    *ret_e = BN_new();
    return *ret_n != NULL && *ret_e != NULL && BN_set_word(*ret_e, public_key->exponent) &&
           OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, *ret_n) &&
           OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, *ret_e);
}

static bool ec_push(OSSL_PARAM_BLD *builder, const struct tpm_public_key *public_key,
                    uint8_t point[1 + 2 * TPM_EC_MAX])
{
    const char *curve = public_key_curve_name(public_key->curve);
    if (curve == NULL || (public_key->bits + 7) / 8 > TPM_EC_MAX)
        return false;
    size_t size = public_key_point(public_key, point);
    return OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
           OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, size);
}

OSSL_PARAM *public_key_parameters(const struct tpm_public_key *public_key)
{
    uint8_t point[1 + 2 * TPM_EC_MAX];
    BIGNUM *n = NULL, *e = NULL;
    OSSL_PARAM *parameters = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder != NULL && (public_key->type == TPM_KEY_RSA ? rsa_push(builder, public_key, &n, &e)
                                                            : ec_push(builder, public_key, point)))
        parameters = OSSL_PARAM_BLD_to_param(builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return parameters;
}

static bool rsa_from_pkey(const EVP_PKEY *pkey, struct tpm_public_key *ret_public_key)
{
    BIGNUM *n = NULL, *e = NULL;
    int bits = EVP_PKEY_get_bits(pkey);
    bool read = bits >= 1024 && bits % 8 == 0 && bits / 8 <= TPM_RSA_MAX &&
                EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
                EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_num_bits(e) <= 32 &&
                BN_bn2binpad(n, ret_public_key->modulus, bits / 8) > 0;
    if (read) {
        ret_public_key->type = TPM_KEY_RSA;
        ret_public_key->bits = (unsigned)bits;
        ret_public_key->exponent = (uint32_t)BN_get_word(e);
    }
    BN_free(n);
    BN_free(e);
    return read;
}

static bool ec_from_pkey(const EVP_PKEY *pkey, struct tpm_public_key *ret_public_key)
{
    char name[64];
    BIGNUM *x = NULL, *y = NULL;
    bool read =
        EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof(name), NULL) == 1 &&
        public_key_curve_set(ret_public_key, name) &&
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
        BN_bn2binpad(x, ret_public_key->x, (int)(ret_public_key->bits + 7) / 8) > 0 &&
        BN_bn2binpad(y, ret_public_key->y, (int)(ret_public_key->bits + 7) / 8) > 0;
    BN_free(x);
    BN_free(y);
    return read;
}

bool public_key_from_pkey(const EVP_PKEY *pkey, struct tpm_public_key *ret_public_key)
{
    *ret_public_key = (struct tpm_public_key){0};
    if (EVP_PKEY_is_a(pkey, "RSA"))
        return rsa_from_pkey(pkey, ret_public_key);
    return EVP_PKEY_is_a(pkey, "EC") && ec_from_pkey(pkey, ret_public_key);
}

bool public_key_info_encode(const struct tpm_public_key *public_key, struct token_bytes *ret_info)
{
    OSSL_PARAM *parameters = public_key_parameters(public_key);
    EVP_PKEY_CTX *context =
        EVP_PKEY_CTX_new_from_name(NULL, public_key->type == TPM_KEY_RSA ? "RSA" : "EC", NULL);
    EVP_PKEY *key = NULL;
    unsigned char *der = NULL;
    int size = -1;
    if (parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) > 0 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) > 0)
        size = i2d_PUBKEY(key, &der);
    bool encoded = size > 0 && token_bytes_copy(der, (size_t)size, ret_info);
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
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
        snprintf(ret_name, size, "%s",
                 public_key_curve_name(public_key->curve) != NULL ? public_key_curve_name(public_key->curve)
                                                                  : "EC");
}
