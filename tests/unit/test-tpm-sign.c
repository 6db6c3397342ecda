/* module/tpm/signature.c on a real software TPM: every kind of key, resident and wrapped, with and without a PIN. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tpm-key-fixture.h"

static void each_key_signs(void **state)
{
    const struct tpm_key_request *const requests[] = {&request_rsa_2048, &request_p256, &request_p384};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_signs),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
