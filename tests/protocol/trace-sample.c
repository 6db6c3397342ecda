/* Writes the traces of a good and of a refused enrolment to $TRACE_DIRECTORY/good and /refused, for
 * trace-page to look at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mde-harness.h"
#include "mde.h"
#include "trace.h"

static struct trace *trace;

static void observe_progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    trace_progress(context, step, state, text);
}

static void sample_write(const char *name, const char *mode)
{
    char token[256], directory[512];
    const char *arguments[] = {"--token-file", token, mode != NULL ? "--mode" : NULL, mode, NULL};
    struct issued_certificate issued = {0};
    struct attempt_outcome outcome;
    struct mde_server server;
    struct harness_run run;
    struct enroll_error error;

    snprintf(token, sizeof(token), "%s", harness_path("token"));
    snprintf(directory, sizeof(directory), "%s/%s", getenv("TRACE_DIRECTORY"), name);
    assert_int_equal(trace_new(directory, &trace, &error), ENROLL_OK);
    mde_server_start(&server, arguments);
    harness_run_init(&run);
    if (server.port != 443)
        run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    run.observe = trace_observe;
    run.observe_progress = observe_progress;
    run.observe_context = trace;
    trace_protocol_set(trace, &protocol_mde2);
    harness_enroll(&run, &server);
    if (run.status == ENROLL_OK) {
        assert_int_equal(harness_issued(&run, &issued, &error), ENROLL_OK);
        harness_outcome(&issued, &outcome);
        trace_outcome(trace, &outcome, NULL);
        attempt_outcome_clear(&outcome);
    } else {
        trace_outcome(trace, NULL, &run.error);
    }
    assert_int_equal(trace_close(trace, &error), ENROLL_OK);
    harness_run_clear(&run);
    mde_server_stop(&server);
}

static void traces_are_written(void **state)
{
    (void)state;
    assert_non_null(getenv("TRACE_DIRECTORY"));
    sample_write("good", NULL);
    sample_write("refused", "fault=DeviceNotSupported,at=issue");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(traces_are_written)};

    return cmocka_run_group_tests_name("trace-sample", tests, NULL, NULL);
}
