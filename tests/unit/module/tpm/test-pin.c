/* module/tpm/authorization.c, session.c and key_change_auth.c: the TPM alone decides about a PIN. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "tpm-key-fixture.h"

static uint32_t failures(struct fixture *fixture)
{
    struct tpm_lockout lockout;

    assert_int_equal(tpm_lockout_read(fixture->tpm, &lockout), TPM_OK);
    return lockout.failures;
}

static void lockout_clear(struct fixture *fixture)
{
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_dictionarylockout -c"), 0);
}

static void the_authorization_value_is_pbkdf2(void **state)
{
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
    const uint8_t pin[TPM_PIN_MAX + 1] = "correct horse";
    uint8_t expected[TPM_AUTH_SIZE];
    struct tpm_auth auth;

    (void)state;
    assert_int_equal(PKCS5_PBKDF2_HMAC((const char *)pin, 13, salt, sizeof(salt), 10000, EVP_sha256(),
                                       sizeof(expected), expected),
                     1);
    assert_true(tpm_auth_derive(pin, 13, salt, &auth));
    assert_memory_equal(auth.value, expected, sizeof(expected));
    assert_int_equal(PKCS5_PBKDF2_HMAC((const char *)pin, TPM_PIN_MAX, salt, sizeof(salt), 10000,
                                       EVP_sha256(), sizeof(expected), expected),
                     1);
    assert_true(tpm_auth_derive(pin, TPM_PIN_MAX, salt, &auth)); /* longer than a block of SHA-256 */
    assert_memory_equal(auth.value, expected, sizeof(expected));
    assert_false(tpm_auth_derive(pin, TPM_PIN_MIN - 1, salt, &auth));
    assert_false(tpm_auth_derive(pin, TPM_PIN_MAX + 1, salt, &auth));
    assert_false(tpm_auth_derive(pin, 0, salt, &auth));
}

static void a_wrong_pin_counts_once_and_locks(void **state)
{
    struct fixture *fixture = *state;

    for (int resident = 0; resident < 2; resident++) {
        struct tpm_lockout lockout;
        struct tpm_auth auth, wrong;
        struct tpm_key key;

        fixture_key_create(fixture, &request_p256, "4711", &key, &auth);
        if (resident)
            assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
        wrong = auth;
        wrong.value[0] ^= 0x80;
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
        assert_int_equal(failures(fixture), 0);
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
        assert_int_equal(failures(fixture), 1);
        assert_int_equal(fixture_sign(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
        assert_int_equal(failures(fixture), 2);
        assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_OK);
        /* No value at all is not even sent. */
        assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_AUTH_FAILED);
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, NULL), TPM_AUTH_FAILED);
        assert_int_equal(failures(fixture), 2);
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
        assert_int_equal(tpm_lockout_read(fixture->tpm, &lockout), TPM_OK);
        assert_int_equal(lockout.failures, 3);
        assert_int_equal(lockout.max_failures, 3);
        assert_int_equal(lockout.recovery_seconds, 1000);
        assert_true(lockout.locked);
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_LOCKED_OUT);
        assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_LOCKED_OUT);
        fixture_assert_nothing_left(fixture);
        lockout_clear(fixture);
        assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_OK);
        assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
    }
}

