/* Many processes and threads on one TPM without a resource manager, three object slots in all. */
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tpm-key-fixture.h"

#define PROCESSES 100
#define THREADS   8

struct work {
    struct fixture *fixture;
    const struct tpm_key *key;
    const struct tpm_auth *auth;
    int signatures;
};

static enum tpm_status sign_many(const struct work *work)
{
    struct tpm *tpm = tpm_new(work->fixture->simulator.tcti);
    enum tpm_status status = tpm != NULL ? TPM_OK : TPM_NO_MEMORY;

    for (int i = 0; i < work->signatures && status == TPM_OK; i++)
        status = fixture_sign(tpm, work->key, work->auth);
    tpm_free(tpm);
    return status;
}

static int processes_fail(const struct work *work)
{
    pid_t children[PROCESSES];
    int failed = 0, status;

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(sign_many(work) == TPM_OK ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        failed += status != 0;
    }
    return failed;
}

static void *thread_run(void *context)
{
    return sign_many(context) == TPM_OK ? NULL : context;
}

static int threads_fail(struct work *work)
{
    pthread_t threads[THREADS];
    int failed = 0;

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, thread_run, work), 0);
    for (int i = 0; i < THREADS; i++) {
        void *result;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        failed += result != NULL;
    }
    return failed;
}

static void all_of_them_sign(void **state)
{
    struct fixture *fixture = *state;

    for (int with_pin = 0; with_pin < 2; with_pin++)
        for (int resident = 0; resident < 2; resident++) {
            struct tpm_auth auth;
            struct tpm_key key;
            struct work work = {.fixture = fixture, .key = &key, .auth = with_pin ? &auth : NULL};

            fixture_key_create(fixture, &request_p256, with_pin ? "4711" : NULL, &key, &auth);
            if (resident)
                assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
            work.signatures = 3;
            assert_int_equal(processes_fail(&work), 0);
            work.signatures = 20;
            assert_int_equal(threads_fail(&work), 0);
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            fixture_assert_nothing_left(fixture);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_sign),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
