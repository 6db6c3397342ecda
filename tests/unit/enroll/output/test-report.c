/* enroll/output: what the commands print, as text and as JSON. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "mde.h"
#include "report.h"
#include "terminal.h"

/* What printing the report writes to a descriptor, NUL-terminated. */
static char *printed(const struct report *report, bool json)
{
    char *text = calloc(1, 65536);
    int pair[2], before = dup(STDOUT_FILENO);
    assert_non_null(text);
    assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
    fflush(stdout);
    assert_true(dup2(pair[1], STDOUT_FILENO) >= 0);
    close(pair[1]);
    assert_true(report_print(report, json));
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    close(before);
    assert_true(read(pair[0], text, 65535) > 0);
    close(pair[0]);
    return text;
}

static void a_policy_says_everything_in_text_and_json(void **state)
{
    char name[] = "the policy", oid[] = "1.2.3.4", odd[] = "something odd";
    struct certificate_requirements requirements = {.key_type = TPM_KEY_EC,
                                                    .curve = TPM_CURVE_P384,
                                                    .minimum_bits = 384,
                                                    .hash = TPM_HASH_SHA384,
                                                    .policy_name = name,
                                                    .validity_seconds = 864000,
                                                    .renewal_seconds = 172800,
                                                    .extension_count = 1,
                                                    .warning_count = 1};
    const struct report report = {.command = "policy", .action = "policy", .requirements = &requirements};
    (void)state;
    requirements.extensions[0].oid = oid;
    requirements.warnings[0] = odd;
    char *text = printed(&report, false);
    static const char *const lines[] = {"Policy        the policy", "Key           EC P-384",
                                        "Hash          SHA-384",    "the defaults",
                                        "Validity      10 days",    "2 days before the end",
                                        "Extension     1.2.3.4",    "Warning       something odd"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_non_null(strstr(text, lines[i]));
    free(text);

    text = printed(&report, true);
    struct json_object *object = json_tokener_parse(text), *policy, *value;
    assert_true(json_object_object_get_ex(object, "policy", &policy));
    assert_true(json_object_object_get_ex(policy, "curve", &value));
    assert_string_equal(json_object_get_string(value), "P-384");
    assert_true(json_object_object_get_ex(policy, "extensions", &value));
    assert_int_equal(json_object_array_length(value), 1);
    assert_true(json_object_object_get_ex(policy, "from_server", &value));
    assert_false(json_object_get_boolean(value));
    json_object_put(object);
    free(text);
}

static void an_error_is_json_with_every_word_of_the_server(void **state)
{
    const struct enroll_error error = {.exit_status = ENROLL_REFUSED,
                                       .step = 5,
                                       .hresult = 0x80180013,
                                       .message = "refused \"so\"",
                                       .advice = "ask",
                                       .server_text = "too many",
                                       .trace_id = "t",
                                       .activity_id = "a"};
    const struct report report = {
        .command = "enroll", .exit_status = ENROLL_REFUSED, .error = &error, .protocol = &protocol_mde2};
    static const char *const expected[][2] = {{"step", "enrol"},         {"message", "refused \"so\""},
                                              {"advice", "ask"},         {"server_text", "too many"},
                                              {"hresult", "0x80180013"}, {"trace_id", "t"},
                                              {"activity_id", "a"}};
    struct json_object *value, *inner;
    (void)state;
    char *text = printed(&report, true);
    struct json_object *object = json_tokener_parse(text);
    assert_true(json_object_object_get_ex(object, "error", &inner));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(json_object_object_get_ex(inner, expected[i][0], &value));
        assert_string_equal(json_object_get_string(value), expected[i][1]);
    }
    assert_true(json_object_object_get_ex(object, "exit_status", &value));
    assert_int_equal(json_object_get_int(value), ENROLL_REFUSED);
    json_object_put(object);
    free(text);
}

static void status_shows_lockout_and_last_error(void **state)
{
    const struct tpm_lockout lockout = {.failures = 2, .max_failures = 3, .locked = true};
    const struct enrollment_state last = {
        .attempted_at = 1000000000, .failed_at = 1000000000, .exit_status = 10, .message = "no route"};
    const struct report report = {.command = "status",
                                  .tpm_state = "ready",
                                  .tpm_lockout = &lockout,
                                  .state = &last,
                                  .has_removed = true,
                                  .removed_keys = 1,
                                  .removed_files = 2,
                                  .token_directory = "/x"};
    (void)state;
    char *text = printed(&report, false);
    assert_non_null(strstr(text, "2 of 3 failed authorizations, LOCKED"));
    assert_non_null(strstr(text, "2001-09-09T01:46:40Z: no route"));
    assert_non_null(strstr(text, "1 key from the TPM, 2 items from /x"));
    free(text);
    text = printed(&report, true);
    assert_non_null(strstr(text, "\"locked_out\":true"));
    free(text);
}

static void a_uri_is_percent_encoded(void **state)
{
    struct token_generation *generation = calloc(1, sizeof *generation);
    (void)state;
    assert_non_null(generation);
    snprintf(generation->label, sizeof generation->label, "a b;c=%%\xc3\xa9");
    snprintf(generation->object_label, sizeof generation->object_label, "device");
    char *uri = report_uri(generation);
    assert_string_equal(uri, "pkcs11:token=a%20b%3Bc%3D%25%C3%A9;object=device");
    free(uri);
    free(generation);
}

static void every_step_has_a_name(void **state)
{
    (void)state;
    for (unsigned step = STEP_PREPARE; step <= protocol_step_count(&protocol_mde2); step++) {
        assert_true(protocol_step_title(&protocol_mde2, step)[0] != '\0');
        assert_true(protocol_step_name(&protocol_mde2, step)[0] != '\0');
    }
    assert_int_equal(protocol_step_count(&protocol_mde2), 5);
    assert_string_equal(protocol_step_name(&protocol_mde2, STEP_INSTALL), "install");
    assert_string_equal(protocol_step_name(&protocol_mde2, 6), "");
    assert_string_equal(protocol_step_title(&protocol_mde2, 99), "");
    assert_string_equal(protocol_step_title(NULL, 1), "");
}

static void without_a_terminal_nobody_is_asked(void **state)
{
    int before = dup(STDIN_FILENO);
    (void)state;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(dup2(null, STDIN_FILENO) >= 0);
    struct terminal *terminal = terminal_new(true);
    assert_false(terminal_is_interactive(terminal));
    assert_false(terminal_is_live(terminal));
    assert_false(terminal_confirm(terminal, "really?"));
    assert_null(terminal_ask_secret(terminal, "secret"));
    assert_null(terminal_ask_line(terminal, "line"));
    terminal_instruction(
        terminal, &(struct credential_instruction){
                      .url = "https://a.test/", .code = "ABC", .message = "hello", .seconds_left = 61});
    terminal_warn(terminal, "a warning");
    terminal_free(terminal);
    terminal_free(NULL);
    dup2(before, STDIN_FILENO);
    close(before);
    close(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_says_everything_in_text_and_json),
        cmocka_unit_test(an_error_is_json_with_every_word_of_the_server),
        cmocka_unit_test(status_shows_lockout_and_last_error),
        cmocka_unit_test(a_uri_is_percent_encoded),
        cmocka_unit_test(every_step_has_a_name),
        cmocka_unit_test(without_a_terminal_nobody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
