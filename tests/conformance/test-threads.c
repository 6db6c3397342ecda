/*
 * Threads: with sessions of their own, sharing one, all at once at the beginning and at the end.
 * INTUNE_TEST_RUNS says how often the first test runs (3 in the suite, 100 in the long form).
 */
#include "module-client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS    8
#define SIGNATURES 12

struct worker {
    pthread_t thread;
    CK_SESSION_HANDLE session; /* 0: opens its own */
    EVP_PKEY *key;
    unsigned wrong; /* what failed, counted */
    CK_RV first_rv;
    unsigned signatures; /* of the test of fairness */
};

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};

static void note(struct worker *worker, CK_RV rv)
{
    if (worker->wrong++ == 0)
        worker->first_rv = rv;
}

/* Signs and checks; counts what goes wrong instead of failing, which cmocka allows in its own thread only. */
static void sign_once(struct worker *worker, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, unsigned number)
{
    uint8_t digest[32] = {(uint8_t)number, (uint8_t)(uintptr_t)worker}, signature[512];
    CK_ULONG size = sizeof signature;
    CK_RV rv = p11->C_SignInit(session, &ecdsa, key);
    if (rv == CKR_OK)
        rv = p11->C_Sign(session, digest, sizeof digest, signature, &size);
    if (rv != CKR_OK)
        note(worker, rv);
    else if (!ecdsa_is_right(worker->key, digest, sizeof digest, signature, size))
        note(worker, CKR_SIGNATURE_INVALID);
}

static CK_RV find_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *ret_key)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_ULONG found = 0;
    CK_RV rv = p11->C_FindObjectsInit(session, &template, 1);
    if (rv == CKR_OK)
        rv = p11->C_FindObjects(session, ret_key, 1, &found);
    if (rv == CKR_OK)
        rv = p11->C_FindObjectsFinal(session);
    return rv == CKR_OK && found != 1 ? CKR_KEY_HANDLE_INVALID : rv;
}

static void *sign_in_own_session(void *argument)
{
    struct worker *worker = argument;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_RV rv = p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (rv == CKR_OK) {
        worker->session = session;
        rv = find_key(session, &key);
    }
    if (rv != CKR_OK) {
        note(worker, rv);
        return NULL;
    }
    for (unsigned i = 0; i < SIGNATURES; i++)
        sign_once(worker, session, key, i);
    rv = p11->C_CloseSession(session);
    if (rv != CKR_OK)
        note(worker, rv);
    return NULL;
}

static void run(struct worker workers[THREADS], void *(*work)(void *))
{
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
}

static void expect_good(const struct worker workers[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        if (workers[i].wrong > 0)
            fail_msg("thread %zu: %u failures, the first 0x%lx", i, workers[i].wrong, workers[i].first_rv);
}

static void eight_threads_with_sessions_of_their_own(void **state)
{
    const char *runs = getenv("INTUNE_TEST_RUNS");
    unsigned count = runs == NULL ? 3 : (unsigned)strtoul(runs, NULL, 10);
    const struct world *world = *state;
    assert_true(count > 0);
    for (unsigned i = 0; i < count; i++) {
        struct worker workers[THREADS] = {0};
        initialize();
        CK_SESSION_HANDLE session = open_session(0);
        EVP_PKEY *key = token_public_key(session);
        for (size_t j = 0; j < THREADS; j++)
            workers[j].key = key;
        run(workers, sign_in_own_session);
        expect_good(workers);
        for (size_t j = 0; j < THREADS; j++)
            for (size_t k = 0; k < j; k++)
                assert_int_not_equal(workers[j].session, workers[k].session);
        EVP_PKEY_free(key);
        finalize();
    }
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-loaded-session"), 0);
}

static pthread_barrier_t everybody;
static atomic_bool time_is_up;

/* Signs as often as it is let, from the moment when all are there. */
static void *sign_until_time_is_up(void *argument)
{
    struct worker *worker = argument;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_RV rv = p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (rv == CKR_OK)
        rv = find_key(session, &key);
    pthread_barrier_wait(&everybody);
    while (rv == CKR_OK && !atomic_load(&time_is_up)) {
        uint8_t digest[32] = {8}, signature[512];
        CK_ULONG size = sizeof signature;
        rv = p11->C_SignInit(session, &ecdsa, key);
        if (rv == CKR_OK)
            rv = p11->C_Sign(session, digest, sizeof digest, signature, &size);
        worker->signatures++;
    }
    if (rv != CKR_OK)
        note(worker, rv);
    return NULL;
}

/* Threads that all want the TPM all the time get it about equally often; a mutex lets some starve. */
static void signers_are_served_in_order(void **state)
{
    struct worker workers[THREADS] = {0};
    unsigned fewest = ~0U, most = 0;
    (void)state;
    initialize();
    open_session(0);
    assert_int_equal(pthread_barrier_init(&everybody, NULL, THREADS + 1), 0);
    atomic_store(&time_is_up, false);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&workers[i].thread, NULL, sign_until_time_is_up, &workers[i]), 0);
    pthread_barrier_wait(&everybody);
    nanosleep(&(struct timespec){0, 500000000}, NULL);
    atomic_store(&time_is_up, true);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    pthread_barrier_destroy(&everybody);
    expect_good(workers);
    for (size_t i = 0; i < THREADS; i++) {
        fewest = workers[i].signatures < fewest ? workers[i].signatures : fewest;
        most = workers[i].signatures > most ? workers[i].signatures : most;
    }
    if (2 * fewest + 4 < most)
        fail_msg("one thread signed %u times, another %u", most, fewest);
    finalize();
}

