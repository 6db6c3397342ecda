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

static void on_premise_begin(void)
{
    static char password[256];
    const char *arguments[] = {"--policy",        "OnPremise", "--user", HARNESS_ADDRESS,
                               "--password-file", password,    NULL};

    snprintf(password, sizeof(password), "%s", harness_path("password"));
    run_begin(arguments);
    assert_true(credential_option_set(&run.auth, "token-file", NULL));
}

/* ---- given ---- */

static void token_on_a_descriptor_is_taken(void **state)
{
    char number[16];
    int fd;

    (void)state;
    run_begin_federated(NULL);
    fd = open(harness_path("token"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    snprintf(number, sizeof(number), "%d", fd);
    assert_true(credential_option_set(&run.auth, "token-fd", number));
    harness_enroll(&run, &server);
    close(fd);
    run_expect_enrolled();
    assert_non_null(strstr(run.notes, "Authentication by fd: a token was given"));
}

static void token_command_is_run_without_a_shell(void **state)
{
    char command[600];

    (void)state;
    run_begin_federated(NULL);
    /* A shell would expand the variable and run what is behind the semicolon. */
    snprintf(command, sizeof(command),
             "sh -c 'test \"$1\" = \"\\$HOME;exit\" && cat \"$2\"' x \"\\$HOME;exit\" %s",
             harness_path("token"));
    assert_true(credential_option_set(&run.auth, "token-command", command));
    harness_enroll(&run, &server);
    run_expect_enrolled();
}

static void token_command_that_fails_is_named(void **state)
{
    (void)state;
    run_begin_federated(NULL);
    assert_true(credential_option_set(&run.auth, "token-command", "false"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "false failed (status 1)");
    assert_true(credential_option_set(&run.auth, "token-command", "/nonexistent/program"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "cannot run token command");
    assert_true(credential_option_set(&run.auth, "token-command", "sh -c 'kill -9 $$'"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "signal 9");
    assert_true(credential_option_set(&run.auth, "token-command", "yes"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "too long");
    assert_true(credential_option_set(&run.auth, "token-command", "true"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "empty");
    assert_true(credential_option_set(&run.auth, "token-command", "cat 'unfinished"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_USAGE, "unterminated quote");
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
    run_begin_federated(NULL);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        began = time(NULL);
        snprintf(command, sizeof(command), "%s x %s", scripts[i], harness_path("started"));
        assert_true(credential_option_set(&run.auth, "token-command", command));
        assert_true(credential_option_set(&run.auth, "token-command-timeout", "1"));
        harness_enroll(&run, &server);
        run_expect_no_token(ENROLL_AUTHENTICATION, "timed out after 1 s");
        assert_true(time(NULL) - began >= 1 && time(NULL) - began <= 20);
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
    run_begin_federated(NULL);
    unlink(harness_path("started"));
    snprintf(command, sizeof(command), "sh -c 'echo $$ >%s.new; mv %s.new %s; exec sleep 300'",
             harness_path("started"), harness_path("started"), harness_path("started"));
    assert_true(credential_option_set(&run.auth, "token-command", command));
    run.auth.cancelled = cancelled_soon;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CANCELLED, "cancelled");
}

static void token_file_that_is_unusable_is_named(void **state)
{
    (void)state;
    run_begin_federated(NULL);
    assert_true(credential_option_set(&run.auth, "token-file", "/nonexistent/token"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "/nonexistent/token");
    assert_true(credential_option_set(&run.auth, "token-file", "/dev/null"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "empty");
    assert_true(credential_option_set(&run.auth, "token-file", "/dev/zero"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "too long");
}

static void wrong_token_is_an_authentication_failure(void **state)
{
    char wrong[256];

    (void)state;
    run_begin_federated(NULL);
    snprintf(wrong, sizeof(wrong), "%s", harness_path("wrong"));
    assert_true(credential_option_set(&run.auth, "token-file", wrong));
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
    run_begin_federated(NULL);
    harness_received_forget();
    snprintf(token, sizeof(token), "%s", harness_path("token"));
    assert_true(credential_option_set(&run.auth, "token-file", token));
    run.token_type = "jwt";
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(harness_received("issue.xml", "urn:ietf:params:oauth:token-type:jwt"), 1);
    harness_run_clear(&run);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    run.token_type = "saml";
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
    assert_true(credential_option_set(&run.auth, "password-file", password));
    assert_true(credential_option_set(&run.auth, "username", HARNESS_ADDRESS));
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
    assert_true(credential_option_set(&run.auth, "password-file", password));
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
    assert_true(credential_option_set(&run.auth, "password-file", wrong));
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_AUTHENTICATION);
    assert_int_equal(run.error.step, STEP_POLICY);
    assert_null(strstr(run.error.message, "another-secret"));
}

static void server_that_wants_a_password_gets_none_from_a_token_client(void **state)
{
    (void)state;
    on_premise_begin();
    run.auth.forced = credential_source_find("device-code");
    assert_true(credential_option_set(&run.auth, "client-id", "c"));
    run.auth.ask_secret = password_typed;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_UNSAFE);
    assert_int_equal(run.error.step, STEP_DISCOVER);
    assert_int_equal(run.questions, 0);
}

static void way_that_lacks_its_option_says_which(void **state)
{
    static const struct {
        const char *source;
        const char *words;
    } rows[] = {{"file", "--token-file"},
                {"fd", "--token-fd"},
                {"command", "--token-command"},
                {"device-code", "--client-id"},
                {"broker", "--client-id"}};

    (void)state;
    run_begin_federated(NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run.auth.forced = credential_source_find(rows[i].source);
        harness_enroll(&run, &server);
        run_expect_no_token(ENROLL_AUTHENTICATION, rows[i].words);
    }
}

static void no_way_at_all_is_said(void **state)
{
    static const char *const modes[] = {"--mode", "deviation=no-authentication-url", NULL};

    (void)state;
    run_begin_federated(modes);
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "no source for one is configured");
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
    assert_true(credential_option_set(&run.auth, "token-file", NULL));
    assert_true(credential_option_set(&run.auth, "certificate", certificate));
    assert_true(credential_option_set(&run.auth, "certificate-key", key));
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

/* p11-kit loads every module of this machine, and some of them leak when they are unloaded. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

static void leaks_ignore(bool ignore)
{
    if (ignore && __lsan_disable != NULL)
        __lsan_disable();
    if (!ignore && __lsan_enable != NULL)
        __lsan_enable();
}

static void certificate_on_a_token_signs_the_request(void **state)
{
    (void)state;
    leaks_ignore(true);
    certificate_begin();
    if (!softhsm_fill())
        skip();
    assert_true(credential_option_set(&run.auth, "certificate", card_uri("card", "4711")));
    assert_true(credential_option_set(&run.auth, "certificate-key", NULL));
    harness_enroll(&run, &server);
    run_expect_enrolled();
    flow_result_free(&run.result);
    run.requests_made = 0;
    assert_true(credential_option_set(&run.auth, "certificate", card_uri("card", "0000")));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "its PIN was not accepted");
    assert_true(credential_option_set(&run.auth, "certificate", card_uri("other", "4711")));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "no such key is on the token");
    assert_true(credential_option_set(&run.auth, "certificate",
                                      "pkcs11:token=operator;object=card?pin-source=/nonexistent.pin"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "wants a PIN");
    assert_true(
        credential_option_set(&run.auth, "certificate", "pkcs11:token=operator;object=card?pin-value=4711"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "pin-source");
    assert_null(strstr(run.error.message, "4711"));
    leaks_ignore(false);
}

static void certificate_that_is_unusable_is_named(void **state)
{
    (void)state;
    certificate_begin();
    assert_true(
        credential_option_set(&run.auth, "certificate-key", credential_option_get(&run.auth, "certificate")));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "client key");
    assert_true(credential_option_set(&run.auth, "certificate", "/nonexistent.crt"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "/nonexistent.crt");
    assert_true(credential_option_set(&run.auth, "certificate", "pkcs11:token=none;object=none"));
    leaks_ignore(true);
    harness_enroll(&run, &server);
    leaks_ignore(false);
    run_expect_no_token(ENROLL_CONFIGURATION, "pkcs11:token=none;object=none");
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
    };

    return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
