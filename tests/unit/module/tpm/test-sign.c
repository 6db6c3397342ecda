/* module/tpm/signature.c on a real software TPM: every kind of key, resident and wrapped, with and without a
 * PIN. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tpm-key-fixture.h"

static void each_key_signs(void **state)
{
    const struct tpm_key_request *const requests[] = {&request_rsa_2048, &request_p256, &request_p384,
                                                      &request_p521};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        for (int with_pin = 0; with_pin < 2; with_pin++) {
            struct tpm_auth auth;
            struct tpm_key key;

            fixture_key_create(fixture, requests[i], with_pin ? "2718281" : NULL, &key, &auth);
            assert_int_equal(key.has_pin, with_pin);
            assert_int_equal(key.parent, 0x81000001);
            assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            fixture_assert_nothing_left(fixture);

            assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
            assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            fixture_assert_nothing_left(fixture);
        }
}

/* FIPS 186-5, 6.4: any length; the left-most bits count, and a short input is a small number. */
static void ecdsa_takes_inputs_of_any_length(void **state)
{
    static const size_t sizes[] = {1, 2, 19, 20, 28, 31, 32, 33, 47, 48, 49, 64, 65, 128, 1000};
    const struct tpm_key_request *const requests[] = {&request_p256, &request_p384, &request_p521};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < 3; i++) {
        struct tpm_key key;

        fixture_key_create(fixture, requests[i], NULL, &key, NULL);
        for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            uint8_t digest[1000], signature[2 * TPM_EC_MAX];
            enum tpm_status status;
            size_t size = 0;

            memset(digest, 0xa7, sizeof(digest));
            status = tpm_sign_ecdsa(fixture->tpm, &key, NULL, digest, sizes[j], signature, &size);
            if (key.public_key.bits == 521 && sizes[j] > 64) { /* more than the longest hash of a TPM */
                assert_int_equal(status, TPM_BAD_ARGUMENT);
                continue;
            }
            assert_int_equal(status, TPM_OK);
            assert_int_equal(size, 2 * ((key.public_key.bits + 7) / 8));
            assert_true(fixture_verify(&key.public_key, NULL, digest, sizes[j], signature, size));
        }
    }
}

static void rsassa_signs_with_each_hash(void **state)
{
    const struct {
        enum tpm_hash hash;
        const EVP_MD *md;
        size_t size;
    } hashes[] = {{TPM_HASH_SHA1, EVP_sha1(), 20},
                  {TPM_HASH_SHA256, EVP_sha256(), 32},
                  {TPM_HASH_SHA384, EVP_sha384(), 48},
                  {TPM_HASH_SHA512, EVP_sha512(), 64}};
    struct fixture *fixture = *state;
    uint8_t signature[TPM_RSA_MAX];
    struct tpm_key key;

    fixture_key_create(fixture, &request_rsa_2048, NULL, &key, NULL);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(tpm_sign_rsassa(fixture->tpm, &key, NULL, hashes[i].hash, fixture_digest,
                                         hashes[i].size, signature),
                         TPM_OK);
        assert_true(
            fixture_verify(&key.public_key, hashes[i].md, fixture_digest, hashes[i].size, signature, 256));
        assert_int_equal(tpm_sign_rsassa(fixture->tpm, &key, NULL, hashes[i].hash, fixture_digest,
                                         hashes[i].size - 1, signature),
                         TPM_BAD_ARGUMENT);
    }
    assert_int_equal(tpm_sign_rsassa(fixture->tpm, &key, NULL, TPM_HASH_NONE, fixture_digest, 32, signature),
                     TPM_BAD_ARGUMENT);
}

/* A result with a leading zero byte comes about once in 256: it is as long as the others. */
static void the_raw_operation_gives_all_bytes(void **state)
{
    struct fixture *fixture = *state;
    uint8_t block[TPM_RSA_MAX], result[TPM_RSA_MAX];
    struct tpm_auth auth;
    struct tpm_key key, pin_key;

    fixture_key_create(fixture, &request_rsa_2048, NULL, &key, NULL);
    fixture_key_create(fixture, &request_rsa_2048, "4711", &pin_key, &auth);
    assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
    /* EMSA-PKCS1-v1_5 of MD5 and SHA-1 together, as TLS 1.0 has it: no DigestInfo, any 36 bytes. */
    memset(block, 0xff, sizeof(block));
    block[0] = 0;
    block[1] = 1;
    block[256 - 37] = 0;
    for (int i = 0; i < 600; i++) {
        memset(block + 256 - 36, i, 36);
        block[255] = (uint8_t)(i >> 8);
        assert_int_equal(tpm_rsa_private(fixture->tpm, &key, NULL, block, result), TPM_OK);
        assert_true(fixture_verify(&key.public_key, NULL, block + 256 - 36, 36, result, 256));
    }
    assert_int_equal(tpm_rsa_private(fixture->tpm, &pin_key, &auth, block, result), TPM_OK);
    assert_true(fixture_verify(&pin_key.public_key, NULL, block + 256 - 36, 36, result, 256));
    memset(block, 0, sizeof(block));
    block[255] = 1; /* one to any power is one */
    assert_int_equal(tpm_rsa_private(fixture->tpm, &key, NULL, block, result), TPM_OK);
    assert_memory_equal(result, block, 256);
    memset(block, 0xff, sizeof(block)); /* more than the modulus */
    assert_int_equal(tpm_rsa_private(fixture->tpm, &key, NULL, block, result), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
    fixture_assert_nothing_left(fixture);
}

static void a_key_signs_only_with_its_own_algorithm(void **state)
{
    struct fixture *fixture = *state;
    uint8_t signature[TPM_RSA_MAX];
    struct tpm_key rsa, ec;
    size_t size;

    fixture_key_create(fixture, &request_rsa_2048, NULL, &rsa, NULL);
    fixture_key_create(fixture, &request_p256, NULL, &ec, NULL);
    assert_int_equal(tpm_sign_ecdsa(fixture->tpm, &rsa, NULL, fixture_digest, 32, signature, &size),
                     TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_sign_ecdsa(fixture->tpm, &ec, NULL, fixture_digest, 0, signature, &size),
                     TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_rsa_private(fixture->tpm, &ec, NULL, fixture_digest, signature), TPM_BAD_ARGUMENT);
    assert_int_equal(tpm_sign_rsassa(fixture->tpm, &ec, NULL, TPM_HASH_SHA256, fixture_digest, 32, signature),
                     TPM_BAD_ARGUMENT);
    /* A public key that is not the wrapped one's: the TPM signs, and the signature is kept back. */
    ec.public_key.x[31] ^= 1;
    assert_int_equal(tpm_sign_ecdsa(fixture->tpm, &ec, NULL, fixture_digest, 32, signature, &size),
                     TPM_FAILED);
    fixture_assert_nothing_left(fixture);
}

static void larger_rsa_keys_sign_where_the_tpm_has_them(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_facts facts;
    struct tpm_key key;

    assert_int_equal(tpm_facts_read(fixture->tpm, &facts), TPM_OK);
    if (facts.rsa_max_bits < 3072)
        skip();
    fixture_key_create(fixture, &request_rsa_3072, NULL, &key, NULL);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_signs),
        cmocka_unit_test(ecdsa_takes_inputs_of_any_length),
        cmocka_unit_test(rsassa_signs_with_each_hash),
        cmocka_unit_test(the_raw_operation_gives_all_bytes),
        cmocka_unit_test(a_key_signs_only_with_its_own_algorithm),
        cmocka_unit_test(larger_rsa_keys_sign_where_the_tpm_has_them),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
