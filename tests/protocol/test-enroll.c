/* The five steps against a real server: every policy, key and layout that a well-meaning server has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mde-harness.h"

static void federated_token_gives_a_certificate_for_our_key(void **state)
{
    char token[256];
    const char *const arguments[] = {"--policy", "Federated", "--token-file", token, NULL};
    struct mde_server server;
    struct harness_run run;
    struct issued_certificate issued;
    struct enroll_error error;

    (void)state;
    snprintf(token, sizeof(token), "%s", harness_path("token"));
    mde_server_start(&server, arguments);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    harness_enroll(&run, &server);
    if (run.status != ENROLL_OK)
        print_message("%s %s\n", run.error.message, run.error.server_text);
    assert_int_equal(run.status, ENROLL_OK);
    assert_int_equal(harness_issued(&run, &issued, &error), ENROLL_OK);
    assert_true(issued.chain_count >= 1);
    assert_string_equal(run.result.auth_policy, "Federated");
    harness_run_clear(&run);
    mde_server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(federated_token_gives_a_certificate_for_our_key),
    };

    return cmocka_run_group_tests_name("enroll", tests, NULL, NULL);
}
