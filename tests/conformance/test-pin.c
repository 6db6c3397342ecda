/* A token with a PIN: the TPM checks it, its counters show, and nothing is guessed. */
#include "module-client.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIN "correct-1234"

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static CK_SESSION_HANDLE session;
static const char *token_options;

static CK_RV login_as(CK_USER_TYPE user, const char *pin)
{
    return p11->C_Login(session, user, (CK_UTF8CHAR *)(uintptr_t)pin, pin == NULL ? 0 : strlen(pin));
}

static CK_FLAGS token_flags(void)
{
    CK_TOKEN_INFO info;
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info));
    return info.flags;
}

static CK_STATE session_state(void)
{
    CK_SESSION_INFO info;
    assert_rv(CKR_OK, p11->C_GetSessionInfo(session, &info));
    return info.state;
}

static CK_ULONG private_keys(void)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    return count_objects(session, &template, 1);
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

static int tool(const struct world *world, const char *command)
{
    return simulator_tool(&world->simulator, command);
}

static void the_token_asks_for_a_login(void **state)
{
    CK_TOKEN_INFO info;
    (void)state;
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info));
    assert_int_equal(info.flags & CKF_LOGIN_REQUIRED, CKF_LOGIN_REQUIRED);
    assert_int_equal(info.flags & CKF_PROTECTED_AUTHENTICATION_PATH, 0);
    assert_int_equal(info.ulMinPinLen, 4);
    assert_int_equal(session_state(), CKS_RO_PUBLIC_SESSION);
    /* the certificates and the public key are everybody's */
    assert_int_equal(private_keys(), 0);
    assert_int_equal(count_objects(session, NULL, 0), 4);
    find_object(session, CKO_CERTIFICATE);
    find_object(session, CKO_PUBLIC_KEY);
}

static void the_right_pin_logs_the_process_in(void **state)
{
    uint8_t digest[32] = {3}, signature[512];
    CK_BBOOL is_private;
    (void)state;
    CK_SESSION_HANDLE other = open_session(CKF_RW_SESSION);
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    assert_rv(CKR_USER_ALREADY_LOGGED_IN, login_as(CKU_USER, PIN));
    assert_int_equal(session_state(), CKS_RO_USER_FUNCTIONS);
    CK_OBJECT_HANDLE key = find_object(other, CKO_PRIVATE_KEY);
    get_attribute(other, key, CKA_PRIVATE, &is_private, sizeof is_private);
    assert_int_equal(is_private, CK_TRUE);
    EVP_PKEY *public_key = token_public_key(session);
    for (int i = 0; i < 5; i++) {
        size_t size = sign(other, &ecdsa, key, digest, sizeof digest, signature);
        assert_true(ecdsa_is_right(public_key, digest, sizeof digest, signature, size));
    }
    EVP_PKEY_free(public_key);
    assert_int_equal(token_flags() & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED),
                     0);
}

static void a_logout_hides_the_key_and_ends_what_was_begun(void **state)
{
    uint8_t digest[32] = {3}, signature[512];
    CK_ULONG size = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, key));
    assert_rv(CKR_OK, p11->C_Logout(session));
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_Sign(session, digest, sizeof digest, signature, &size));
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_SignInit(session, &ecdsa, key));
    assert_rv(CKR_OBJECT_HANDLE_INVALID, p11->C_GetAttributeValue(session, key, NULL, 0));
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_Logout(session));
    assert_int_equal(private_keys(), 0);
    assert_int_equal(session_state(), CKS_RO_PUBLIC_SESSION);
}

static void closing_the_last_session_logs_out(void **state)
{
    (void)state;
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    assert_rv(CKR_OK, p11->C_CloseSession(session));
    session = open_session(0);
    assert_int_equal(session_state(), CKS_RO_PUBLIC_SESSION);
    assert_int_equal(private_keys(), 0);
}

static void *log_in(void *ret_rv)
{
    *(CK_RV *)ret_rv = login_as(CKU_USER, PIN);
    return NULL;
}

