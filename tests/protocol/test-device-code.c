/* Signing in with a device code (RFC 8628), against the test server's token service. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mde-run.h"

static unsigned shown;
static char shown_code[64];

static void show(void *context, const struct credential_instruction *instruction)
{
    (void)context;
    assert_non_null(instruction->url);
    shown++;
    if (instruction->code != NULL)
        snprintf(shown_code, sizeof(shown_code), "%s", instruction->code);
}

static bool cancel(void *context)
{
    (void)context;
    return shown > 0;
}

static void device_code_begin_with(const char *const *modes)
{
    static char authority[256];

    run_begin_federated(modes);
    snprintf(authority, sizeof(authority), "https://" HARNESS_HOST);
    if (server.port != 443)
        snprintf(authority, sizeof(authority), "https://" HARNESS_HOST ":%u", server.port);
    run.auth.forced = credential_source_find("device-code");
    assert_true(credential_option_set(&run.auth, "client-id", "11111111-2222-3333-4444-555555555555"));
    assert_true(credential_option_set(&run.auth, "scope", "https://enrollment.example/.default"));
    assert_true(credential_option_set(&run.auth, "tenant", "contoso.test"));
    assert_true(credential_option_set(&run.auth, "authority", authority));
    run.auth.show = show;
    shown = 0;
    shown_code[0] = '\0';
}

static void device_code_begin(const char *mode)
{
    const char *const modes[] = {mode != NULL ? "--mode" : NULL, mode, NULL};

    device_code_begin_with(modes);
}

static void device_code_is_shown_and_gives_a_token(void **state)
{
    (void)state;
    device_code_begin(NULL);
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_true(shown >= 2);
    assert_true(shown_code[0] != '\0');
}

static void device_code_of_version_1_fields_is_understood(void **state)
{
    (void)state;
    device_code_begin("oauth=v1-fields");
    harness_enroll(&run, &server);
    run_expect_enrolled();
}

static void device_code_survives_one_failure_of_the_service(void **state)
{
    (void)state;
    device_code_begin("oauth=server-error");
    harness_enroll(&run, &server);
    run_expect_enrolled();
}

static void device_code_slows_down_when_told(void **state)
{
    (void)state;
    device_code_begin("oauth=slow_down");
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_true(shown >= 6);
}

static void device_code_refusals_are_in_the_servers_words(void **state)
{
    static const struct {
        const char *mode;
        const char *words;       /* ours */
        const char *server_text; /* the server's */
    } rows[] = {{"oauth=expired_token", "has expired", "expired_token"},
                {"oauth=authorization_declined", "declined", "authorization_declined"},
                {"oauth=conditional-access", "refused by the token service", "AADSTS530003"},
                {"oauth=device-code-blocked", "denied", "AADSTS50199"},
                {"oauth=html", "invalid response", ""},
                {"oauth=no-token", "invalid response", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        device_code_begin(rows[i].mode);
        harness_enroll(&run, &server);
        run_expect_no_token(ENROLL_AUTHENTICATION, rows[i].words);
        assert_non_null(strstr(run.error.server_text, rows[i].server_text));
        if (i + 1 < sizeof(rows) / sizeof(rows[0]))
            run_end(NULL);
    }
}

static void device_code_that_nobody_uses_expires(void **state)
{
    static const char *const modes[] = {"--mode", "oauth-expires=2", "--mode", "oauth-pending=100", NULL};

    (void)state;
    device_code_begin_with(modes);
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "has expired");
    assert_true(shown > 0);
}

/* The test server refuses a poll that comes after a time-out without a longer pause. RFC 8628, 3.5. */
static void device_code_outlives_time_outs_with_longer_pauses(void **state)
{
    static const char *const modes[] = {"--mode", "oauth-stall=2", "--mode", "oauth-pending=0", NULL};

    (void)state;
    device_code_begin_with(modes);
    run.timeout = 2;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_non_null(strstr(run.notes, "retrying in 2 seconds: polling for the token"));
    assert_non_null(strstr(run.notes, "retrying in 4 seconds: polling for the token"));
}

static void device_code_that_ends_in_time_outs_says_so(void **state)
{
    static const char *const modes[] = {"--mode", "oauth-stall=20", "--mode", "oauth-expires=4", NULL};

    (void)state;
    device_code_begin_with(modes);
    run.timeout = 2;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_UNREACHABLE, "while the token service was unreachable");
    assert_non_null(strstr(run.error.message, "timed out"));
}

static void device_code_can_be_cancelled(void **state)
{
    (void)state;
    device_code_begin("oauth-pending=100");
    run.auth.cancelled = cancel;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CANCELLED, "cancelled");
}

static void token_that_the_enrolment_refuses_is_said(void **state)
{
    (void)state;
    device_code_begin("oauth=wrong-token");
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_AUTHENTICATION);
}

#define TEST(name) cmocka_unit_test_teardown(name, run_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(device_code_is_shown_and_gives_a_token),
        TEST(device_code_of_version_1_fields_is_understood),
        TEST(device_code_survives_one_failure_of_the_service),
        TEST(device_code_slows_down_when_told),
        TEST(device_code_refusals_are_in_the_servers_words),
        TEST(device_code_that_nobody_uses_expires),
        TEST(device_code_outlives_time_outs_with_longer_pauses),
        TEST(device_code_that_ends_in_time_outs_says_so),
        TEST(device_code_can_be_cancelled),
        TEST(token_that_the_enrolment_refuses_is_said),
    };

    return cmocka_run_group_tests_name("device-code", tests, NULL, NULL);
}
