/*
 * Threads that do anything at any time with each other's sessions, while the token is renewed on disk and the
 * module finalized under them: each call answers something that its circumstances allow, every signature that
 * comes out is right, and at the end nothing is left in the TPM and nothing was counted there.
 */
#include "module-client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIN      "correct-1234"
#define THREADS  6
#define SESSIONS 12

static _Atomic(CK_SESSION_HANDLE) sessions[SESSIONS];
static atomic_bool over;
static const char *token_options;
static bool with_pin;

struct worker {
    pthread_t thread;
    uint64_t random;
    unsigned long calls, signatures;
    const char *wrong_call; /* the first one with an answer that it must not give */
    CK_RV wrong_rv;
};

static unsigned below(struct worker *worker, unsigned limit)
{
    worker->random = worker->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(worker->random >> 33) % limit;
}

static CK_SESSION_HANDLE any_session(struct worker *worker)
{
    return sessions[below(worker, SESSIONS)];
}

/* No circumstance of this test allows an answer that says that something is broken, or that a PIN is wrong.
 */
static CK_RV look(struct worker *worker, const char *call, CK_RV rv)
{
    static const CK_RV never[] = {
        CKR_GENERAL_ERROR,       CKR_FUNCTION_FAILED,      CKR_DEVICE_ERROR,
        CKR_DEVICE_MEMORY,       CKR_HOST_MEMORY,          CKR_PIN_INCORRECT,
        CKR_PIN_LOCKED,          CKR_TOKEN_NOT_PRESENT,    CKR_CANT_LOCK,
        CKR_ARGUMENTS_BAD,       CKR_TOKEN_NOT_RECOGNIZED, CKR_DATA_INVALID,
        CKR_SLOT_ID_INVALID,     CKR_DEVICE_REMOVED,       CKR_MECHANISM_PARAM_INVALID,
        CKR_SIGNATURE_LEN_RANGE,
    };

    worker->calls++;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (rv == never[i] && worker->wrong_call == NULL) {
            worker->wrong_call = call;
            worker->wrong_rv = rv;
        }
    return rv;
}

#define LOOK(worker, function, ...) look((worker), #function, p11->function(__VA_ARGS__))

static void open_one(struct worker *worker)
{
    CK_SESSION_HANDLE session;
    if (LOOK(worker, C_OpenSession, 0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK)
        session = atomic_exchange(&sessions[below(worker, SESSIONS)], session);
    else
        return;
    (void)LOOK(worker, C_CloseSession, session);
}

static void close_one(struct worker *worker)
{
    (void)LOOK(worker, C_CloseSession, any_session(worker));
}

static void log_in_or_out(struct worker *worker)
{
    CK_SESSION_HANDLE session = any_session(worker);
    if (below(worker, 4) == 0)
        (void)LOOK(worker, C_Logout, session);
    else
        (void)LOOK(worker, C_Login, session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, strlen(PIN));
}

static CK_OBJECT_HANDLE search(struct worker *worker, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
    CK_ULONG count = 0;

    if (LOOK(worker, C_FindObjectsInit, session, &template, 1) == CKR_OK)
        (void)LOOK(worker, C_FindObjects, session, &object, 1, &count);
    (void)LOOK(worker, C_FindObjectsFinal, session);
    return count == 1 ? object : CK_INVALID_HANDLE;
}

static void read_one(struct worker *worker)
{
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_LABEL,     CKA_VALUE,           CKA_ID,         CKA_SUBJECT, CKA_UNIQUE_ID, CKA_EC_POINT,
        CKA_SENSITIVE, CKA_PUBLIC_KEY_INFO, CKA_START_DATE, 0x80001234};
    uint8_t value[4096];
    CK_ATTRIBUTE attribute = {types[below(worker, 10)], value, sizeof value};
    CK_SESSION_HANDLE session = any_session(worker);
    CK_OBJECT_HANDLE object = search(worker, session, below(worker, 4));
    CK_ULONG size;

    (void)LOOK(worker, C_GetAttributeValue, session, object, &attribute, 1);
    (void)LOOK(worker, C_GetObjectSize, session, object, &size);
}

static void look_at_token(struct worker *worker)
{
    CK_TOKEN_INFO token;
    CK_SESSION_INFO info;
    CK_MECHANISM_TYPE types[64];
    CK_SLOT_ID slot;
    CK_ULONG count = 1;

    (void)LOOK(worker, C_GetSlotList, CK_TRUE, &slot, &count);
    if (LOOK(worker, C_GetTokenInfo, 0, &token) == CKR_OK && with_pin &&
        (token.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED)) != 0)
        worker->wrong_call = "the PIN's flags";
    (void)LOOK(worker, C_GetSessionInfo, any_session(worker), &info);
    count = 64;
    (void)LOOK(worker, C_GetMechanismList, 0, types, &count);
}

static void digest_some(struct worker *worker)
{
    CK_MECHANISM sha256 = {CKM_SHA256, NULL, 0};
    CK_SESSION_HANDLE session = any_session(worker);
    uint8_t data[100] = {1}, digest[32];
    CK_ULONG size = sizeof digest;

    (void)LOOK(worker, C_DigestInit, session, &sha256);
    (void)LOOK(worker, C_DigestUpdate, session, data, sizeof data);
    (void)LOOK(worker, C_DigestFinal, session, digest, &size);
}

