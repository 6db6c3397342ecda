/*
 * enroll/device_key: the key in the TPM as OpenSSL uses it, through our provider: certificate request, CMS
 * message and TLS handshakes, each checked by OpenSSL's own implementation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "signing_key.h"
#include "tpm-key-fixture.h"

#define PIN       "2468"
#define OTHER_PIN "1357"

struct signer {
    struct tpm_key key;
    struct signing_key *signing_key;
    EVP_PKEY *pkey;
    X509 *certificate;
};

/* Signed by the key itself; also a test of ASN1_item_sign(). */
static X509 *certificate_make(EVP_PKEY *pkey)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();
    assert_non_null(certificate);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"device", -1, -1, 0), 1);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
    assert_int_equal(X509_set_subject_name(certificate, name), 1);
    assert_int_equal(X509_set_issuer_name(certificate, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 3600));
    assert_int_equal(X509_set_pubkey(certificate, pkey), 1);
    assert_true(X509_sign(certificate, pkey, EVP_sha256()) > 0);
    X509_NAME_free(name);
    /* Read back, so that its public key is the default provider's. */
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    const unsigned char *cursor = der;
    X509_free(certificate);
    certificate = d2i_X509(NULL, &cursor, size);
    assert_non_null(certificate);
    OPENSSL_free(der);
    return certificate;
}

static void signer_open(struct fixture *fixture, const struct tpm_key_request *request, const char *pin,
                        struct signer *ret_signer)
{
    struct tpm_auth auth;
    struct enroll_error error;
    memset(ret_signer, 0, sizeof(*ret_signer));
    fixture_key_create(fixture, request, pin, &ret_signer->key, &auth);
    assert_int_equal(signing_key_open(fixture->tpm, &ret_signer->key, pin, &ret_signer->signing_key, &error),
                     ENROLL_OK);
    ret_signer->pkey = signing_key_pkey(ret_signer->signing_key);
    ret_signer->certificate = certificate_make(ret_signer->pkey);
    assert_int_equal(X509_check_private_key(ret_signer->certificate, ret_signer->pkey), 1);
    /* Verified with the public key that stands in it, by the default provider. */
    assert_int_equal(X509_verify(ret_signer->certificate, X509_get0_pubkey(ret_signer->certificate)), 1);
}

static void signer_close(struct fixture *fixture, struct signer *signer)
{
    X509_free(signer->certificate);
    signing_key_close(signer->signing_key);
    fixture_assert_nothing_left(fixture);
}

static void request_check(const struct signer *signer)
{
    X509_REQ *request = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(request, signer->pkey), 1);
    assert_true(X509_REQ_sign(request, signer->pkey, EVP_sha384()) > 0);
    unsigned char *der = NULL;
    int size = i2d_X509_REQ(request, &der);
    const unsigned char *cursor = der;
    X509_REQ *read = d2i_X509_REQ(NULL, &cursor, size);
    assert_int_equal(X509_REQ_verify(read, X509_REQ_get0_pubkey(read)), 1);
    assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(read), signer->pkey), 1);
    X509_REQ_free(read);
    OPENSSL_free(der);
    X509_REQ_free(request);
}

static void message_check(const struct signer *signer)
{
    BIO *content = BIO_new_mem_buf("renewal", 7);
    CMS_ContentInfo *made = CMS_sign(signer->certificate, signer->pkey, NULL, content, CMS_BINARY);
    X509_STORE *store = X509_STORE_new();
    assert_non_null(made);
    unsigned char *der = NULL;
    int size = i2d_CMS_ContentInfo(made, &der);
    const unsigned char *cursor = der;
    CMS_ContentInfo *message = d2i_CMS_ContentInfo(NULL, &cursor, size);
    assert_non_null(message);
    assert_int_equal(X509_STORE_add_cert(store, signer->certificate), 1);
    assert_int_equal(CMS_verify(message, NULL, store, NULL, NULL, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY), 1);
    CMS_ContentInfo_free(message);
    CMS_ContentInfo_free(made);
    OPENSSL_free(der);
    X509_STORE_free(store);
    BIO_free(content);
}