/* The session is closed while the TPM looks at the PIN: nobody is logged in afterwards. */
static void a_login_ends_with_its_session(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        pthread_t thread;
        CK_RV rv;

        assert_int_equal(pthread_create(&thread, NULL, log_in, &rv), 0);
        usleep(500 * i);
        assert_rv(CKR_OK, p11->C_CloseSession(session));
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(rv == CKR_OK || rv == CKR_SESSION_CLOSED || rv == CKR_SESSION_HANDLE_INVALID);
        session = open_session(0);
        assert_int_equal(session_state(), CKS_RO_PUBLIC_SESSION);
        assert_int_equal(private_keys(), 0);
    }
}

/* No PIN of these reaches the TPM: its counter stays. CVE-2023-40660 is an empty PIN that was taken as
 * verified. */
static void an_impossible_pin_is_wrong_without_asking(void **state)
{
    char longest[200];
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, ""));
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, "123"));
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, longest));
    assert_rv(CKR_ARGUMENTS_BAD, login_as(CKU_USER, NULL));
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    assert_rv(CKR_USER_ALREADY_LOGGED_IN, login_as(CKU_USER, ""));
    assert_rv(CKR_OK, p11->C_Logout(session));
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, ""));
    assert_int_equal(token_flags() & CKF_USER_PIN_COUNT_LOW, 0);
}

static void other_users_are_answered(void **state)
{
    (void)state;
    assert_rv(CKR_USER_TYPE_INVALID, login_as(CKU_SO, PIN));
    assert_rv(CKR_USER_TYPE_INVALID, login_as(77, PIN));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, login_as(CKU_CONTEXT_SPECIFIC, PIN));
    assert_rv(CKR_USER_TYPE_INVALID, p11_3->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN,
                                                        strlen(PIN), (CK_UTF8CHAR *)(uintptr_t) "alice", 5));
    assert_rv(CKR_OK,
              p11_3->C_LoginUser(session, CKU_USER, (CK_UTF8CHAR *)(uintptr_t)PIN, strlen(PIN), NULL, 0));
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, find_object(session, CKO_PRIVATE_KEY)));
    assert_rv(CKR_OK, login_as(CKU_CONTEXT_SPECIFIC, PIN));
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_CONTEXT_SPECIFIC, ""));
}

/* 3.0, table 6: at least one wrong PIN since the last right one. */
static void a_wrong_pin_shows_also_while_logged_in(void **state)
{
    const struct world *world = *state;
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, find_object(session, CKO_PRIVATE_KEY)));
    assert_int_equal(token_flags() & CKF_USER_PIN_COUNT_LOW, 0);
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_CONTEXT_SPECIFIC, "wrong-1"));
    assert_int_equal(token_flags() & CKF_USER_PIN_COUNT_LOW, CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(session_state(), CKS_RO_USER_FUNCTIONS);
    assert_int_equal(tool(world, "tpm2_dictionarylockout -c"), 0);
}

/* The value that was right is asked once more, and then no more: each question counts towards the lock-out.
 */
static void a_pin_changed_elsewhere_ends_the_login(void **state)
{
    uint8_t digest[32] = {6}, signature[512];
    CK_ULONG size = sizeof signature;
    const struct world *world = *state;
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    CK_OBJECT_HANDLE old_key = find_object(session, CKO_PRIVATE_KEY);
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, old_key));
    world_make_token(world, "--keep-key --pin " PIN " --new-pin changed-99");
    CK_RV rv = p11->C_Sign(session, digest, sizeof digest, signature, &size);
    if (strstr(token_options, "--persistent") != NULL) {
        assert_rv(CKR_USER_NOT_LOGGED_IN, rv);
        assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_SignInit(session, &ecdsa, old_key));
    } else {
        assert_rv(CKR_OK, rv); /* the old wrapped key is as good as it was */
    }
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, PIN));
    assert_rv(CKR_OK, login_as(CKU_USER, "changed-99"));
    sign(session, &ecdsa, find_object(session, CKO_PRIVATE_KEY), digest, sizeof digest, signature);
    world_make_token(world, "--keep-key --pin changed-99 --new-pin " PIN);
    assert_int_equal(tool(world, "tpm2_dictionarylockout -c"), 0);
}