/* In somebody else's session: any of the steps may meet another thread's. */
static void sign_anywhere(struct worker *worker)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};
    CK_SESSION_HANDLE session = any_session(worker);
    CK_OBJECT_HANDLE key = search(worker, session, CKO_PRIVATE_KEY);
    uint8_t data[100] = {2}, signature[512];
    CK_ULONG size = sizeof signature;

    (void)LOOK(worker, C_SignInit, session, &ecdsa, key);
    if (below(worker, 3) == 0)
        (void)look(worker, "C_SessionCancel", p11_3->C_SessionCancel(session, CKF_SIGN | CKF_DIGEST));
    (void)LOOK(worker, C_SignUpdate, session, data, sizeof data);
    (void)LOOK(worker, C_SignFinal, session, signature, below(worker, 4) == 0 ? &(CK_ULONG){3} : &size);
}

/* In a session that nobody else uses, but may close. */
static void sign_and_verify(struct worker *worker)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_SESSION_HANDLE session;
    uint8_t digest[32] = {3}, signature[512];
    CK_ULONG size = sizeof signature;

    if (LOOK(worker, C_OpenSession, 0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return;
    CK_OBJECT_HANDLE private_key = search(worker, session, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE public_key = search(worker, session, CKO_PUBLIC_KEY);
    if (LOOK(worker, C_SignInit, session, &ecdsa, private_key) == CKR_OK &&
        LOOK(worker, C_Sign, session, digest, sizeof digest, signature, &size) == CKR_OK) {
        worker->signatures++;
        if (LOOK(worker, C_VerifyInit, session, &ecdsa, public_key) == CKR_OK &&
            LOOK(worker, C_Verify, session, digest, sizeof digest, signature, size) == CKR_SIGNATURE_INVALID)
            worker->wrong_call = "a signature";
    }
    (void)LOOK(worker, C_CloseSession, session);
}

static void begin_anew(struct worker *worker)
{
    switch (below(worker, 20)) {
    case 0:
        (void)LOOK(worker, C_Finalize, NULL);
        (void)LOOK(worker, C_Initialize, NULL);
        break;
    case 1:
        (void)LOOK(worker, C_CloseAllSessions, 0);
        break;
    default:
        (void)LOOK(worker, C_Initialize, NULL);
        break;
    }
}

static void *storm(void *argument)
{
    static void (*const deeds[])(struct worker *) = {
        open_one,    open_one,      close_one,       log_in_or_out, read_one, look_at_token,
        digest_some, sign_anywhere, sign_and_verify, begin_anew,    read_one, sign_and_verify,
    };
    struct worker *worker = argument;

    while (!over)
        deeds[below(worker, sizeof deeds / sizeof deeds[0])](worker);
    return NULL;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Points `current` to a generation, in one step. */
static void show_generation(const struct world *world, unsigned number)
{
    char target[64], fresh[160], current[160];
    snprintf(target, sizeof target, "generations/%u", number);
    snprintf(fresh, sizeof fresh, "%s/fresh", world->directory);
    snprintf(current, sizeof current, "%s/current", world->directory);
    assert_int_equal(symlink(target, fresh), 0);
    assert_int_equal(rename(fresh, current), 0);
}

/* The token is renewed, and then a thousand times a second one generation takes the other's place. */
static void renew(const struct world *world, const char *options, unsigned number)
{
    world_make_token(world, options);
    for (unsigned i = 0; i < 200; i++) {
        show_generation(world, number - 1 + i % 2);
        usleep(500);
    }
}

static void anything_at_any_time(void **state)
{
    const struct world *world = *state;
    struct worker workers[THREADS] = {0};
    unsigned long calls = 0, signatures = 0;
    unsigned renewals = 0;
    double end = seconds() + 2;

    alarm(120); /* a deadlock */
    over = false;
    initialize();
    for (size_t i = 0; i < SESSIONS; i++)
        sessions[i] = open_session(0);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i].random = 0x9e3779b97f4a7c15U * (i + 1);
        assert_int_equal(pthread_create(&workers[i].thread, NULL, storm, &workers[i]), 0);
    }
    while (seconds() < end) {
        renewals++;
        renew(world, with_pin ? "--keep-key --pin " PIN : "--keep-key", 1 + renewals);
    }
    over = true;
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        if (workers[i].wrong_call != NULL)
            print_message("thread %zu: %s: 0x%lx\n", i, workers[i].wrong_call, workers[i].wrong_rv);
        assert_null(workers[i].wrong_call);
        calls += workers[i].calls;
        signatures += workers[i].signatures;
    }
    print_message("%lu calls, %lu signatures, %u renewals\n", calls, signatures, renewals);
    assert_true(signatures > 20 && renewals > 1);
    (void)p11->C_Finalize(NULL);
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-loaded-session"), 0);
    assert_int_equal(
        simulator_tool(&world->simulator,
                       "tpm2_getcap properties-variable | grep -qx 'TPM2_PT_LOCKOUT_COUNTER: 0x0'"),
        0);
    alarm(0);
}

static int begin(void **state)
{
    world_begin(state);
    world_make_token(*state, token_options);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(anything_at_any_time)};
    token_options = "--type ec --persistent";
    int failed = cmocka_run_group_tests_name("storm, resident", tests, begin, world_end);
    token_options = "--type ec --pin " PIN;
    with_pin = true;
    return failed + cmocka_run_group_tests_name("storm, wrapped with a PIN", tests, begin, world_end);
}
