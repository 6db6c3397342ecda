/* module/tpm/key_use.c and operation.c: what becomes of a signature when the TPM is not as it was left. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tpm-key-fixture.h"

static const char pin[] = "314159";

static void key_make(struct fixture *fixture, int with_pin, int resident, struct tpm_key *ret_key,
                     struct tpm_auth *ret_auth)
{
    fixture_key_create(fixture, &request_p256, with_pin ? pin : NULL, ret_key, ret_auth);
    if (resident)
        assert_int_equal(tpm_key_persist(fixture->tpm, ret_key, &ret_key->persistent_handle), TPM_OK);
}

static uint32_t failures(struct fixture *fixture)
{
    struct tpm_lockout lockout;

    assert_int_equal(tpm_lockout_read(fixture->tpm, &lockout), TPM_OK);
    return lockout.failures;
}

static void an_evicted_key_signs_from_its_blob(void **state)
{
    struct fixture *fixture = *state;

    for (int with_pin = 0; with_pin < 2; with_pin++) {
        struct tpm_auth auth;
        struct tpm_key key;

        key_make(fixture, with_pin, 1, &key, &auth);
        assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
        assert_int_equal(simulator_count(&fixture->simulator, "handles-persistent"),
                         1); /* the storage root */
        assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
        assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
        assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
        assert_int_equal(failures(fixture), 0);
        fixture_assert_nothing_left(fixture);
    }
}

/* Every pairing of a key without and with a PIN with another one of each kind at its handle. */
static void a_replaced_key_never_signs(void **state)
{
    struct fixture *fixture = *state;

    for (int with_pin = 0; with_pin < 2; with_pin++)
        for (int other_with_pin = 0; other_with_pin < 2; other_with_pin++) {
            struct tpm_key key, other;
            struct tpm_auth auth, other_auth;
            uint32_t before, after;

            key_make(fixture, with_pin, 1, &key, &auth);
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            key_make(fixture, other_with_pin, 1, &other, &other_auth);
            assert_int_equal(other.persistent_handle, key.persistent_handle);
            before = failures(fixture);
            for (int i = 0; i < 3; i++)
                assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            after = failures(fixture);
            assert_true(after - before <= (other_with_pin ? 1 : 0));
            /* The key that is not ours stays. */
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            assert_int_equal(fixture_sign(fixture->tpm, &other, other_with_pin ? &other_auth : NULL), TPM_OK);
            assert_int_equal(tpm_key_evict(fixture->tpm, &other), TPM_OK);
            assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_dictionarylockout -c"), 0);
            fixture_assert_nothing_left(fixture);
        }
}

static void a_replaced_key_without_blob_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key, other;

    key_make(fixture, 0, 1, &key, NULL);
    assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
    key_make(fixture, 0, 1, &other, NULL);
    key.private_blob_size = 0;
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_FAILED);
    assert_int_equal(tpm_key_evict(fixture->tpm, &other), TPM_OK);
    assert_int_not_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    fixture_assert_nothing_left(fixture);
}

static void the_storage_root_is_made_again(void **state)
{
    struct fixture *fixture = *state;

    for (int with_pin = 0; with_pin < 2; with_pin++)
        for (int resident = 0; resident < 2; resident++) {
            struct tpm_auth auth;
            struct tpm_key key;

            key_make(fixture, with_pin, resident, &key, &auth);
            assert_int_equal(key.parent, 0x81000001);
            assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_evictcontrol -C o -c 0x81000001"), 0);
            assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            if (with_pin)
                assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
            fixture_assert_nothing_left(fixture);
            /* Somebody puts another storage key there. */
            assert_int_equal(
                simulator_tool(&fixture->simulator,
                               "printf 0123 | tpm2_createprimary -Q -C o -G ecc -u - -c p.ctx && "
                               "tpm2_evictcontrol -Q -C o -c p.ctx 0x81000001 && "
                               "tpm2_flushcontext -t"),
                0);
            for (int i = 0; i < 3; i++)
                assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
            assert_true(failures(fixture) <= 1);
            fixture_assert_nothing_left(fixture);
            assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_evictcontrol -C o -c 0x81000001"), 0);
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_dictionarylockout -c"), 0);
        }
}