/* A renewal makes a key with a salt of its own. What is known of the old key's PIN is not tried on the new
 * one. */
static void a_renewed_key_wants_its_own_login(void **state)
{
    uint8_t digest[32] = {6}, signature[512];
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
    CK_OBJECT_HANDLE old_key = find_object(session, CKO_PRIVATE_KEY);
    world_make_token(*state, "--type ec --pin other-5678");
    assert_int_equal(private_keys(), 0);
    assert_int_equal(session_state(), CKS_RO_PUBLIC_SESSION);
    sign(session, &ecdsa, old_key, digest, sizeof digest, signature);
    assert_rv(CKR_OK, login_as(CKU_USER, "other-5678"));
    CK_OBJECT_HANDLE new_key = find_object(session, CKO_PRIVATE_KEY);
    assert_int_not_equal(new_key, old_key);
    sign(session, &ecdsa, new_key, digest, sizeof digest, signature);
    sign(session, &ecdsa, old_key, digest, sizeof digest, signature);
    assert_int_equal(token_flags() & CKF_USER_PIN_COUNT_LOW, 0);
    assert_rv(CKR_OK, p11->C_Logout(session));
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_SignInit(session, &ecdsa, old_key));
    assert_rv(CKR_USER_NOT_LOGGED_IN, p11->C_SignInit(session, &ecdsa, new_key));
}

/* TPM 2.0 part 1, 19.8: three failures lock, as set below. */
static void wrong_pins_count_up_to_the_lock(void **state)
{
    const struct world *world = *state;
    const CK_FLAGS all = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
    assert_int_equal(tool(world, "tpm2_dictionarylockout -s -n 3 -t 1000 -l 1000"), 0);
    assert_int_equal(tool(world, "tpm2_dictionarylockout -c"), 0);
    assert_int_equal(token_flags() & all, 0);
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, "wrong-1"));
    assert_int_equal(token_flags() & all, CKF_USER_PIN_COUNT_LOW);
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, "wrong-2"));
    assert_int_equal(token_flags() & all, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    assert_rv(CKR_PIN_INCORRECT, login_as(CKU_USER, "wrong-3"));
    assert_int_equal(token_flags() & all, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
    /* as a process sees it that has not tried a PIN */
    finalize();
    initialize();
    assert_int_equal(token_flags() & all, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
    session = open_session(0);
    assert_rv(CKR_PIN_LOCKED, login_as(CKU_USER, PIN));
    assert_int_equal(session_state(), CKS_RO_PUBLIC_SESSION);
    find_object(session, CKO_CERTIFICATE);
    assert_int_equal(tool(world, "tpm2_dictionarylockout -c"), 0);
    assert_rv(CKR_OK, login_as(CKU_USER, PIN));
}

static void nothing_stays_in_the_tpm(void **state)
{
    const struct world *world = *state;
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-loaded-session"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-saved-session"), 0);
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
    const struct CMUnitTest tests[] = {
        TEST(the_token_asks_for_a_login),
        TEST(the_right_pin_logs_the_process_in),
        TEST(a_logout_hides_the_key_and_ends_what_was_begun),
        TEST(closing_the_last_session_logs_out),
        TEST(a_login_ends_with_its_session),
        TEST(an_impossible_pin_is_wrong_without_asking),
        TEST(other_users_are_answered),
        TEST(a_wrong_pin_shows_also_while_logged_in),
        TEST(wrong_pins_count_up_to_the_lock),
        TEST(a_pin_changed_elsewhere_ends_the_login),
        TEST(a_renewed_key_wants_its_own_login),
        cmocka_unit_test(nothing_stays_in_the_tpm),
    };
    token_options = "--type ec --persistent --pin " PIN;
    int failed = cmocka_run_group_tests_name("PIN, resident", tests, begin, world_end);
    token_options = "--type ec --pin " PIN;
    return failed + cmocka_run_group_tests_name("PIN, wrapped", tests, begin, world_end);
}
