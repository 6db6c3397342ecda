/* Forks: the child starts anew, the parent notices nothing. */
#include "module-client.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIN "correct-1234"

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static uint8_t digest[32] = {7};

/* What a child does, as an exit status: which step failed. */
static int child_work(CK_SESSION_HANDLE inherited, CK_OBJECT_HANDLE inherited_key)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE session;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE key;
    uint8_t signature[512];
    CK_ULONG size = sizeof signature, found;

    alarm(20); /* a deadlock is a failure */
    if (p11->C_GetSessionInfo(inherited, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (p11->C_SignInit(inherited, &ecdsa, inherited_key) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 2;
    if (p11->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 3;
    if (p11->C_Initialize(NULL) != CKR_OK)
        return 4;
    if (p11->C_GetSessionInfo(inherited, &info) != CKR_SESSION_HANDLE_INVALID)
        return 5;
    if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return 6;
    if (p11->C_FindObjectsInit(session, &template, 1) != CKR_OK ||
        p11->C_FindObjects(session, &key, 1, &found) != CKR_OK || found != 1 ||
        p11->C_FindObjectsFinal(session) != CKR_OK)
        return 7;
    if (p11->C_SignInit(session, &ecdsa, key) != CKR_OK ||
        p11->C_Sign(session, digest, sizeof digest, signature, &size) != CKR_OK)
        return 8;
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : 9;
}

static void expect_child_good(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child's status is 0x%x", status);
}

static void sign_well(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    uint8_t signature[512];
    EVP_PKEY *public_key = token_public_key(session);
    size_t size = sign(session, &ecdsa, key, digest, sizeof digest, signature);
    assert_true(ecdsa_is_right(public_key, digest, sizeof digest, signature, size));
    EVP_PKEY_free(public_key);
}

static void a_child_starts_anew_and_the_parent_goes_on(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    sign_well(session, key);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(child_work(session, key));
        sign_well(session, key);
        expect_child_good(child);
        sign_well(session, key);
    }
    finalize();
}

static void a_grandchild_starts_anew_too(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    sign_well(session, key);
    pid_t child = fork();
    if (child == 0) {
        int status = 0;
        if (p11->C_Initialize(NULL) != CKR_OK)
            _exit(20);
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(child_work(session, key));
        waitpid(grandchild, &status, 0);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 21);
    }
    expect_child_good(child);
    sign_well(session, key);
    finalize();
}

static void a_child_that_does_nothing_hurts_nobody(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, key));
    pid_t child = fork();
    if (child == 0)
        exit(0); /* with exit handlers */
    expect_child_good(child);
    uint8_t signature[512];
    CK_ULONG size = sizeof signature;
    assert_rv(CKR_OK, p11->C_Sign(session, digest, sizeof digest, signature, &size));
    finalize();
}

static atomic_bool stop;
static atomic_uint failures;

static void *keep_signing(void *argument)
{
    CK_SESSION_HANDLE session = *(CK_SESSION_HANDLE *)argument;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE key;
    CK_ULONG found;
    p11->C_FindObjectsInit(session, &template, 1);
    p11->C_FindObjects(session, &key, 1, &found);
    p11->C_FindObjectsFinal(session);
    while (!atomic_load(&stop)) {
        uint8_t signature[512];
        CK_ULONG size = sizeof signature;
        if (p11->C_SignInit(session, &ecdsa, key) != CKR_OK ||
            p11->C_Sign(session, digest, sizeof digest, signature, &size) != CKR_OK)
            atomic_fetch_add(&failures, 1);
    }
    return NULL;
}

/*
 * The sanitizers' allocators hold locks of their own over a fork, and a child of a process with threads may
 * wait for one for ever: without them this is tested.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORKS_ARE_SAFE false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FORKS_ARE_SAFE false
#endif
#endif
#ifndef FORKS_ARE_SAFE
#define FORKS_ARE_SAFE true
#endif

/* The locks and the connection are in somebody's hands at the moment of the fork; the child waits for none of
 * them. */