/* Of a value whose owner wants to know. */
static void a_refused_value_is_asked_again_by_a_check_alone(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_auth auth, wrong;
    struct tpm_key key;
    bool refused = false;

    fixture_key_create(fixture, &request_p256, "4711", &key, &auth);
    wrong = auth;
    wrong.value[0] ^= 0x80;
    wrong.refused = &refused;
    assert_int_equal(fixture_sign(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
    assert_true(refused);
    assert_int_equal(failures(fixture), 1);
    assert_int_equal(fixture_sign(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
    assert_int_equal(failures(fixture), 1);
    assert_int_equal(tpm_auth_check(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
    assert_int_equal(failures(fixture), 2);
    wrong.value[0] ^= 0x80; /* as if the PIN were changed back */
    assert_int_equal(fixture_sign(fixture->tpm, &key, &wrong), TPM_AUTH_FAILED);
    assert_int_equal(tpm_auth_check(fixture->tpm, &key, &wrong), TPM_OK);
    assert_false(refused);
    assert_int_equal(fixture_sign(fixture->tpm, &key, &wrong), TPM_OK);
    assert_int_equal(failures(fixture), 2);
    lockout_clear(fixture);
}

/* Keys without a PIN are exempt from the lock-out. */
static void a_locked_tpm_still_signs_without_pin(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_auth auth, wrong;
    struct tpm_key pin_key, key;

    fixture_key_create(fixture, &request_p256, "4711", &pin_key, &auth);
    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    wrong = auth;
    wrong.value[31] ^= 1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(tpm_auth_check(fixture->tpm, &pin_key, &wrong), TPM_AUTH_FAILED);
    assert_int_equal(tpm_auth_check(fixture->tpm, &pin_key, &auth), TPM_LOCKED_OUT);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(tpm_auth_check(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_AUTH_FAILED);
    lockout_clear(fixture);
    fixture_assert_nothing_left(fixture);
}

/* TPMs drop the zero bytes at the end of an authorization value. */
static void an_authorization_value_may_end_in_zero(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {1};

    for (size_t zeros = 1; zeros <= TPM_AUTH_SIZE; zeros += 15) {
        struct tpm_auth auth = {.refused = NULL};
        struct tpm_key key;

        memset(auth.value, 0x5a, sizeof(auth.value));
        memset(auth.value + sizeof(auth.value) - zeros, 0, zeros);
        assert_int_equal(tpm_key_create(fixture->tpm, &request_p256, &auth, salt, &key), TPM_OK);
        assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_OK);
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
    }
}

/* The salt is agreed with a new random key each time: about one in 128 has a leading zero byte. */
static void many_sessions_agree(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_auth auth;
    struct tpm_key key;

    fixture_key_create(fixture, &request_p256, "many sessions", &key, &auth);
    assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
    assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
    assert_int_equal(failures(fixture), 0);
    fixture_assert_nothing_left(fixture);
}

static void a_pin_is_changed_and_taken_away(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {42};

    for (int resident = 0; resident < 2; resident++) {
        struct tpm_auth auth, new_auth;
        struct tpm_key key, changed, open;

        fixture_key_create(fixture, &request_rsa_2048, "first", &key, &auth);
        if (resident)
            assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
        assert_true(tpm_auth_derive((const uint8_t *)"second", 6, salt, &new_auth));
        assert_int_equal(tpm_key_change_auth(fixture->tpm, &key, &new_auth, &auth, salt, &changed),
                         TPM_AUTH_FAILED);
        assert_int_equal(tpm_key_change_auth(fixture->tpm, &key, &auth, &new_auth, NULL, &changed),
                         TPM_BAD_ARGUMENT);
        assert_int_equal(tpm_key_change_auth(fixture->tpm, &key, &auth, &new_auth, salt, &changed), TPM_OK);
        assert_true(changed.has_pin);
        assert_int_equal(changed.persistent_handle, 0);
        assert_memory_equal(changed.pin_salt, salt, sizeof(salt));
        assert_int_equal(fixture_sign(fixture->tpm, &changed, &new_auth), TPM_OK);
        assert_int_equal(fixture_sign(fixture->tpm, &changed, &auth), TPM_AUTH_FAILED);
        assert_int_equal(tpm_key_change_auth(fixture->tpm, &changed, &new_auth, NULL, NULL, &open), TPM_OK);
        assert_false(open.has_pin);
        assert_int_equal(fixture_sign(fixture->tpm, &open, NULL), TPM_OK);
        assert_int_equal(tpm_key_change_auth(fixture->tpm, &open, NULL, &auth, salt, &changed),
                         TPM_BAD_ARGUMENT);
        assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
        lockout_clear(fixture);
        fixture_assert_nothing_left(fixture);
    }
}

/* A session is salted to the storage key that the caller recorded, and to no other one. */
static void a_pin_is_not_given_to_another_storage_key(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_auth auth;
    struct tpm_key key;

    fixture_key_create(fixture, &request_p256, "4711", &key, &auth);
    key.parent_public[key.parent_public_size - 1] ^= 1; /* not a point of the curve any more */
    assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_WRONG_KEY);
    key.parent_public_size = 0;
    assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_WRONG_KEY);
    assert_int_equal(failures(fixture), 0);
    fixture_assert_nothing_left(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_authorization_value_is_pbkdf2),
        cmocka_unit_test(a_wrong_pin_counts_once_and_locks),
        cmocka_unit_test(a_refused_value_is_asked_again_by_a_check_alone),
        cmocka_unit_test(a_locked_tpm_still_signs_without_pin),
        cmocka_unit_test(an_authorization_value_may_end_in_zero),
        cmocka_unit_test(many_sessions_agree),
        cmocka_unit_test(a_pin_is_changed_and_taken_away),
        cmocka_unit_test(a_pin_is_not_given_to_another_storage_key),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
