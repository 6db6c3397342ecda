/* --trace: every message is there, no secret is, and the page needs nothing but itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "mde-harness.h"
#include "mde.h"
#include "trace_redact.h"
#include "trace.h"

/* {"alg":"none"} . {"upn":"alice@contoso.test","tid":"t-1","deviceid":"d-9","exp":1800000000} . signature */
#define JWT                                                                                                  \
    "eyJhbGciOiJub25lIn0."                                                                                   \
    "eyJ1cG4iOiJhbGljZUBjb250b3NvLnRlc3QiLCJ0aWQiOiJ0LTEiLCJkZXZpY2VpZCI6ImQtOSIsImV4cCI6MTgwMDAwMDAw"       \
    "MH0.U0lHTkFUVVJFLVRIQVQtTk9CT0RZLU1BWS1TRUU"
#define JWT_SIGNATURE "U0lHTkFUVVJFLVRIQVQtTk9CT0RZLU1BWS1TRUU"

static char *file_read(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 4 * 1024 * 1024);

    assert_non_null(file);
    assert_non_null(text);
    text[fread(text, 1, 4 * 1024 * 1024 - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void secret_is_nowhere(const char *directory, const char *secret)
{
    DIR *files = opendir(directory);
    struct dirent *entry;

    assert_non_null(files);
    while ((entry = readdir(files)) != NULL) {
        char path[600];
        struct stat facts;
        char *text;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_mode & 077, 0);
        text = file_read(path);
        if (strstr(text, secret) != NULL)
            fail_msg("%s holds the secret %s", path, secret);
        free(text);
    }
    closedir(files);
}

static void page_holds(const char *directory, const char *text, bool wanted)
{
    char path[300];
    char *page;

    snprintf(path, sizeof(path), "%s/flow.html", directory);
    page = file_read(path);
    if ((strstr(page, text) != NULL) != wanted)
        fail_msg("the page %s \"%s\"", wanted ? "lacks" : "holds", text);
    free(page);
}

struct traced {
    struct trace *trace;
    struct harness_run run;
    char directory[256];
};

static void observe_progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    trace_progress(context, step, state, text);
}

static void traced_enroll(struct traced *traced, const char *name, const struct mde_server *server)
{
    struct issued_certificate issued = {0};
    struct attempt_outcome outcome;
    struct enroll_error error;

    snprintf(traced->directory, sizeof(traced->directory), "%s", harness_path(name));
    assert_int_equal(trace_new(traced->directory, &traced->trace, &error), ENROLL_OK);
    traced->run.discovery_url = harness_discovery_url(server, HARNESS_HOST);
    traced->run.observe = trace_observe;
    traced->run.observe_progress = observe_progress;
    traced->run.observe_context = traced->trace;
    trace_protocol_set(traced->trace, &protocol_mde2);
    harness_enroll(&traced->run, server);
    if (traced->run.status == ENROLL_OK) {
        assert_int_equal(harness_issued(&traced->run, &issued, &error), ENROLL_OK);
        harness_outcome(&issued, &outcome);
        trace_outcome(traced->trace, &outcome, NULL);
        attempt_outcome_clear(&outcome);
    } else {
        trace_outcome(traced->trace, NULL, &traced->run.error);
    }
    assert_int_equal(trace_close(traced->trace, &error), ENROLL_OK);
}