static void forks_amid_signatures_of_other_threads(void **state)
{
    pthread_t threads[4];
    CK_SESSION_HANDLE sessions[4];
    const struct world *world = *state;
    if (!FORKS_ARE_SAFE)
        skip();
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    atomic_store(&stop, false);
    for (int i = 0; i < 4; i++) {
        sessions[i] = open_session(0);
        assert_int_equal(pthread_create(&threads[i], NULL, keep_signing, &sessions[i]), 0);
    }
    for (int i = 0; i < 25; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(child_work(session, key));
        expect_child_good(child);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
    sign_well(session, key);
    finalize();
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
}

static void *sign_in_any_session(void *argument)
{
    (void)argument;
    while (!atomic_load(&stop)) {
        CK_SESSION_HANDLE session;
        CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
        CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
        CK_OBJECT_HANDLE key;
        CK_ULONG found = 0, size = 512;
        uint8_t signature[512];

        if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK &&
            p11->C_FindObjectsInit(session, &template, 1) == CKR_OK &&
            p11->C_FindObjects(session, &key, 1, &found) == CKR_OK && found == 1 &&
            p11->C_SignInit(session, &ecdsa, key) == CKR_OK)
            p11->C_Sign(session, digest, sizeof digest, signature, &size);
        p11->C_CloseSession(session);
    }
    return NULL;
}

/* C_Finalize does not wait for a call that is inside: its connection must not live on in a child either. */
static void a_fork_while_a_finalized_module_still_signs(void **state)
{
    pthread_t threads[4];
    (void)state;
    initialize();
    atomic_store(&stop, false);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_in_any_session, NULL), 0);
    for (int i = 0; i < 40; i++) {
        usleep(3000);
        finalize();
        initialize();
        pid_t child = fork();
        if (child == 0)
            _exit(child_work(0, 0));
        expect_child_good(child);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    finalize();
}

/* TPM2_PT_LOCKOUT_COUNTER as the TPM itself tells it, below the module. */
static unsigned lockout_counter(const struct world *world)
{
    char command[256], line[128];
    unsigned counter = UINT_MAX;
    snprintf(command, sizeof command, "TPM2TOOLS_TCTI=%s tpm2_getcap properties-variable",
             world->simulator.tcti);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    while (fgets(line, sizeof line, output) != NULL)
        if (sscanf(line, "TPM2_PT_LOCKOUT_COUNTER: %x", &counter) == 1)
            continue;
    assert_int_equal(pclose(output), 0);
    assert_int_not_equal(counter, UINT_MAX);
    return counter;
}

static CK_RV login(CK_SESSION_HANDLE session, const char *pin)
{
    return p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

/* A child's status: it logs in for itself, and signs. */
static int child_login_work(CK_OBJECT_HANDLE inherited_key)
{
    CK_SESSION_HANDLE session;
    uint8_t signature[512];
    CK_ULONG size = sizeof signature;

    alarm(20);
    if (p11->C_Initialize(NULL) != CKR_OK ||
        p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
        return 30;
    if (p11->C_SignInit(session, &ecdsa, inherited_key) == CKR_OK)
        return 31; /* the parent's login is not the child's */
    if (login(session, PIN) != CKR_OK)
        return 32;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE key;
    CK_ULONG found;
    if (p11->C_FindObjectsInit(session, &template, 1) != CKR_OK ||
        p11->C_FindObjects(session, &key, 1, &found) != CKR_OK || found != 1)
        return 33;
    if (p11->C_SignInit(session, &ecdsa, key) != CKR_OK ||
        p11->C_Sign(session, digest, sizeof digest, signature, &size) != CKR_OK)
        return 34;
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : 35;
}

/* No child tries what it was left of the parent's PIN or sessions: each failure would count at the TPM. */
static void forks_do_not_move_the_lockout_counter(void **state)
{
    const struct world *world = *state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    assert_rv(CKR_PIN_INCORRECT, login(session, "wrong-9999")); /* it does move, and we see it */
    unsigned before = lockout_counter(world);
    assert_int_equal(before, 1);
    assert_rv(CKR_OK, login(session, PIN));
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    sign_well(session, key);
    before = lockout_counter(world);
    for (int i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0)
            _exit(i % 2 == 0 ? child_login_work(key) : 0);
        sign_well(session, key);
        expect_child_good(child);
    }
    sign_well(session, key);
    finalize();
    assert_int_equal(lockout_counter(world), before);
}

static int begin_pin(void **state)
{
    world_begin(state);
    world_make_token(*state, "--type ec --persistent --pin " PIN);
    return 0;
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
        cmocka_unit_test(a_child_starts_anew_and_the_parent_goes_on),
        cmocka_unit_test(a_grandchild_starts_anew_too),
        cmocka_unit_test(a_child_that_does_nothing_hurts_nobody),
        cmocka_unit_test(forks_amid_signatures_of_other_threads),
        cmocka_unit_test(a_fork_while_a_finalized_module_still_signs),
    };
    const struct CMUnitTest with_pin[] = {
        cmocka_unit_test(forks_do_not_move_the_lockout_counter),
    };
    int failed = cmocka_run_group_tests_name("fork", tests, begin, world_end);
    return failed + cmocka_run_group_tests_name("fork, PIN", with_pin, begin_pin, world_end);
}