/* A server with a software key that demands the certificate. */
static SSL_CTX *server_context(EVP_PKEY **ret_key, X509 **ret_certificate, X509 *client)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    *ret_key = EVP_EC_gen("P-256");
    *ret_certificate = certificate_make(*ret_key);
    assert_int_equal(SSL_CTX_use_certificate(context, *ret_certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, *ret_key), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), client), 1);
    return context;
}

static bool handshake(const struct signer *signer, int version)
{
    EVP_PKEY *server_key;
    X509 *server_certificate;
    SSL_CTX *server = server_context(&server_key, &server_certificate, signer->certificate);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    BIO *client_end, *server_end;
    bool done = false;

    assert_int_equal(SSL_CTX_use_certificate(client, signer->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(client, signer->pkey), 1);
    assert_int_equal(SSL_CTX_check_private_key(client), 1);
    assert_int_equal(SSL_CTX_set_min_proto_version(client, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(client, version), 1);
    SSL *one = SSL_new(client), *other = SSL_new(server);
    assert_int_equal(BIO_new_bio_pair(&client_end, 0, &server_end, 0), 1);
    SSL_set_bio(one, client_end, client_end);
    SSL_set_bio(other, server_end, server_end);
    SSL_set_connect_state(one);
    SSL_set_accept_state(other);
    for (int turns = 0; turns < 20 && !done; turns++) {
        int from_client = SSL_do_handshake(one);
        int from_server = SSL_do_handshake(other);
        done = from_client == 1 && from_server == 1;
    }
    if (done) {
        X509 *seen = SSL_get1_peer_certificate(other);
        assert_non_null(seen);
        assert_int_equal(X509_cmp(seen, signer->certificate), 0);
        assert_int_equal(SSL_version(one), version);
        X509_free(seen);
    }
    ERR_clear_error();
    SSL_free(one);
    SSL_free(other);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    X509_free(server_certificate);
    EVP_PKEY_free(server_key);
    return done;
}

static void all_check(struct fixture *fixture, const struct tpm_key_request *request, const char *pin)
{
    struct signer signer;
    signer_open(fixture, request, pin, &signer);
    request_check(&signer);
    message_check(&signer);
    assert_true(handshake(&signer, TLS1_2_VERSION));
    assert_true(handshake(&signer, TLS1_3_VERSION));
    assert_null(signing_key_failure(signer.signing_key));
    signer_close(fixture, &signer);
}

static void rsa_key_signs_request_message_and_handshakes(void **state)
{
    all_check(*state, &request_rsa_2048, NULL);
}

static void p256_key_signs_request_message_and_handshakes(void **state)
{
    all_check(*state, &request_p256, NULL);
}

static void p384_key_signs_request_message_and_handshakes(void **state)
{
    all_check(*state, &request_p384, NULL);
}

static void keys_with_a_pin_sign(void **state)
{
    all_check(*state, &request_rsa_2048, PIN);
    all_check(*state, &request_p256, PIN);
}

static void pss_salts_verify(void **state)
{
    static const int salts[] = {RSA_PSS_SALTLEN_DIGEST, RSA_PSS_SALTLEN_MAX, 0, 20};
    struct signer signer;
    signer_open(*state, &request_rsa_2048, NULL, &signer);
    for (size_t i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
        EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
        EVP_PKEY_CTX *context;
        unsigned char signature[512];
        size_t size = sizeof(signature);
        assert_int_equal(EVP_DigestSignInit(sign, &context, EVP_sha384(), NULL, signer.pkey), 1);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salts[i]) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0);
        assert_int_equal(EVP_DigestSign(sign, signature, &size, (const unsigned char *)"message", 7), 1);
        assert_int_equal(
            EVP_DigestVerifyInit(verify, &context, EVP_sha384(), NULL, X509_get0_pubkey(signer.certificate)),
            1);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salts[i]) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0);
        assert_int_equal(EVP_DigestVerify(verify, signature, size, (const unsigned char *)"message", 7), 1);
        EVP_MD_CTX_free(sign);
        EVP_MD_CTX_free(verify);
    }
    signer_close(*state, &signer);
}

