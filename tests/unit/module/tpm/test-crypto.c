/*
 * module/tpm/primitives.c, kdf.c, curve.c and verify_signature.c against OpenSSL's EVP, which implements the
 * same standards on its own: SP 800-108 (KDFa), SP 800-56C (KDFe), ECDH, HMAC, AES-CFB.
 */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>

#include "curve.h"
#include "kdf.h"
#include "verify_signature.h"

static const uint8_t key[40] = "0123456789abcdef0123456789abcdef0123456", u[20] = "context of party u",
                     v[16] = "party v";

static void kdf_derive(const char *name, OSSL_PARAM *parameters, uint8_t ret_key[32])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);

    assert_int_equal(EVP_KDF_derive(context, ret_key, 32, parameters), 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static void kdfa_is_sp_800_108(void **state)
{
    static const char *const labels[] = {"ATH", "CFB", "STORAGE"};
    uint8_t both[sizeof(u) + sizeof(v)], expected[32], found[32];

    (void)state;
    memcpy(both, u, sizeof(u));
    memcpy(both + sizeof(u), v, sizeof(v));
    for (size_t i = 0; i < 3; i++) {
        OSSL_PARAM parameters[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, (char *)(uintptr_t) "counter", 0),
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, (char *)(uintptr_t) "HMAC", 0),
            OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, sizeof(key)),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)labels[i],
                                              strlen(labels[i])),
            OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, both, sizeof(both)),
            OSSL_PARAM_construct_end(),
        };

        kdf_derive("KBKDF", parameters, expected);
        tpm_kdfa(&(struct tpm_part){key, sizeof(key)}, labels[i], &(struct tpm_part){u, sizeof(u)},
                 &(struct tpm_part){v, sizeof(v)}, found);
        assert_memory_equal(found, expected, 32);
    }
}

static void kdfe_is_sp_800_56c(void **state)
{
    uint8_t info[7 + sizeof(u) + sizeof(v)] = "SECRET", expected[32], found[32];
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t) "SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)key, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info)),
        OSSL_PARAM_construct_end(),
    };

    (void)state;
    memcpy(info + 7, u, sizeof(u));
    memcpy(info + 7 + sizeof(u), v, sizeof(v));
    kdf_derive("SSKDF", parameters, expected);
    tpm_kdfe(&(struct tpm_part){key, 32}, "SECRET", &(struct tpm_part){u, sizeof(u)},
             &(struct tpm_part){v, sizeof(v)}, found);
    assert_memory_equal(found, expected, 32);
}

static void hmac_takes_keys_of_any_length(void **state)
{
    uint8_t long_key[200], expected[32], found[32];

    (void)state;
    for (size_t i = 0; i < sizeof(long_key); i++)
        long_key[i] = (uint8_t)(i * 7 + 1);
    for (size_t size = 1; size <= sizeof(long_key); size += 9) {
        const struct tpm_part parts[] = {{u, sizeof(u)}, {NULL, 0}, {v, sizeof(v)}};
        uint8_t both[sizeof(u) + sizeof(v)];
        size_t written;

        memcpy(both, u, sizeof(u));
        memcpy(both + sizeof(u), v, sizeof(v));
        assert_non_null(EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, long_key, size, both, sizeof(both),
                                  expected, 32, &written));
        tpm_hmac_sha256(long_key, size, parts, 3, found);
        assert_memory_equal(found, expected, 32);
    }
}

static void cfb_is_evp_s(void **state)
{
    uint8_t plain[77], expected[77], found[77];

    (void)state;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (uint8_t)(i * 3);
    for (size_t size = 0; size <= sizeof(plain); size += 11) {
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int written;

        assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_128_cfb128(), NULL, key, key + 16), 1);
        assert_int_equal(EVP_EncryptUpdate(context, expected, &written, plain, (int)size), 1);
        EVP_CIPHER_CTX_free(context);
        memcpy(found, plain, sizeof(plain));
        tpm_aes128_cfb_encrypt(key, key + 16, found, size);
        assert_memory_equal(found, expected, size);
        assert_memory_equal(found + size, plain + size, sizeof(plain) - size);
    }
}

static void point_of(EVP_PKEY *from, struct tpm_public_key *ret_key)
{
    uint8_t point[1 + 2 * TPM_EC_MAX];
    size_t size;

    assert_int_equal(
        EVP_PKEY_get_octet_string_param(from, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &size), 1);
    ret_key->type = TPM_KEY_EC;
    memcpy(ret_key->x, point + 1, size / 2);
    memcpy(ret_key->y, point + 1 + size / 2, size / 2);
}

static EVP_PKEY *key_of_point(const char *group, const uint8_t *x, const uint8_t *y, size_t size)
{
    uint8_t point[1 + 2 * TPM_EC_MAX] = {4};
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *result = NULL;

    memcpy(point + 1, x, size);
    memcpy(point + 1 + size, y, size);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &result, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    EVP_PKEY_CTX_free(context);
    return result;
}

static const struct {
    const char *name;
    enum tpm_curve curve;
    unsigned bits;
} curves[] = {{"P-256", TPM_CURVE_P256, 256}, {"P-384", TPM_CURVE_P384, 384}, {"P-521", TPM_CURVE_P521, 521}};

