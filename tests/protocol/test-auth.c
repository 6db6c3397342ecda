/* Every way to a credential, against a real server; and what a server may not get out of us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "mde-run.h"

/* p11-kit loads every module of this machine; what another one of them loses is not ours. */
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));
const char *__lsan_default_suppressions(void)
{
    return "leak:libtpm2_pkcs11.so\n";
}

/* more: NULL-terminated arguments of the server. */
static void federated_begin(const char *const *more)
{
    const char *arguments[16] = {"--policy", "Federated"};

    for (size_t i = 0; more != NULL && more[i] != NULL && i < 13; i++)
        arguments[2 + i] = more[i];
    run_begin(arguments);
    run.auth.token_file = NULL;
}

static void on_premise_begin(void)
{
    static char password[256];
    const char *arguments[] = {"--policy",        "OnPremise", "--user", HARNESS_ADDRESS,
                               "--password-file", password,    NULL};

    snprintf(password, sizeof(password), "%s", harness_path("password"));
    run_begin(arguments);
    run.auth.token_file = NULL;
}

/* ---- given ---- */

static void token_on_a_descriptor_is_taken(void **state)
{
    int fd;

    (void)state;
    federated_begin(NULL);
    fd = open(harness_path("token"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    run.auth.token_fd = fd;
    harness_enroll(&run, &server);
    close(fd);
    run_expect_enrolled();
    assert_non_null(strstr(run.notes, "Authentication by fd: a token was given"));
}

static void token_command_is_run_without_a_shell(void **state)
{
    char command[600];

    (void)state;
    federated_begin(NULL);
    /* A shell would expand the variable and run what is behind the semicolon. */
    snprintf(command, sizeof(command),
             "sh -c 'test \"$1\" = \"\\$HOME;exit\" && cat \"$2\"' x \"\\$HOME;exit\" %s",
             harness_path("token"));
    run.auth.token_command = command;
    harness_enroll(&run, &server);
    run_expect_enrolled();
}

static void token_command_that_fails_is_named(void **state)
{
    (void)state;
    federated_begin(NULL);
    run.auth.token_command = "false";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "false failed (status 1)");
    run.auth.token_command = "/nonexistent/program";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "cannot be run");
    run.auth.token_command = "sh -c 'kill -9 $$'";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "signal 9");
    run.auth.token_command = "true";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "it is empty");
    run.auth.token_command = "cat 'unfinished";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_USAGE, "quote without its end");
}

/* What a command had started, and wrote the number of into a file: it was killed, and nobody else's child. */
static void expect_killed(const char *file)
{
    FILE *number = fopen(file, "r");
    int pid = 0, state = 0;

    assert_non_null(number);
    assert_int_equal(fscanf(number, "%d", &pid), 1);
    fclose(number);
    assert_int_equal(waitpid(pid, &state, 0), pid);
    assert_true(WIFSIGNALED(state));
}

static void token_command_that_hangs_is_ended_with_all_that_it_started(void **state)
{
    static const char *const scripts[] = {
        "sh -c 'sleep 300 & echo $! >\"$1\"; wait'",               /* while its output is waited for */
        "sh -c 'sleep 300 >&- & echo $! >\"$1\"; exec >&-; wait'", /* and its end */
        /* and neither minds SIGTERM */
        "sh -c 'trap \"\" TERM; sleep 300 & echo $! >\"$1\"; wait'",
    };
    char command[400];
    time_t began;

    (void)state;
    federated_begin(NULL);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        began = time(NULL);
        snprintf(command, sizeof(command), "%s x %s", scripts[i], harness_path("started"));
        run.auth.token_command = command;
        run.auth.token_command_seconds = 1;
        harness_enroll(&run, &server);
        run_expect_no_token(ENROLL_AUTHENTICATION, "was not done within 1 s and was ended");
        assert_in_range(time(NULL) - began, 1, 20);
        expect_killed(harness_path("started"));
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static bool cancelled_soon(void *context)
{
    (void)context;
    return access(harness_path("started"), F_OK) == 0;
}

static void token_command_is_ended_when_the_run_is_cancelled(void **state)
{
    char command[400];

    (void)state;
    federated_begin(NULL);
    unlink(harness_path("started"));
    snprintf(command, sizeof(command), "sh -c 'echo $$ >%s.new; mv %s.new %s; exec sleep 300'",
             harness_path("started"), harness_path("started"), harness_path("started"));
    run.auth.token_command = command;
    run.auth.cancelled = cancelled_soon;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CANCELLED, "was cancelled");
}

