/* The TPM interface when libcrypto gets no memory, at each of its allocations in turn: an error, and nothing
 * left in the TPM. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <cmocka.h>

#include <openssl/crypto.h>

#include "tpm-key-fixture.h"

static long until_failure = -1; /* allocations that still succeed; negative: all of them */

static bool allocation_fails(void)
{
    if (until_failure < 0)
        return false;
    return until_failure-- == 0;
}

static void *failing_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return allocation_fails() ? NULL : malloc(size);
}

static void *failing_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return allocation_fails() ? NULL : realloc(old, size);
}

static void plain_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

/* The status of one signature by a fresh context whose nth allocation in libcrypto fails. */
static enum tpm_status sign_failing(const struct fixture *fixture, const struct tpm_key *key,
                                    const struct tpm_auth *auth, long nth, bool *ret_failed)
{
    struct tpm *tpm = tpm_new(fixture->simulator.tcti);
    uint8_t signature[TPM_RSA_MAX];
    enum tpm_status status;
    size_t size;

    until_failure = nth;
    if (key->public_key.type == TPM_KEY_RSA)
        status = tpm_sign_rsassa(tpm, key, auth, TPM_HASH_SHA256, fixture_digest, 32, signature);
    else
        status = tpm_sign_ecdsa(tpm, key, auth, fixture_digest, 32, signature, &size);
    *ret_failed = until_failure < 0;
    until_failure = -1;
    tpm_free(tpm);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    const struct tpm_key_request *const requests[] = {&request_rsa_2048, &request_p256, &request_p384};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
        for (int with_pin = 0; with_pin < 2; with_pin++) {
            struct tpm_lockout lockout;
            struct tpm_auth auth;
            struct tpm_key key;
            int errors = 0;
            long nth = 0;
            bool failed;

            fixture_key_create(fixture, requests[i], with_pin ? "4711" : NULL, &key, &auth);
            for (failed = true; failed; nth += nth < 100 ? 1 : 37) {
                enum tpm_status status = sign_failing(fixture, &key, with_pin ? &auth : NULL, nth, &failed);

                errors += status != TPM_OK;
                if (!failed)
                    assert_int_equal(status, TPM_OK);
            }
            assert_true(errors > 0);
            assert_int_equal(tpm_lockout_read(fixture->tpm, &lockout), TPM_OK);
            assert_int_equal(lockout.failures, 0);
            fixture_assert_nothing_left(fixture);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };

    if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