static void both_sides_agree(void **state)
{
    struct tpm_public_key public_key = {.curve = TPM_CURVE_P256, .bits = 256},
                          other = {.curve = TPM_CURVE_P384};
    uint8_t x[TPM_P256_SIZE], y[TPM_P256_SIZE], z[TPM_P256_SIZE], secret[TPM_P256_SIZE];
    struct tpm *tpm = tpm_new(NULL);

    (void)state;
    for (size_t i = 0; i < 300; i++) { /* about one coordinate of these begins with a zero byte */
        size_t secret_size = sizeof(secret);
        EVP_PKEY *theirs = EVP_EC_gen("P-256"), *ours;
        EVP_PKEY_CTX *context;

        point_of(theirs, &public_key);
        assert_int_equal(tpm_curve_agree(tpm, &public_key, x, y, z), TPM2_RC_SUCCESS);
        ours = key_of_point("P-256", x, y, TPM_P256_SIZE);
        context = EVP_PKEY_CTX_new(theirs, NULL);
        assert_int_equal(EVP_PKEY_derive_init(context), 1);
        assert_int_equal(EVP_PKEY_derive_set_peer(context, ours), 1);
        assert_int_equal(EVP_PKEY_derive(context, secret, &secret_size), 1);
        assert_int_equal(secret_size, TPM_P256_SIZE);
        assert_memory_equal(secret, z, TPM_P256_SIZE);
        EVP_PKEY_CTX_free(context);
        EVP_PKEY_free(theirs);
        EVP_PKEY_free(ours);
    }
    public_key.x[31] ^= 1;
    assert_int_equal(tpm_curve_agree(tpm, &public_key, x, y, z), LOCAL_RC_WRONG_KEY);
    assert_int_equal(tpm_curve_agree(tpm, &other, x, y, z), LOCAL_RC_WRONG_KEY);
    tpm_free(tpm);
}

static void ecdsa_is_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct tpm_public_key public_key = {
            .type = TPM_KEY_EC, .curve = curves[i].curve, .bits = curves[i].bits};
        int size = (int)(curves[i].bits + 7) / 8;
        EVP_PKEY *pair = EVP_EC_gen(curves[i].name);

        point_of(pair, &public_key);
        for (size_t digest_size = 1; digest_size <= 64; digest_size += 9) {
            uint8_t digest[64], der[200], numbers[2 * TPM_EC_MAX];
            const uint8_t *cursor = der;
            EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
            size_t der_size = sizeof(der);
            ECDSA_SIG *signature;

            memset(digest, 0xe3, sizeof(digest));
            assert_int_equal(EVP_PKEY_sign_init(context), 1);
            assert_int_equal(EVP_PKEY_sign(context, der, &der_size, digest, digest_size), 1);
            signature = d2i_ECDSA_SIG(NULL, &cursor, (long)der_size);
            assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), numbers, size), size);
            assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), numbers + size, size), size);
            ECDSA_SIG_free(signature);
            EVP_PKEY_CTX_free(context);
            assert_true(tpm_public_verify_ecdsa(&public_key, digest, digest_size, numbers));
            numbers[2 * size - 1] ^= 1;
            assert_false(tpm_public_verify_ecdsa(&public_key, digest, digest_size, numbers));
            numbers[2 * size - 1] ^= 1;
            digest[0] ^= 0x80;
            assert_false(tpm_public_verify_ecdsa(&public_key, digest, digest_size, numbers));
            memset(numbers + size, 0, (size_t)size);
            assert_false(tpm_public_verify_ecdsa(&public_key, digest, digest_size, numbers));
            memset(numbers, 0xff, sizeof(numbers));
            assert_false(tpm_public_verify_ecdsa(&public_key, digest, digest_size, numbers));
        }
        EVP_PKEY_free(pair);
    }
}

static void rsa_is_verified(void **state)
{
    struct tpm_public_key public_key = {.type = TPM_KEY_RSA, .bits = 2048, .exponent = 65537};
    uint8_t block[256], result[256];
    EVP_PKEY *pair = EVP_RSA_gen(2048);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(pair, NULL);
    BIGNUM *modulus = NULL;
    size_t size = sizeof(result);

    (void)state;
    assert_int_equal(EVP_PKEY_get_bn_param(pair, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    assert_int_equal(BN_bn2binpad(modulus, public_key.modulus, 256), 256);
    memset(block, 0x5c, sizeof(block));
    block[0] = 0;
    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_sign(context, result, &size, block, sizeof(block)), 1);
    assert_int_equal(tpm_verify_rsa(&public_key, block, result), TPM2_RC_SUCCESS);
    block[200] ^= 1;
    assert_int_equal(tpm_verify_rsa(&public_key, block, result), LOCAL_RC_NOT_VERIFIED);
    block[200] ^= 1;
    result[100] ^= 1;
    assert_int_equal(tpm_verify_rsa(&public_key, block, result), LOCAL_RC_NOT_VERIFIED);
    memset(result, 0xff, sizeof(result));
    assert_int_equal(tpm_verify_rsa(&public_key, block, result), LOCAL_RC_NOT_VERIFIED);
    BN_free(modulus);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kdfa_is_sp_800_108),
        cmocka_unit_test(kdfe_is_sp_800_56c),
        cmocka_unit_test(hmac_takes_keys_of_any_length),
        cmocka_unit_test(cfb_is_evp_s),
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(ecdsa_is_verified),
        cmocka_unit_test(rsa_is_verified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