static void token_file_that_is_unusable_is_named(void **state)
{
    (void)state;
    federated_begin(NULL);
    run.auth.token_file = "/nonexistent/token";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "/nonexistent/token");
    run.auth.token_file = "/dev/null";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "it is empty");
    run.auth.token_file = "/dev/zero";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "longer than any token");
}

static void wrong_token_is_an_authentication_failure(void **state)
{
    char wrong[256];

    (void)state;
    federated_begin(NULL);
    snprintf(wrong, sizeof(wrong), "%s", harness_path("wrong"));
    run.auth.token_file = wrong;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_AUTHENTICATION);
    assert_int_equal(run.error.hresult, 0x80180002);
    assert_int_equal(run.requests_made, 0);
}

static void given_token_goes_to_an_on_premise_server_too(void **state)
{
    char token[256];
    const char *arguments[] = {"--policy", "OnPremise", "--token-file", token, NULL};

    (void)state;
    snprintf(token, sizeof(token), "%s", harness_path("token"));
    mde_server_start(&server, arguments);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    harness_received_forget();
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(harness_received("issue.xml", "UsernameToken"), 0);
}

static void jwt_token_type_is_named_in_the_message(void **state)
{
    char token[256];

    (void)state;
    federated_begin(NULL);
    harness_received_forget();
    snprintf(token, sizeof(token), "%s", harness_path("token"));
    run.auth.token_file = token;
    run.auth.token_type = "jwt";
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(harness_received("issue.xml", "urn:ietf:params:oauth:token-type:jwt"), 1);
    harness_run_clear(&run);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    run.auth.token_type = "saml";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_USAGE, "saml");
}

/* ---- passwords ---- */

static char *password_typed(void *context, const char *prompt)
{
    struct harness_run *asking = context;

    assert_non_null(strstr(prompt, HARNESS_ADDRESS));
    asking->questions += 100;
    return strdup(HARNESS_PASSWORD);
}

static void password_is_asked_for_and_sent_to_a_typed_host(void **state)
{
    (void)state;
    on_premise_begin();
    run.auth.ask_secret = password_typed;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(run.questions, 100);
    assert_string_equal(run.result.user, HARNESS_ADDRESS);
}

static void password_file_serves_without_a_person(void **state)
{
    char password[256];

    (void)state;
    on_premise_begin();
    snprintf(password, sizeof(password), "%s", harness_path("password"));
    run.auth.password_file = password;
    run.auth.username = HARNESS_ADDRESS;
    harness_enroll(&run, &server);
    run_expect_enrolled();
}

static void password_is_not_typed_to_a_host_that_was_found(void **state)
{
    char password[256];

    (void)state;
    on_premise_begin();
    if (server.port != 443)
        skip();
    harness_received_forget();
    run.discovery_url = NULL;
    snprintf(password, sizeof(password), "%s", harness_path("password"));
    run.auth.password_file = password;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_UNSAFE, "found automatically");
    assert_int_equal(run.questions, 1);
    assert_non_null(strstr(run.question, "enterpriseenrollment.contoso.test"));
    assert_int_equal(harness_received("policy.xml", NULL), 0);
    /* With consent it is. */
    run.say_yes = true;
    run.questions = 0;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(run.questions, 1);
}

static void wrong_password_is_an_authentication_failure(void **state)
{
    char wrong[256];

    (void)state;
    on_premise_begin();
    snprintf(wrong, sizeof(wrong), "%s", harness_path("wrong"));
    run.auth.password_file = wrong;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_AUTHENTICATION);
    assert_int_equal(run.error.step, STEP_POLICY);
    assert_null(strstr(run.error.message, "another-secret"));
}