static void token_shows_as_its_claims_and_never_its_signature(void **state)
{
    const char *arguments[] = {"--policy", "Federated", "--token-file", NULL, NULL};
    struct mde_server server;
    struct traced traced;
    char token[256];
    FILE *file;

    (void)state;
    snprintf(token, sizeof(token), "%s", harness_path("jwt"));
    file = fopen(token, "w");
    assert_non_null(file);
    assert_true(fputs(JWT, file) >= 0);
    assert_int_equal(fclose(file), 0);
    arguments[3] = token;
    mde_server_start(&server, arguments);
    harness_run_init(&traced.run);
    assert_true(credential_option_set(&traced.run.auth, "token-file", token));
    traced_enroll(&traced, "trace-token", &server);
    assert_int_equal(traced.run.status, ENROLL_OK);
    secret_is_nowhere(traced.directory, JWT_SIGNATURE);
    secret_is_nowhere(traced.directory, "ZXlKaGJHY2lPaUp1YjI1bEluMC"); /* base64 of the token's begin */
    page_holds(traced.directory, "upn: &quot;alice@contoso.test&quot;", true);
    page_holds(traced.directory, "deviceid: &quot;d-9&quot;", true);
    page_holds(traced.directory, "exp: 2027-01-15", true);
    page_holds(traced.directory, "Make the key, sign the request", true);
    page_holds(traced.directory, "wap-provisioningdoc", true);
    page_holds(traced.directory, "<h2>Certificate</h2>", true);
    harness_run_clear(&traced.run);
    mde_server_stop(&server);
}

static void password_and_management_secrets_are_cut_out(void **state)
{
    static char password[256];
    const char *const arguments[] = {"--policy",        "OnPremise", "--user", HARNESS_ADDRESS,
                                     "--password-file", password,    NULL};
    struct mde_server server;
    struct traced traced;
    char path[600];
    char *document;

    (void)state;
    snprintf(password, sizeof(password), "%s", harness_path("password"));
    mde_server_start(&server, arguments);
    harness_run_init(&traced.run);
    assert_true(credential_option_set(&traced.run.auth, "token-file", NULL));
    assert_true(credential_option_set(&traced.run.auth, "password-file", password));
    traced_enroll(&traced, "trace-password", &server);
    assert_int_equal(traced.run.status, ENROLL_OK);
    secret_is_nowhere(traced.directory, HARNESS_PASSWORD);
    snprintf(path, sizeof(path), "%s/03-requestsecuritytoken-document.xml", traced.directory);
    document = file_read(path);
    assert_non_null(strstr(document, "AAUTHSECRET\" value=\"(removed)\""));
    assert_non_null(strstr(document, "AAUTHDATA\" value=\"(removed)\""));
    free(document);
    harness_run_clear(&traced.run);
    mde_server_stop(&server);
}

static void page_needs_no_network_and_no_script(void **state)
{
    static char token[256];
    const char *const arguments[] = {"--token-file", token, "--mode", "fault=DeviceCapReached,at=issue",
                                     NULL};
    struct mde_server server;
    struct traced traced;

    (void)state;
    snprintf(token, sizeof(token), "%s", harness_path("token"));
    mde_server_start(&server, arguments);
    harness_run_init(&traced.run);
    traced_enroll(&traced, "trace-fault", &server);
    assert_int_equal(traced.run.status, ENROLL_REFUSED);
    page_holds(traced.directory, "<script", false);
    page_holds(traced.directory, " src=", false);
    page_holds(traced.directory, " href=", false);
    page_holds(traced.directory, "url(", false);
    page_holds(traced.directory, "@import", false);
    page_holds(traced.directory, "default-src 'none'", true);
    page_holds(traced.directory, "as many devices as allowed", true);
    page_holds(traced.directory, "0x80180013", true);
    secret_is_nowhere(traced.directory, HARNESS_TOKEN);
    harness_run_clear(&traced.run);
    mde_server_stop(&server);
}

static void directory_of_another_trace_is_refused(void **state)
{
    struct trace *trace = NULL;
    struct enroll_error error;

    (void)state;
    assert_int_equal(trace_new(harness_path("trace-fault"), &trace, &error), ENROLL_CONFIGURATION);
    assert_int_equal(trace_new("/dev/null/x", &trace, &error), ENROLL_CONFIGURATION);
    assert_int_equal(trace_new(harness_path("trace-new"), &trace, &error), ENROLL_OK);
    assert_int_equal(trace_close(trace, &error), ENROLL_OK);
}