static void a_reset_or_restarted_tpm_signs(void **state)
{
    struct fixture *fixture = *state;

    for (int resident = 0; resident < 2; resident++) {
        struct tpm_key key;

        key_make(fixture, 0, resident, &key, NULL);
        simulator_reset(&fixture->simulator);
        assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
        simulator_stop(&fixture->simulator);
        assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_UNREACHABLE);
        simulator_restart(&fixture->simulator);
        assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
        assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
        fixture_assert_nothing_left(fixture);
    }
}

static void a_cleared_tpm_says_wrong_key(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_auth auth;
    struct tpm_key key, pin_key;

    key_make(fixture, 0, 1, &key, NULL);
    key_make(fixture, 1, 1, &pin_key, &auth);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_clear"), 0);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_WRONG_KEY);
    assert_int_equal(fixture_sign(fixture->tpm, &pin_key, &auth), TPM_WRONG_KEY);
    assert_int_equal(tpm_auth_check(fixture->tpm, &pin_key, &auth), TPM_WRONG_KEY);
    assert_int_equal(failures(fixture), 0);
    fixture_assert_nothing_left(fixture);
}

static void a_damaged_blob_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key;

    key_make(fixture, 0, 0, &key, NULL);
    key.private_blob[key.private_blob_size / 2] ^= 1;
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_WRONG_KEY);
    fixture_assert_nothing_left(fixture);
}

/*
 * Three slots, all taken by somebody else for a while: waited for, and not flushed. Loading needs two, since
 * a persistent parent takes one while it is used.
 */
static void full_object_memory_is_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key;
    pid_t other;
    int status;

    key_make(fixture, 0, 0, &key, NULL);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            simulator_tool(&fixture->simulator, "tpm2_createprimary -Q -C e -G ecc -c other.ctx"), 0);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-transient"), 3);
    other = fork();
    assert_true(other >= 0);
    if (other == 0) {
        const struct timespec pause = {.tv_sec = 4};

        nanosleep(&pause, NULL);
        _exit(simulator_tool(&fixture->simulator,
                             "tpm2_flushcontext 0x80000001 && tpm2_flushcontext 0x80000002"));
    }
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    assert_int_equal(simulator_count(&fixture->simulator, "handles-transient"), 1);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_flushcontext -t"), 0);
}

static void sign_for_ever(struct fixture *fixture, const struct tpm_key *key)
{
    struct tpm *tpm = tpm_new(fixture->simulator.tcti);

    while (tpm != NULL && fixture_sign(tpm, key, NULL) == TPM_OK)
        continue;
    _exit(1);
}

/* Killed between loading and flushing, a process leaves the key in a TPM without a resource manager. */
static void killed_processes_stop_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key, resident;

    key_make(fixture, 0, 0, &key, NULL);
    key_make(fixture, 0, 1, &resident, NULL);
    for (int i = 0; i < 60; i++) {
        const struct timespec pause = {.tv_nsec = 3000000 + rand() % 2000000};
        pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0)
            sign_for_ever(fixture, i % 2 == 0 ? &key : &resident);
        nanosleep(&pause, NULL);
        assert_int_equal(waitpid(child, NULL, WNOHANG), 0);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_int_equal(fixture_sign(fixture->tpm, &resident, NULL), TPM_OK);
    }
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(tpm_key_evict(fixture->tpm, &resident), TPM_OK);
    assert_true(simulator_count(&fixture->simulator, "handles-transient") < 3);
    assert_int_equal(simulator_tool(&fixture->simulator, "tpm2_flushcontext -t"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evicted_key_signs_from_its_blob),
        cmocka_unit_test(a_replaced_key_never_signs),
        cmocka_unit_test(a_replaced_key_without_blob_is_refused),
        cmocka_unit_test(the_storage_root_is_made_again),
        cmocka_unit_test(a_reset_or_restarted_tpm_signs),
        cmocka_unit_test(a_damaged_blob_is_refused),
        cmocka_unit_test(full_object_memory_is_waited_for),
        cmocka_unit_test(killed_processes_stop_nobody),
        cmocka_unit_test(a_cleared_tpm_says_wrong_key),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
