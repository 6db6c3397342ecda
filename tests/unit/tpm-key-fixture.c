#include "tpm-key-fixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

const struct tpm_key_request request_rsa_2048 = {.type = TPM_KEY_RSA, .bits = 2048, .may_persist = true};
const struct tpm_key_request request_rsa_3072 = {.type = TPM_KEY_RSA, .bits = 3072, .may_persist = true};
const struct tpm_key_request request_p256 = {
    .type = TPM_KEY_EC, .curve = TPM_CURVE_P256, .may_persist = true};
const struct tpm_key_request request_p384 = {
    .type = TPM_KEY_EC, .curve = TPM_CURVE_P384, .may_persist = true};
const struct tpm_key_request request_p521 = {
    .type = TPM_KEY_EC, .curve = TPM_CURVE_P521, .may_persist = true};
const uint8_t fixture_digest[64] = {0xd1, 0x9e, 0x57, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xff, 0x80, 0x7f};

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    simulator_start(&fixture->simulator);
    fixture->tpm = tpm_new(fixture->simulator.tcti);
    assert_non_null(fixture->tpm);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    tpm_free(fixture->tpm);
    simulator_remove(&fixture->simulator);
    free(fixture);
    return 0;
}

void fixture_key_create(struct fixture *fixture, const struct tpm_key_request *request, const char *pin,
                        struct tpm_key *ret_key, struct tpm_auth *ret_auth)
{
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {1, 2, 3};
    enum tpm_status status;

    if (pin != NULL)
        assert_true(tpm_auth_derive((const uint8_t *)pin, strlen(pin), salt, ret_auth));
    status = tpm_key_create(fixture->tpm, request, pin != NULL ? ret_auth : NULL, pin != NULL ? salt : NULL,
                            ret_key);
    if (status != TPM_OK)
        fail_msg("%s (0x%x)", tpm_status_text(status), tpm_last_response_code(fixture->tpm));
}

EVP_PKEY *fixture_public_key(const struct tpm_public_key *key)
{
    static const char *const groups[] = {
        [TPM_CURVE_P256] = "P-256", [TPM_CURVE_P384] = "P-384", [TPM_CURVE_P521] = "P-521"};
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(key->modulus, (int)key->bits / 8, NULL), *e = BN_new();
    uint8_t point[1 + 2 * TPM_EC_MAX] = {4};
    size_t size = (key->bits + 7) / 8;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, key->type == TPM_KEY_RSA ? "RSA" : "EC", NULL);
    OSSL_PARAM *parameters;
    EVP_PKEY *result = NULL;

    BN_set_word(e, key->exponent);
    if (key->type == TPM_KEY_RSA) {
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    } else {
        memcpy(point + 1, key->x, size);
        memcpy(point + 1 + size, key->y, size);
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, groups[key->curve], 0);
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size);
    }
    parameters = OSSL_PARAM_BLD_to_param(builder);
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &result, EVP_PKEY_PUBLIC_KEY, parameters), 1);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return result;
}

static int ecdsa_to_der(const uint8_t *signature, size_t size, unsigned char **ret_der)
{
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    int der_size;

    ECDSA_SIG_set0(numbers, BN_bin2bn(signature, (int)size / 2, NULL),
                   BN_bin2bn(signature + size / 2, (int)size / 2, NULL));
    *ret_der = NULL;
    der_size = i2d_ECDSA_SIG(numbers, ret_der);
    ECDSA_SIG_free(numbers);
    return der_size;
}

int fixture_verify(const struct tpm_public_key *key, const EVP_MD *md, const uint8_t *digest,
                   size_t digest_size, const uint8_t *signature, size_t size)
{
    EVP_PKEY *public_key = fixture_public_key(key);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public_key, NULL);
    unsigned char *der = NULL;
    int verified;

    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    if (md != NULL)
        assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, md), 1);
    if (key->type == TPM_KEY_EC) {
        int der_size = ecdsa_to_der(signature, size, &der);

        verified = EVP_PKEY_verify(context, der, (size_t)der_size, digest, digest_size);
    } else {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
        verified = EVP_PKEY_verify(context, signature, size, digest, digest_size);
    }
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(public_key);
    return verified == 1;
}

enum tpm_status fixture_sign(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth)
{
    uint8_t signature[TPM_RSA_MAX];
    enum tpm_status status;
    size_t size = key->public_key.bits / 8; /* of an RSA signature */

    if (key->public_key.type == TPM_KEY_RSA)
        status = tpm_sign_rsassa(tpm, key, auth, TPM_HASH_SHA256, fixture_digest, 32, signature);
    else
        status = tpm_sign_ecdsa(tpm, key, auth, fixture_digest, 32, signature, &size);
    if (status == TPM_OK)
        assert_true(fixture_verify(&key->public_key,
                                   key->public_key.type == TPM_KEY_RSA ? EVP_sha256() : NULL, fixture_digest,
                                   32, signature, size));
    return status;
}

void fixture_assert_nothing_left(const struct fixture *fixture)
{
    assert_int_equal(simulator_count(&fixture->simulator, "handles-transient"), 0);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-loaded-session"), 0);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-saved-session"), 0);
}