/* The provider is in a library context of the key's own: nothing else of the process is served by it. */
static void other_keys_of_the_process_keep_their_provider(void **state)
{
    struct signer signer;
    signer_open(*state, &request_p256, NULL, &signer);
    assert_int_equal(OSSL_PROVIDER_available(NULL, "intune-tpm-key"), 0);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(signer.pkey)), "intune-tpm-key");
    EVP_PKEY *other = EVP_EC_gen("P-256");
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(other)), "default");
    EVP_PKEY_free(other);
    signer_close(*state, &signer);
}

static void private_half_is_never_exported(void **state)
{
    struct signer signer;
    OSSL_PARAM *parameters = NULL;
    signer_open(*state, &request_rsa_2048, NULL, &signer);
    assert_int_not_equal(EVP_PKEY_todata(signer.pkey, EVP_PKEY_KEYPAIR, &parameters), 1);
    assert_null(parameters);
    assert_int_equal(EVP_PKEY_todata(signer.pkey, EVP_PKEY_PUBLIC_KEY, &parameters), 1);
    OSSL_PARAM_free(parameters);
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_not_equal(PEM_write_bio_PrivateKey(out, signer.pkey, NULL, NULL, 0, NULL, NULL), 1);
    BIO_free(out);
    ERR_clear_error();
    signer_close(*state, &signer);
}

static uint32_t failures(struct fixture *fixture)
{
    struct tpm_lockout lockout;
    assert_int_equal(tpm_lockout_read(fixture->tpm, &lockout), TPM_OK);
    return lockout.failures;
}

/* A handshake and a message that follow do not count another failure. */
static void wrong_pin_is_tried_once_and_named(void **state)
{
    struct fixture *fixture = *state;
    struct signer signer;
    struct enroll_error error;
    signer_open(fixture, &request_p256, PIN, &signer);
    signing_key_close(signer.signing_key);
    assert_int_equal(signing_key_open(fixture->tpm, &signer.key, OTHER_PIN, &signer.signing_key, &error),
                     ENROLL_OK);
    signer.pkey = signing_key_pkey(signer.signing_key);
    uint32_t before = failures(fixture);
    assert_false(handshake(&signer, TLS1_3_VERSION));
    assert_string_equal(signing_key_failure(signer.signing_key), tpm_status_text(TPM_AUTH_FAILED));
    assert_false(handshake(&signer, TLS1_2_VERSION));
    assert_int_equal(failures(fixture), before + 1);
    signer_close(fixture, &signer);
}

static void missing_and_impossible_pins_are_refused_before_the_tpm(void **state)
{
    struct fixture *fixture = *state;
    struct signer signer;
    struct signing_key *key = NULL;
    struct enroll_error error;
    signer_open(fixture, &request_p256, PIN, &signer);
    uint32_t before = failures(fixture);
    assert_int_equal(signing_key_open(fixture->tpm, &signer.key, NULL, &key, &error), ENROLL_CONFIGURATION);
    assert_int_equal(signing_key_open(fixture->tpm, &signer.key, "123", &key, &error), ENROLL_CONFIGURATION);
    assert_null(key);
    assert_int_equal(failures(fixture), before);
    signer_close(fixture, &signer);
}

static void tpm_that_is_gone_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct signer signer;
    signer_open(fixture, &request_p256, NULL, &signer);
    simulator_stop(&fixture->simulator);
    assert_false(handshake(&signer, TLS1_3_VERSION));
    assert_string_equal(signing_key_failure(signer.signing_key), tpm_status_text(TPM_UNREACHABLE));
    simulator_restart(&fixture->simulator);
    signer_close(fixture, &signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_key_signs_request_message_and_handshakes),
        cmocka_unit_test(p256_key_signs_request_message_and_handshakes),
        cmocka_unit_test(p384_key_signs_request_message_and_handshakes),
        cmocka_unit_test(keys_with_a_pin_sign),
        cmocka_unit_test(pss_salts_verify),
        cmocka_unit_test(other_keys_of_the_process_keep_their_provider),
        cmocka_unit_test(private_half_is_never_exported),
        cmocka_unit_test(wrong_pin_is_tried_once_and_named),
        cmocka_unit_test(missing_and_impossible_pins_are_refused_before_the_tpm),
        cmocka_unit_test(tpm_that_is_gone_is_named),
    };
    return cmocka_run_group_tests_name("signing key", tests, fixture_setup, fixture_teardown);
}
