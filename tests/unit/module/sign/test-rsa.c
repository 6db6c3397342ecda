/* module/sign: RSA's paddings against OpenSSL with keys of its own, and module/digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "digest.h"
#include "rsa.h"

static const struct {
    enum digest_algorithm algorithm;
    const char *name;
} hashes[] = {{DIGEST_SHA1, "SHA1"},
              {DIGEST_SHA224, "SHA224"},
              {DIGEST_SHA256, "SHA256"},
              {DIGEST_SHA384, "SHA384"},
              {DIGEST_SHA512, "SHA512"}};
#define HASH_COUNT (sizeof hashes / sizeof hashes[0])

static struct tpm_public_key rsa_public_key(EVP_PKEY *key)
{
    struct tpm_public_key public_key = {
        .type = TPM_KEY_RSA, .bits = (unsigned)EVP_PKEY_get_bits(key), .exponent = 65537};
    BIGNUM *modulus = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &modulus), 1);
    BN_bn2binpad(modulus, public_key.modulus, (int)public_key.bits / 8);
    BN_free(modulus);
    return public_key;
}

static void digests_are_openssls(void **state)
{
    uint8_t data[300], found[DIGEST_SIZE_MAX], expected[DIGEST_SIZE_MAX];
    unsigned size;
    (void)state;
    memset(data, 0x5a, sizeof data);
    for (size_t i = 0; i < HASH_COUNT; i++) {
        struct digest digest;
        assert_int_equal(
            EVP_Digest(data, sizeof data, expected, &size, EVP_get_digestbyname(hashes[i].name), NULL), 1);
        assert_int_equal(digest_size(hashes[i].algorithm), size);
        digest_init(&digest, hashes[i].algorithm);
        digest_update(&digest, data, 100);
        digest_update(&digest, NULL, 0);
        digest_update(&digest, data + 100, 200);
        digest_final(&digest, found);
        assert_memory_equal(found, expected, size);
    }
    assert_int_equal(digest_size(DIGEST_NONE), 0);
}

/* OpenSSL signs, we take the block apart; we pad, OpenSSL verifies what it made itself of our block. */
static void pss_is_openssls(void **state)
{
    uint8_t digest[64] = {1, 2, 3}, signature[512], block[512];
    EVP_PKEY *key = EVP_RSA_gen(2048);
    struct tpm_public_key public_key = rsa_public_key(key);
    (void)state;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        const int salts[] = {0, 1, (int)digest_size(hashes[i].algorithm),
                             254 - (int)digest_size(hashes[i].algorithm)};
        for (size_t j = 0; j < 4; j++) {
            size_t size = sizeof signature;
            struct rsa_pss pss = {hashes[i].algorithm, hashes[(i + j) % HASH_COUNT].algorithm,
                                  (size_t)salts[j]};
            EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
            assert_int_equal(EVP_PKEY_sign_init(context), 1);
            assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
            assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(hashes[i].name)), 1);
            assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(
                                 context, EVP_get_digestbyname(hashes[(i + j) % HASH_COUNT].name)),
                             1);
            assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salts[j]), 1);
            assert_int_equal(EVP_PKEY_sign(context, signature, &size, digest, digest_size(pss.hash)), 1);
            EVP_PKEY_CTX_free(context);
            assert_int_equal(rsa_public(&public_key, signature, block), RSA_PUBLIC_OK);
            assert_true(rsa_pss_check(&pss, digest, block, 256));
            assert_int_equal(rsa_block_is_signature(block, 256),
                             256 - digest_size(pss.hash) - 2 - pss.salt_size >= 16);
            pss.salt_size ^= 1;
            assert_false(rsa_pss_check(&pss, digest, block, 256));
            pss.salt_size ^= 1;
            digest[0] ^= 1;
            assert_false(rsa_pss_check(&pss, digest, block, 256));
            digest[0] ^= 1;
            assert_true(rsa_pss_fits(&pss, 256) && rsa_pss_pad(&pss, digest, block, 256));
            assert_true(rsa_pss_check(&pss, digest, block, 256));
        }
    }
    struct rsa_pss too_long = {DIGEST_SHA512, DIGEST_SHA512, 191};
    assert_false(rsa_pss_fits(&too_long, 256));
    EVP_PKEY_free(key);
}

/* Each byte of a PSS block counts. */
static void a_changed_pss_block_is_refused(void **state)
{
    uint8_t digest[32] = {9}, block[256];
    struct rsa_pss pss = {DIGEST_SHA256, DIGEST_SHA256, 32};
    (void)state;
    assert_true(rsa_pss_pad(&pss, digest, block, sizeof(block)));
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] ^= 0x80;
        assert_false(rsa_pss_check(&pss, digest, block, sizeof block));
        block[i] ^= 0x80;
    }
    assert_true(rsa_pss_check(&pss, digest, block, sizeof block));
}

static void digest_infos_are_there_and_back(void **state)
{
    uint8_t digest[DIGEST_SIZE_MAX] = {7, 7}, info[RSA_DIGEST_INFO_MAX], block[256];
    const uint8_t *found;
    (void)state;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        size_t size = rsa_digest_info(hashes[i].algorithm, digest, info);
        assert_int_equal(rsa_digest_info_parse(info, size, &found), hashes[i].algorithm);
        assert_memory_equal(found, digest, digest_size(hashes[i].algorithm));
        assert_int_equal(rsa_digest_info_parse(info, size - 1, &found), DIGEST_NONE);
        info[4] ^= 1;
        assert_int_equal(rsa_digest_info_parse(info, size, &found), DIGEST_NONE);
    }
    assert_int_equal(rsa_digest_info_parse(info, 0, &found), DIGEST_NONE);
    assert_true(rsa_pkcs1_pad(info, 30, block, sizeof block));
    assert_true(rsa_block_is_signature(block, sizeof block));
    block[1] = 2;
    assert_false(rsa_block_is_signature(block, sizeof block));
    assert_true(rsa_pkcs1_pad(NULL, 0, block, sizeof block));
    assert_false(rsa_pkcs1_pad(block, 246, block, sizeof block));
    assert_false(rsa_pkcs1_pad(block, 1, block, 10));
}

static void a_value_above_the_modulus_is_refused(void **state)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    struct tpm_public_key public_key = rsa_public_key(key);
    uint8_t block[512];
    (void)state;
    assert_int_equal(rsa_public(&public_key, public_key.modulus, block), RSA_PUBLIC_OUT_OF_RANGE);
    public_key.modulus[127] -= 1; /* odd: one below the modulus, which is then even and refused */
    assert_int_equal(rsa_public(&public_key, block, block), RSA_PUBLIC_OUT_OF_RANGE);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_openssls),
        cmocka_unit_test(pss_is_openssls),
        cmocka_unit_test(a_changed_pss_block_is_refused),
        cmocka_unit_test(digest_infos_are_there_and_back),
        cmocka_unit_test(a_value_above_the_modulus_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