static void server_that_wants_a_password_gets_none_from_a_token_client(void **state)
{
    (void)state;
    on_premise_begin();
    run.auth.force = AUTH_DEVICE_CODE;
    run.auth.client_id = "c";
    run.auth.ask_secret = password_typed;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_UNSAFE);
    assert_int_equal(run.error.step, STEP_DISCOVER);
    assert_int_equal(run.questions, 0);
}

static void way_that_lacks_its_option_says_which(void **state)
{
    static const struct {
        enum auth_way way;
        const char *words;
    } rows[] = {{AUTH_TOKEN_FILE, "--token-file"},
                {AUTH_TOKEN_FD, "--token-fd"},
                {AUTH_TOKEN_COMMAND, "--token-command"},
                {AUTH_DEVICE_CODE, "--client-id"},
                {AUTH_BROKER, "--client-id"}};

    (void)state;
    federated_begin(NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run.auth.force = rows[i].way;
        harness_enroll(&run, &server);
        run_expect_no_token(ENROLL_AUTHENTICATION, rows[i].words);
    }
}

static void no_way_at_all_is_said(void **state)
{
    static const char *const modes[] = {"--mode", "deviation=no-authentication-url", NULL};

    (void)state;
    federated_begin(modes);
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "no way to get one");
}

/* ---- certificate ---- */

static void certificate_begin(void)
{
    static const char *const arguments[] = {"--policy", "Certificate", NULL};
    static char certificate[256], key[256];

    mde_server_start(&server, arguments);
    snprintf(certificate, sizeof(certificate), "%s", harness_path("user.crt"));
    snprintf(key, sizeof(key), "%s", harness_path("user.key"));
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    run.auth.token_file = NULL;
    run.auth.certificate = certificate;
    run.auth.certificate_key = key;
}

static void existing_certificate_signs_the_request(void **state)
{
    (void)state;
    certificate_begin();
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_string_equal(run.result.auth_policy, "Certificate");
}

/* A token of somebody else's making, as an operator's smart card would be, found through p11-kit. */
static bool softhsm_fill(void)
{
    static const char script[] =
        "set -e; cd \"$1\"; export SOFTHSM2_CONF=\"$1/softhsm2.conf\"; mkdir -p tokens; "
        "printf 'directories.tokendir = %s/tokens\\nobjectstore.backend = file\\n' \"$1\" >softhsm2.conf; "
        "softhsm2-util --init-token --free --label operator --pin 4711 --so-pin 4711; "
        "openssl pkcs8 -topk8 -nocrypt -in user.key -out user.p8; "
        "softhsm2-util --import user.p8 --token operator --label card --id 01 --pin 4711; "
        "openssl x509 -in user.crt -outform DER -out user.der; "
        "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label operator --login --pin 4711 "
        "--write-object user.der --type cert --label card --id 01";
    char command[2048];

    if (access("/usr/lib/softhsm/libsofthsm2.so", R_OK) != 0 ||
        access("/usr/share/p11-kit/modules/softhsm2.module", R_OK) != 0)
        return false;
    setenv("SCRIPT", script, 1);
    snprintf(command, sizeof(command), "sh -c \"$SCRIPT\" x %s >%s 2>&1", harness_directory(),
             harness_path("softhsm.log"));
    assert_int_equal(system(command), 0);
    setenv("SOFTHSM2_CONF", harness_path("softhsm2.conf"), 1);
    return true;
}

/* The URI of an object on that token, whose PIN is in a file. */
static const char *card_uri(const char *object, const char *pin)
{
    static char uri[512];
    FILE *file = fopen(harness_path("card.pin"), "w");

    assert_non_null(file);
    fprintf(file, "%s\n", pin);
    fclose(file);
    snprintf(uri, sizeof(uri), "pkcs11:token=operator;object=%s?pin-source=file:%s", object,
             harness_path("card.pin"));
    return uri;
}