static void text_expect(const char *type, const char *message, const char *expected, const char *unexpected)
{
    struct trace_secrets secrets = {0};
    struct trace_text text = {0};

    assert_true(trace_text_make(&secrets, type, (const uint8_t *)message, strlen(message), &text));
    if (strstr(text.text, expected) == NULL || (unexpected != NULL && strstr(text.text, unexpected) != NULL))
        fail_msg("%s", text.text);
    trace_text_clear(&text);
    trace_secrets_clear(&secrets);
}

static void forms_and_json_lose_their_secrets(void **state)
{
    (void)state;
    text_expect("application/x-www-form-urlencoded", "client_id=abc&device_code=SECRETSECRET&x=1",
                "client_id=abc\ndevice_code=(removed)\nx=1\n", "SECRET");
    text_expect("application/x-www-form-urlencoded", "device_code=S3C&", "device_code\n", "S3C");
    text_expect("application/json", "{\"access_token\":\"" JWT "\",\"error\":\"x\"}", "alice@contoso.test",
                JWT_SIGNATURE);
    text_expect("application/json", "{\"refresh_token\":\"SECRETSECRET\"}", "refresh_token", "SECRET");
    text_expect("application/json", "{\"a\":{\"access_token\":\"SECRETSECRET\"},\"error\":\"x\"}", "error",
                "SECRET");
    text_expect("application/json", "{\"a\":[1,{\"access_token\":\"SECRETSECRET\"}],\"b\":[50126]}", "50126",
                "SECRET");
    text_expect("text/html", "<html>SECRETSECRET</html>", "not kept", "SECRET");
    text_expect("application/soap+xml", "<not well-formed SECRETSECRET", "not kept", "SECRET");
    text_expect(NULL, "", "no content", NULL);
}

static void secret_that_a_server_echoes_is_cut_out_too(void **state)
{
    static const char request[] =
        "<Envelope><Security><UsernameToken><Password>SECRETSECRET</Password></UsernameToken></Security>"
        "</Envelope>";
    static const char answer[] =
        "<Envelope><Fault><Text>wrong password SECRETSECRET</Text></Fault></Envelope>";
    struct trace_secrets secrets = {0};
    struct trace_text text = {0};

    (void)state;
    assert_true(trace_text_make(&secrets, "text/xml", (const uint8_t *)request, strlen(request), &text));
    assert_non_null(strstr(text.text, "(removed)"));
    trace_text_clear(&text);
    assert_true(trace_text_make(&secrets, "text/xml", (const uint8_t *)answer, strlen(answer), &text));
    assert_non_null(strstr(text.text, "wrong password ************"));
    trace_text_clear(&text);
    trace_secrets_clear(&secrets);
}

static void secret_with_characters_of_xml_is_cut_out_too(void **state)
{
    static const char request[] =
        "<Envelope><Security><UsernameToken><Password>SECRET&lt;\"&amp;SECRET</Password></UsernameToken>"
        "</Security></Envelope>";
    static const char answer[] =
        "<Envelope><Fault><Text a='SECRET&lt;&quot;&amp;SECRET'>wrong password SECRET&lt;&quot;&amp;SECRET"
        "</Text></Fault></Envelope>";
    struct trace_secrets secrets = {0};
    struct trace_text text = {0};

    (void)state;
    assert_true(trace_text_make(&secrets, "text/xml", (const uint8_t *)request, strlen(request), &text));
    trace_text_clear(&text);
    assert_true(trace_text_make(&secrets, "text/xml", (const uint8_t *)answer, strlen(answer), &text));
    assert_non_null(strstr(text.text, "wrong password ****"));
    assert_null(strstr(text.text, "SECRET"));
    trace_text_clear(&text);
    trace_secrets_clear(&secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_shows_as_its_claims_and_never_its_signature),
        cmocka_unit_test(password_and_management_secrets_are_cut_out),
        cmocka_unit_test(page_needs_no_network_and_no_script),
        cmocka_unit_test(directory_of_another_trace_is_refused),
        cmocka_unit_test(forms_and_json_lose_their_secrets),
        cmocka_unit_test(secret_that_a_server_echoes_is_cut_out_too),
        cmocka_unit_test(secret_with_characters_of_xml_is_cut_out_too),
    };

    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
