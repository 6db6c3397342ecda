/* Signing in with an identity broker, on a bus of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mde-run.h"

static pid_t bus_pid, broker_pid;

static pid_t program_start(const char *const *arguments, const char *ready)
{
    int ends[2];
    char line[512] = "";
    pid_t pid;
    FILE *out;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], STDOUT_FILENO);
        execvp(arguments[0], (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    close(ends[1]);
    out = fdopen(ends[0], "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof(line), out));
    fclose(out);
    assert_non_null(strstr(line, ready));
    return pid;
}

static void program_stop(pid_t *pid)
{
    int state;

    if (*pid == 0)
        return;
    kill(*pid, SIGTERM);
    waitpid(*pid, &state, 0);
    *pid = 0;
}

static void broker_begin(const char *mode)
{
    static char address[300];
    char token[256], option[340];
    const char *const bus[] = {"dbus-daemon",     "--session", "--nofork", "--nopidfile",
                               "--print-address", option,      NULL};
    const char *const broker[] = {getenv("BROKER"), mode, token, NULL};

    run_begin_federated(NULL);
    snprintf(address, sizeof(address), "unix:path=%s/bus", harness_directory());
    snprintf(option, sizeof(option), "--address=%s", address);
    snprintf(token, sizeof(token), "%s", harness_path("token"));
    unlink(harness_path("bus"));
    bus_pid = program_start(bus, "unix:path");
    setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
    if (mode != NULL)
        broker_pid = program_start(broker, "ready");
    assert_true(credential_option_set(&run.auth, "client-id", "11111111-2222-3333-4444-555555555555"));
    assert_true(
        credential_option_set(&run.auth, "scope", "https://enrollment.example/.default offline_access"));
}

static int broker_end(void **state)
{
    program_stop(&broker_pid);
    program_stop(&bus_pid);
    return run_end(state);
}

static void broker_gives_a_token_without_a_question(void **state)
{
    (void)state;
    broker_begin("silent");
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_non_null(strstr(run.notes, "an identity broker runs in this session"));
    assert_null(strstr(run.notes, "requires you to sign in"));
}

static void broker_asks_where_it_must(void **state)
{
    (void)state;
    broker_begin("interactive");
    run.auth.forced = credential_source_find("broker");
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_non_null(strstr(run.notes, "requires you to sign in"));
}

static void broker_that_gives_none_is_told_in_its_words(void **state)
{
    (void)state;
    broker_begin("declined");
    run.auth.forced = credential_source_find("broker");
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "returned no token");
    assert_non_null(strstr(run.error.server_text, "closed the window"));
}

static void broker_that_is_broken_is_said(void **state)
{
    (void)state;
    broker_begin("garbage");
    run.auth.forced = credential_source_find("broker");
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "neither a token nor an error");
    broker_end(NULL);
    broker_begin("failing");
    run.auth.forced = credential_source_find("broker");
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "failed in getAccounts");
    assert_string_equal(run.error.server_text, "the broker is out of order");
}

static bool cancelled(void *context)
{
    (void)context;
    return true;
}

static void broker_that_says_nothing_is_not_waited_for(void **state)
{
    time_t began = time(NULL);

    (void)state;
    broker_begin("mute");
    run.auth.forced = credential_source_find("broker");
    run.auth.timeout_seconds = 1;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "failed in getAccounts");
    run.auth.timeout_seconds = 0;
    run.auth.cancelled = cancelled;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CANCELLED, "cancelled");
    assert_true(time(NULL) - began >= 1 && time(NULL) - began <= 30);
}

static void session_without_a_broker_is_said(void **state)
{
    (void)state;
    broker_begin(NULL);
    run.auth.forced = credential_source_find("broker");
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "no identity broker");
    assert_true(credential_option_set(&run.auth, "scope", NULL));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CONFIGURATION, "scope");
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent", 1);
    assert_true(credential_option_set(&run.auth, "scope", "x"));
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "session bus");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(broker_gives_a_token_without_a_question, broker_end),
        cmocka_unit_test_teardown(broker_asks_where_it_must, broker_end),
        cmocka_unit_test_teardown(broker_that_gives_none_is_told_in_its_words, broker_end),
        cmocka_unit_test_teardown(broker_that_is_broken_is_said, broker_end),
        cmocka_unit_test_teardown(broker_that_says_nothing_is_not_waited_for, broker_end),
        cmocka_unit_test_teardown(session_without_a_broker_is_said, broker_end),
    };

    return cmocka_run_group_tests_name("broker", tests, NULL, NULL);
}
