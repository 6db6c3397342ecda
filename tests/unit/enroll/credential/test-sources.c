/* The table of credential sources: options, the choice of a source, and tokens for an audience. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include <cmocka.h>

#include "credential.h"
#include "oauth_client.h"

#define AUDIENCE "d4ebce55-015a-49b5-a083-c84d1797ae8c"

static char directory[] = "/tmp/credential.XXXXXX";

static void file_write(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void file_remove(const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    unlink(path);
}

/* Expects the token, or the exit status with a NULL token. */
static void token_expect(const struct credential_options *options, const char *audience, const char *token,
                         enum enroll_exit expected)
{
    const struct credential_request request = {.kinds = CREDENTIAL_TOKEN, .audience = audience, .host = "h"};
    struct credential credential = {0};
    struct enroll_error error;
    enum enroll_exit status = credential_obtain(options, &request, &credential, &error);

    assert_int_equal(status, expected);
    if (token != NULL)
        assert_string_equal(credential.token, token);
    if (status == ENROLL_OK)
        credential_free(&credential);
}

static void every_source_and_option_has_one_name(void **state)
{
    const struct credential_source *source;
    const struct setting *option;
    size_t count = 0;

    (void)state;
    for (; (source = credential_source_at(count)) != NULL; count++)
        assert_ptr_equal(credential_source_find(credential_source_name(source)), source);
    assert_true(count > 0);
    assert_null(credential_source_find("none"));
    for (count = 0; (option = credential_option_at(count)) != NULL; count++) {
        struct credential_options options = {0};

        assert_true(credential_option_set(&options, option->name, "1"));
        assert_string_equal(options.values[count], "1");
        assert_string_equal(credential_option_get(&options, option->name), "1");
    }
    assert_true(count >= 1 && count <= CREDENTIAL_OPTIONS_MAX);
}

static void directory_of_tokens_has_one_for_each_audience(void **state)
{
    struct credential_options options = {0};

    (void)state;
    file_write(AUDIENCE, "token-1\n");
    assert_true(credential_option_set(&options, "token-file", directory));
    token_expect(&options, AUDIENCE, "token-1", ENROLL_OK);
    token_expect(&options, "another", NULL, ENROLL_CONFIGURATION);
    token_expect(&options, "../" AUDIENCE, NULL, ENROLL_CONFIGURATION);
    token_expect(&options, NULL, NULL, ENROLL_CONFIGURATION);
    file_remove(AUDIENCE);
}

static void token_command_gets_the_audience_as_its_last_argument(void **state)
{
    struct credential_options options = {0};

    (void)state;
    assert_true(credential_option_set(&options, "token-command", "echo 'for  '"));
    token_expect(&options, AUDIENCE, "for   " AUDIENCE, ENROLL_OK);
    token_expect(&options, NULL, "for", ENROLL_OK);
}

static void audience_determines_the_oauth_scope(void **state)
{
    struct credential_options options = {0};
    struct credential_request request = {0};
    struct oauth_client client;

    (void)state;
    assert_true(credential_option_set(&options, "scope", "mine"));
    assert_true(credential_option_set(&options, "resource", "r"));
    oauth_client_read(&options, &request, &client);
    assert_string_equal(client.scope, "mine");
    assert_string_equal(client.resource, "r");
    request.audience = AUDIENCE;
    oauth_client_read(&options, &request, &client);
    assert_string_equal(client.scope, AUDIENCE "/.default");
    assert_null(client.resource);
}

static void offered_kinds_follow_from_the_options(void **state)
{
    struct credential_options options = {0};

    (void)state;
    assert_int_equal(credential_kinds_offered(&options), CREDENTIAL_TOKEN);
    assert_true(credential_option_set(&options, "certificate", "c"));
    assert_int_equal(credential_kinds_offered(&options), CREDENTIAL_TOKEN | CREDENTIAL_CERTIFICATE);
    assert_true(credential_option_set(&options, "password-file", "p"));
    assert_int_equal(credential_kinds_offered(&options),
                     CREDENTIAL_TOKEN | CREDENTIAL_CERTIFICATE | CREDENTIAL_PASSWORD);
    options.forced = credential_source_find("password");
    assert_int_equal(credential_kinds_offered(&options), CREDENTIAL_PASSWORD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_and_option_has_one_name),
        cmocka_unit_test(directory_of_tokens_has_one_for_each_audience),
        cmocka_unit_test(token_command_gets_the_audience_as_its_last_argument),
        cmocka_unit_test(audience_determines_the_oauth_scope),
        cmocka_unit_test(offered_kinds_follow_from_the_options),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    failed = cmocka_run_group_tests_name("sources", tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