static void certificate_on_a_token_signs_the_request(void **state)
{
    (void)state;
    certificate_begin();
    if (!softhsm_fill())
        skip();
    run.auth.certificate = card_uri("card", "4711");
    run.auth.certificate_key = NULL;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    flow_result_free(&run.result);
    run.requests_made = 0;
    run.auth.certificate = card_uri("card", "0000");
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "its PIN was not accepted");
    run.auth.certificate = card_uri("other", "4711");
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "no key is there that it names");
    run.auth.certificate = "pkcs11:token=operator;object=card?pin-source=/nonexistent.pin";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "wants a PIN");
    run.auth.certificate = "pkcs11:token=operator;object=card?pin-value=4711";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "pin-source");
    assert_null(strstr(run.error.message, "4711"));
}

static void certificate_that_is_unusable_is_named(void **state)
{
    (void)state;
    certificate_begin();
    run.auth.certificate_key = run.auth.certificate;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "The key that authenticates");
    run.auth.certificate = "/nonexistent.crt";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "/nonexistent.crt");
    run.auth.certificate = "pkcs11:token=none;object=none";
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "pkcs11:token=none;object=none");
}

/* ---- device code ---- */

static unsigned shown;
static char shown_code[64];

static void show(void *context, const struct auth_instruction *instruction)
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

    federated_begin(modes);
    snprintf(authority, sizeof(authority), "https://" HARNESS_HOST);
    if (server.port != 443)
        snprintf(authority, sizeof(authority), "https://" HARNESS_HOST ":%u", server.port);
    run.auth.force = AUTH_DEVICE_CODE;
    run.auth.client_id = "11111111-2222-3333-4444-555555555555";
    run.auth.scope = "https://enrollment.example/.default";
    run.auth.tenant = "contoso.test";
    run.auth.authority = authority;
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
    } rows[] = {{"oauth=expired_token", "not used in time", "expired_token"},
                {"oauth=authorization_declined", "declined", "authorization_declined"},
                {"oauth=conditional-access", "refuses", "AADSTS530003"},
                {"oauth=device-code-blocked", "denied", "AADSTS50199"},
                {"oauth=html", "did not answer as OAuth 2", ""},
                {"oauth=no-token", "did not answer as OAuth 2", ""}};

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
    run_expect_no_token(ENROLL_AUTHENTICATION, "not used in time");
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
    assert_non_null(strstr(run.notes, "Asking again in 2 seconds: The wait for the token"));
    assert_non_null(strstr(run.notes, "Asking again in 4 seconds: The wait for the token"));
}

static void device_code_that_ends_in_time_outs_says_so(void **state)
{
    static const char *const modes[] = {"--mode", "oauth-stall=20", "--mode", "oauth-expires=4", NULL};

    (void)state;
    device_code_begin_with(modes);
    run.timeout = 2;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_UNREACHABLE, "before the token service could be reached again");
    assert_non_null(strstr(run.error.message, "took too long"));
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
        TEST(token_on_a_descriptor_is_taken),
        TEST(token_command_is_run_without_a_shell),
        TEST(token_command_that_fails_is_named),
        TEST(token_command_that_hangs_is_ended_with_all_that_it_started),
        TEST(token_command_is_ended_when_the_run_is_cancelled),
        TEST(token_file_that_is_unusable_is_named),
        TEST(wrong_token_is_an_authentication_failure),
        TEST(given_token_goes_to_an_on_premise_server_too),
        TEST(jwt_token_type_is_named_in_the_message),
        TEST(password_is_asked_for_and_sent_to_a_typed_host),
        TEST(password_file_serves_without_a_person),
        TEST(password_is_not_typed_to_a_host_that_was_found),
        TEST(wrong_password_is_an_authentication_failure),
        TEST(server_that_wants_a_password_gets_none_from_a_token_client),
        TEST(way_that_lacks_its_option_says_which),
        TEST(no_way_at_all_is_said),
        TEST(existing_certificate_signs_the_request),
        TEST(certificate_on_a_token_signs_the_request),
        TEST(certificate_that_is_unusable_is_named),
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

    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
