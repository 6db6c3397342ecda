/* A token with a PIN when the TPM is somebody else's, and when many threads share one login. */
#include "module-client.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PIN     "correct-1234"
#define THREADS 8

static CK_SESSION_HANDLE session;
static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};

static CK_RV login_with(const char *pin)
{
    return p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)pin, strlen(pin));
}

static CK_FLAGS token_flags(void)
{
    CK_TOKEN_INFO info;
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info));
    return info.flags;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A connection that says nothing: swtpm serves no other one meanwhile. */
static int hold_tpm(const struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(world->simulator.data) < sizeof address.sun_path);
    memcpy(address.sun_path, world->simulator.data, strlen(world->simulator.data));
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

static int begin_session(void **state)
{
    (void)state;
    initialize();
    session = open_session(0);
    return 0;
}

static int end_session(void **state)
{
    (void)state;
    finalize();
    return 0;
}

/* Certificates stay visible, and who lists tokens does not wait for a TPM that is another's. */
static void a_tpm_that_is_held_does_not_hold_the_token_up(void **state)
{
    int holder = hold_tpm(*state);
    double begin = seconds();

    assert_int_equal(token_flags() & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
    assert_true(seconds() - begin < 4);
    begin = seconds();
    for (int i = 0; i < 5; i++) {
        token_flags();
        find_object(session, CKO_CERTIFICATE);
        usleep(500000);
    }
    assert_true(seconds() - begin < 4); /* of which it slept 2.5 */
    close(holder);
    assert_rv(CKR_PIN_INCORRECT, login_with("wrong-1"));
    assert_int_equal(token_flags() & CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW);
    assert_rv(CKR_OK, login_with(PIN));
    assert_int_equal(simulator_tool(&((const struct world *)*state)->simulator, "tpm2_dictionarylockout -c"),
                     0);
}

static void *log_in_wrong(void *unused)
{
    (void)unused;
    return (void *)login_with("wrong-2");
}

/* Nor for a login of another thread that waits for it. */
static void a_login_that_waits_does_not_hold_the_token_up(void **state)
{
    int holder = hold_tpm(*state);
    pthread_t thread;
    void *rv;
    double begin;

    assert_int_equal(pthread_create(&thread, NULL, log_in_wrong, NULL), 0);
    usleep(300000);
    begin = seconds();
    assert_int_equal(token_flags() & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
    assert_true(seconds() - begin < 4);
    close(holder);
    assert_int_equal(pthread_join(thread, &rv), 0);
    assert_rv(CKR_PIN_INCORRECT, (CK_RV)rv);
    assert_int_equal(token_flags() & CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(simulator_tool(&((const struct world *)*state)->simulator, "tpm2_dictionarylockout -c"),
                     0);
}

struct signer {
    CK_SESSION_HANDLE session;
    CK_RV rv;
};

static void *sign_begun(void *argument)
{
    struct signer *signer = argument;
    uint8_t digest[32] = {7}, signature[512];
    CK_ULONG size = sizeof signature;

    signer->rv = p11->C_Sign(signer->session, digest, sizeof digest, signature, &size);
    return NULL;
}

/*
 * The PIN is changed at another place, and eight threads that were logged in before sign at once with what
 * they know: one question, not eight, counts towards the lock-out.
 */
static void a_changed_pin_costs_one_try_for_all_threads(void **state)
{
    const struct world *world = *state;
    struct signer signers[THREADS];
    pthread_t threads[THREADS];

    assert_int_equal(simulator_tool(&world->simulator, "tpm2_dictionarylockout -s -n 30 -t 1000 -l 1000"), 0);
    assert_rv(CKR_OK, login_with(PIN));
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    for (size_t i = 0; i < THREADS; i++) {
        signers[i].session = open_session(0);
        assert_rv(CKR_OK, p11->C_SignInit(signers[i].session, &ecdsa, key));
    }
    world_make_token(world, "--keep-key --pin " PIN " --new-pin changed-99");
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_begun, &signers[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_rv(CKR_USER_NOT_LOGGED_IN, signers[i].rv);
    }
    assert_int_equal(simulator_tool(&world->simulator, "tpm2_getcap properties-variable | grep -qx "
                                                       "'TPM2_PT_LOCKOUT_COUNTER: 0x1'"),
                     0);
    assert_rv(CKR_OK, login_with("changed-99"));
    world_make_token(world, "--keep-key --pin changed-99 --new-pin " PIN);
    assert_int_equal(simulator_tool(&world->simulator, "tpm2_dictionarylockout -c"), 0);
}

/* A signature begun under the old PIN fails after the user has logged in with the new one: that login stays.
 */
static void an_old_signature_does_not_end_a_new_login(void **state)
{
    const struct world *world = *state;
    uint8_t digest[32] = {6}, signature[512];
    struct signer old = {.session = open_session(0)};

    assert_rv(CKR_OK, login_with(PIN));
    assert_rv(CKR_OK, p11->C_SignInit(old.session, &ecdsa, find_object(session, CKO_PRIVATE_KEY)));
    world_make_token(world, "--keep-key --pin " PIN " --new-pin changed-99");
    assert_rv(CKR_OK, login_with("changed-99"));
    sign_begun(&old);
    assert_rv(CKR_USER_NOT_LOGGED_IN, old.rv);
    sign(session, &ecdsa, find_object(session, CKO_PRIVATE_KEY), digest, sizeof digest, signature);
    world_make_token(world, "--keep-key --pin changed-99 --new-pin " PIN);
    assert_int_equal(simulator_tool(&world->simulator, "tpm2_dictionarylockout -c"), 0);
}

static int begin(void **state)
{
    world_begin(state);
    world_make_token(*state, "--type ec --persistent --pin " PIN);
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin_session, end_session)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tpm_that_is_held_does_not_hold_the_token_up),
        TEST(a_login_that_waits_does_not_hold_the_token_up),
        TEST(a_changed_pin_costs_one_try_for_all_threads),
        TEST(an_old_signature_does_not_end_a_new_login),
    };
    return cmocka_run_group_tests_name("PIN, threads", tests, begin, world_end);
}
