#include "mde-run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct mde_server server;
struct harness_run run;

void run_begin(const char *const *arguments)
{
    char token[256];
    const char *all[32] = {"--token-file", token};

    snprintf(token, sizeof(token), "%s", harness_path("token"));
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        assert_true(i <= 28);
        all[2 + i] = arguments[i];
    }
    mde_server_start(&server, all);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
}

void run_begin_federated(const char *const *arguments)
{
    const char *all[28] = {"--policy", "Federated"};

    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        assert_true(i <= 24);
        all[2 + i] = arguments[i];
    }
    run_begin(all);
    assert_true(credential_option_set(&run.auth, "token-file", NULL));
}

int run_end(void **state)
{
    (void)state;
    harness_run_clear(&run);
    mde_server_stop(&server);
    return 0;
}

void run_expect_enrolled(void)
{
    struct issued_certificate issued;

    if (run.status != ENROLL_OK)
        fail_msg("%s [%s]", run.error.message, run.error.server_text);
    assert_int_equal(harness_issued(&run, &issued, &run.error), ENROLL_OK);
}

void run_expect_no_token(enum enroll_exit exit_status, const char *words)
{
    if (run.status != exit_status || strstr(run.error.message, words) == NULL)
        fail_msg("%d: %s [%s]", (int)run.status, run.status == ENROLL_OK ? "" : run.error.message,
                 run.error.server_text);
    assert_int_equal(run.error.step, STEP_TOKEN);
    assert_int_equal(run.requests_made, 0);
}