static CK_SESSION_HANDLE shared_session;
static CK_OBJECT_HANDLE shared_key;
static atomic_uint made;

/* In one session C_SignInit and C_Sign of several threads meet: each answer must be one that the
 * specification has for that. */
static void *sign_in_shared_session(void *argument)
{
    struct worker *worker = argument;
    for (unsigned i = 0; i < SIGNATURES; i++) {
        uint8_t digest[32] = {1}, signature[512];
        CK_ULONG size = sizeof signature;
        CK_RV rv = p11->C_SignInit(shared_session, &ecdsa, shared_key);
        if (rv != CKR_OK && rv != CKR_OPERATION_ACTIVE)
            note(worker, rv);
        rv = p11->C_Sign(shared_session, digest, sizeof digest, signature, &size);
        if (rv == CKR_OK && ecdsa_is_right(worker->key, digest, sizeof digest, signature, size))
            atomic_fetch_add(&made, 1);
        else if (rv != CKR_OPERATION_NOT_INITIALIZED)
            note(worker, rv);
    }
    return NULL;
}

static void eight_threads_in_one_session(void **state)
{
    struct worker workers[THREADS] = {0};
    (void)state;
    initialize();
    shared_session = open_session(0);
    shared_key = find_object(shared_session, CKO_PRIVATE_KEY);
    EVP_PKEY *key = token_public_key(shared_session);
    for (size_t i = 0; i < THREADS; i++)
        workers[i].key = key;
    atomic_store(&made, 0);
    run(workers, sign_in_shared_session);
    expect_good(workers);
    assert_true(atomic_load(&made) > 0);
    EVP_PKEY_free(key);
    finalize();
}

static void *initialize_at_once(void *argument)
{
    struct worker *worker = argument;
    CK_RV rv = p11->C_Initialize(NULL);
    if (rv == CKR_OK)
        atomic_fetch_add(&made, 1);
    else if (rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        note(worker, rv);
    return NULL;
}

static void one_of_eight_initializes(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++) {
        struct worker workers[THREADS] = {0};
        atomic_store(&made, 0);
        run(workers, initialize_at_once);
        expect_good(workers);
        assert_int_equal(atomic_load(&made), 1);
        finalize();
    }
}

/* Works until it is told that the module is gone, or its session is. */
static void *sign_until_finalized(void *argument)
{
    struct worker *worker = argument;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    CK_RV rv = p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (rv == CKR_OK)
        rv = find_key(session, &key);
    while (rv == CKR_OK) {
        uint8_t digest[32] = {2}, signature[512];
        CK_ULONG size = sizeof signature;
        rv = p11->C_SignInit(session, &ecdsa, key);
        if (rv == CKR_OK)
            rv = p11->C_Sign(session, digest, sizeof digest, signature, &size);
        if (rv == CKR_OK)
            atomic_fetch_add(&made, 1);
    }
    if (rv != CKR_CRYPTOKI_NOT_INITIALIZED && rv != CKR_SESSION_HANDLE_INVALID)
        note(worker, rv);
    return NULL;
}

static void finalize_while_others_sign(void **state)
{
    const struct world *world = *state;
    for (int i = 0; i < 5; i++) {
        struct worker workers[THREADS] = {0};
        initialize();
        atomic_store(&made, 0);
        for (size_t j = 0; j < THREADS; j++)
            assert_int_equal(pthread_create(&workers[j].thread, NULL, sign_until_finalized, &workers[j]), 0);
        while (atomic_load(&made) < 4)
            nanosleep(&(struct timespec){0, 1000000}, NULL);
        finalize();
        /* and at once a new life beside what is left of the old one */
        initialize();
        finalize();
        for (size_t j = 0; j < THREADS; j++)
            assert_int_equal(pthread_join(workers[j].thread, NULL), 0);
        expect_good(workers);
    }
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
}

static int begin(void **state)
{
    world_begin(state);
    world_make_token(*state, "--type ec --persistent");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_threads_with_sessions_of_their_own),
        cmocka_unit_test(signers_are_served_in_order),
        cmocka_unit_test(eight_threads_in_one_session),
        cmocka_unit_test(one_of_eight_initializes),
        cmocka_unit_test(finalize_while_others_sign),
    };
    return cmocka_run_group_tests(tests, begin, world_end);
}
