/* Many processes and threads on one TPM without a resource manager, three object slots in all. */
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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

#define CHILDREN    20
#define COMPETITORS 4

struct loop {
    struct tpm *tpm;
    const struct tpm_key *key;
    atomic_bool stop;
    atomic_int signatures, failed;
};

static void *loop_run(void *context)
{
    struct loop *loop = context;

    while (!atomic_load(&loop->stop)) {
        if (fixture_sign(loop->tpm, loop->key, NULL) != TPM_OK)
            atomic_fetch_add(&loop->failed, 1);
        atomic_fetch_add(&loop->signatures, 1);
    }
    return NULL;
}

/*
 * Forked in the middle of a command, or of the wait for a TPM that serves somebody else, and living on
 * without a program of its own: it must not hold the parent's connection.
 */
static void a_child_that_lives_on_keeps_nobody_out(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key;
    struct loop loop = {.tpm = fixture->tpm, .key = &key};
    struct work competing = {.fixture = fixture, .key = &key, .signatures = 300};
    pid_t children[CHILDREN], competitors[COMPETITORS];
    pthread_t thread;
    int before, after;

    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    for (int i = 0; i < COMPETITORS; i++) {
        competitors[i] = fork();
        assert_true(competitors[i] >= 0);
        if (competitors[i] == 0)
            _exit(sign_many(&competing) == TPM_OK ? 0 : 1);
    }
    assert_int_equal(pthread_create(&thread, NULL, loop_run, &loop), 0);
    for (int i = 0; i < CHILDREN; i++) {
        bool waited;

        usleep(5000);
        waited = tpm_fork_begin();
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            tpm_fork_child();
            tpm_abandon_in_use(fixture->tpm);
            sleep(60);
            _exit(0);
        }
        if (waited)
            tpm_fork_end();
    }
    before = atomic_load(&loop.signatures);
    for (int i = 0; i < 1000 && atomic_load(&loop.signatures) < before + 10; i++)
        usleep(10000);
    after = atomic_load(&loop.signatures);
    for (int i = 0; i < CHILDREN; i++) {
        kill(children[i], SIGKILL);
        assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
    }
    for (int i = 0; i < COMPETITORS; i++) {
        int status;

        assert_int_equal(waitpid(competitors[i], &status, 0), competitors[i]);
        assert_int_equal(status, 0);
    }
    atomic_store(&loop.stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(after >= before + 10);
    assert_int_equal(atomic_load(&loop.failed), 0);
    fixture_assert_nothing_left(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_sign),
        cmocka_unit_test(a_child_that_lives_on_keeps_nobody_out),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
