/*
 * module/tpm reads no openssl.cnf and starts no engine: neither making keys, nor signatures of any kind, nor
 * PINs. An application's configuration may name an engine over the very module that is at work.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include <openssl/crypto.h>

#include "tpm-key-fixture.h"

static int watch;

static int configuration_was_read(void)
{
    char events[4096];

    return read(watch, events, sizeof(events)) > 0;
}

static void sign_quietly(struct fixture *fixture, const struct tpm_key *key, const struct tpm_auth *auth)
{
    uint8_t signature[TPM_RSA_MAX], block[TPM_RSA_MAX] = {0, 1, 2};
    size_t size;

    if (key->public_key.type == TPM_KEY_RSA) {
        assert_int_equal(
            tpm_sign_rsassa(fixture->tpm, key, auth, TPM_HASH_SHA256, fixture_digest, 32, signature), TPM_OK);
        assert_int_equal(tpm_rsa_private(fixture->tpm, key, auth, block, signature), TPM_OK);
    } else {
        assert_int_equal(tpm_sign_ecdsa(fixture->tpm, key, auth, fixture_digest, 48, signature, &size),
                         TPM_OK);
        assert_true(tpm_public_verify_ecdsa(&key->public_key, fixture_digest, 48, signature));
        signature[0] ^= 1;
        assert_false(tpm_public_verify_ecdsa(&key->public_key, fixture_digest, 48, signature));
    }
}

static void the_configuration_is_not_read(void **state)
{
    const struct tpm_key_request *const requests[] = {&request_rsa_2048, &request_p256, &request_p384,
                                                      &request_p521};
    struct fixture *fixture = *state;
    char path[96];
    FILE *file;

    snprintf(path, sizeof(path), "%s/openssl.cnf", fixture->simulator.directory);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    assert_true(watch >= 0);
    assert_true(inotify_add_watch(watch, path, IN_OPEN) >= 0);
    assert_int_equal(setenv("OPENSSL_CONF", path, 1), 0); /* the software TPM started without it */

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        for (int with_pin = 0; with_pin < 2; with_pin++) {
            struct tpm_auth auth;
            struct tpm_key key;

            fixture_key_create(fixture, requests[i], with_pin ? "4711" : NULL, &key, &auth);
            sign_quietly(fixture, &key, with_pin ? &auth : NULL);
            if (with_pin)
                assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
        }
    assert_false(configuration_was_read());
    /* The same watch sees it when libcrypto is started as an application would. */
    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    assert_true(configuration_was_read());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_configuration_is_not_read),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
