/*
 * Threads that are cancelled in the middle of a call, as a daemon ends its workers: the call is finished, the
 * thread ends behind it, and nobody waits for what it had.
 */
#include "module-client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIN "correct-1234"

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static const char *token_options;
static CK_SESSION_HANDLE session;

static void log_in(void)
{
    if (strstr(token_options, "--pin") != NULL)
        assert_rv(CKR_OK, p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, strlen(PIN)));
}

struct worker {
    pthread_t thread;
    CK_OBJECT_HANDLE key;
    atomic_uint calls;
};

static void *sign_for_ever(void *argument)
{
    struct worker *worker = argument;
    uint8_t digest[32] = {3}, signature[512];
    CK_SESSION_HANDLE own;

    if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own) != CKR_OK)
        return NULL;
    for (;;) {
        CK_ULONG size = sizeof signature;
        if (p11->C_SignInit(own, &ecdsa, worker->key) == CKR_OK)
            (void)p11->C_Sign(own, digest, sizeof digest, signature, &size);
        worker->calls++;
        pthread_testcancel();
    }
    return NULL;
}

static void *look_for_ever(void *argument)
{
    struct worker *worker = argument;

    for (;;) {
        CK_SESSION_HANDLE own;
        CK_OBJECT_HANDLE found[32];
        CK_ULONG count;
        CK_TOKEN_INFO info;

        (void)p11->C_GetTokenInfo(0, &info);
        if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own) == CKR_OK) {
            (void)p11->C_FindObjectsInit(own, NULL, 0);
            (void)p11->C_FindObjects(own, found, 32, &count);
            (void)p11->C_CloseSession(own);
        }
        worker->calls++;
        pthread_testcancel();
    }
    return NULL;
}

/* Cancels a worker a few microseconds later each time; afterwards everybody else can do everything. */
static void cancel_many(const struct world *world, void *(*work)(void *))
{
    uint8_t digest[32] = {4}, signature[512];

    for (unsigned i = 0; i < 60; i++) {
        struct worker worker = {0};
        void *result;

        worker.key = find_object(session, CKO_PRIVATE_KEY);
        assert_int_equal(pthread_create(&worker.thread, NULL, work, &worker), 0);
        while (worker.calls == 0)
            usleep(50);
        usleep(37 * (i % 20));
        assert_int_equal(pthread_cancel(worker.thread), 0);
        assert_int_equal(pthread_join(worker.thread, &result), 0);
        assert_ptr_equal(result, PTHREAD_CANCELED);
        sign(session, &ecdsa, worker.key, digest, sizeof digest, signature);
    }
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-loaded-session"), 0);
}

static void a_cancelled_signature_hurts_nobody(void **state)
{
    cancel_many(*state, sign_for_ever);
}

static void a_cancelled_search_hurts_nobody(void **state)
{
    cancel_many(*state, look_for_ever);
}

/* Cancelled while it waits in line behind others. */
static void a_cancelled_waiter_hurts_nobody(void **state)
{
    struct worker workers[4] = {0};
    uint8_t digest[32] = {4}, signature[512];
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);

    for (unsigned round = 0; round < 10; round++) {
        for (size_t i = 0; i < 4; i++) {
            workers[i].key = key;
            atomic_store(&workers[i].calls, 0);
            assert_int_equal(pthread_create(&workers[i].thread, NULL, sign_for_ever, &workers[i]), 0);
        }
        for (size_t i = 0; i < 4; i++)
            while (workers[i].calls < 2)
                usleep(100);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(pthread_cancel(workers[i].thread), 0);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        sign(session, &ecdsa, key, digest, sizeof digest, signature);
    }
    (void)state;
}

/* The application's own state of cancellation is as it was after each call. */
static void the_state_of_cancellation_is_the_callers(void **state)
{
    CK_TOKEN_INFO info;
    int before;

    (void)state;
    assert_int_equal(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before), 0);
    assert_int_equal(before, PTHREAD_CANCEL_ENABLE); /* after all the calls of the tests before */
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info));
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetTokenInfo(1, &info));
    assert_rv(CKR_SESSION_HANDLE_INVALID, p11->C_CloseSession(session + 12345));
    assert_rv(CKR_CRYPTOKI_ALREADY_INITIALIZED, p11->C_Initialize(NULL));
    assert_int_equal(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before), 0);
    assert_int_equal(before, PTHREAD_CANCEL_DISABLE);
    assert_rv(CKR_SLOT_ID_INVALID, p11->C_GetTokenInfo(1, &info));
    assert_rv(CKR_SESSION_HANDLE_INVALID, p11->C_CloseSession(session + 12345));
    assert_rv(CKR_CRYPTOKI_ALREADY_INITIALIZED, p11->C_Initialize(NULL));
    assert_int_equal(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &before), 0);
    assert_int_equal(before, PTHREAD_CANCEL_ENABLE);
}

static int begin_session(void **state)
{
    (void)state;
    alarm(60); /* a lock that a cancelled thread took along */
    initialize();
    session = open_session(0);
    log_in();
    return 0;
}

static int end_session(void **state)
{
    (void)state;
    finalize();
    alarm(0);
    return 0;
}

static int begin(void **state)
{
    world_begin(state);
    world_make_token(*state, token_options);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin_session, end_session)

int main(void)
{
#ifdef __SANITIZE_ADDRESS__
    puts("SKIP: AddressSanitizer takes the frames that a cancelled thread leaves for alive");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        TEST(a_cancelled_signature_hurts_nobody),
        TEST(a_cancelled_search_hurts_nobody),
        TEST(a_cancelled_waiter_hurts_nobody),
        TEST(the_state_of_cancellation_is_the_callers),
    };
    token_options = "--type ec --persistent";
    int failed = cmocka_run_group_tests_name("cancellation, resident", tests, begin, world_end);
    token_options = "--type ec --pin " PIN;
    return failed + cmocka_run_group_tests_name("cancellation, wrapped with a PIN", tests, begin, world_end);
}
