/* Signing in with a real browser at the server's federated page; who else comes to the receiver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "mde-run.h"

static char shown_url[4096], shown_message[256];
static unsigned shown;

static void show(void *context, const struct credential_instruction *instruction)
{
    (void)context;
    shown++;
    snprintf(shown_url, sizeof(shown_url), "%s", instruction->url);
    snprintf(shown_message, sizeof(shown_message), "%s",
             instruction->message != NULL ? instruction->message : "");
}

static void begin(const char *mode)
{
    const char *const arguments[] = {mode != NULL ? "--mode" : NULL, mode, NULL};

    run_begin_federated(arguments);
    run.auth.show = show;
    shown = 0;
    shown_url[0] = '\0';
}

/*
 * xdg-open is a script that starts Chromium, as a desktop does. Chromium knows neither the test's names nor
 * its authority, and is told; it ends by itself.
 */
static void browser_install(void)
{
    char path[1024];
    FILE *script = fopen(harness_path("xdg-open"), "w");

    assert_non_null(script);
    assert_true(fprintf(script,
                        "#!/bin/sh\nHOME=%s timeout 30 chromium --headless=new --no-sandbox --disable-gpu "
                        "--user-data-dir=%s/profile "
                        "--host-resolver-rules='MAP *.test %s' --ignore-certificate-errors "
                        "--virtual-time-budget=8000 --dump-dom "
                        "\"$1\" >%s/dom 2>%s/chromium.err &\n",
                        harness_directory(), harness_directory(), server.address, harness_directory(),
                        harness_directory()) > 0);
    assert_int_equal(fclose(script), 0);
    assert_int_equal(chmod(harness_path("xdg-open"), 0700), 0);
    snprintf(path, sizeof(path), "%s:/usr/sbin:/usr/bin:/sbin:/bin", harness_directory());
    setenv("PATH", path, 1);
}

static bool too_long(void *context)
{
    (void)context;
    return shown > 25;
}

static void browser_brings_the_answer_back(void **state)
{
    (void)state;
    if (access("/usr/bin/chromium", X_OK) != 0)
        skip();
    begin(NULL);
    browser_install();
    run.auth.may_open_browser = true;
    run.auth.cancelled = too_long;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_non_null(strstr(shown_url, "login_hint=alice%40contoso.test"));
    assert_non_null(strstr(shown_url, "appru=http%3A%2F%2F127.0.0.1%3A"));
    assert_non_null(strstr(run.notes, "the sign-in page is on"));
    assert_non_null(strstr(run.notes, "Authentication by browser"));
}

static void browser_brings_a_refusal_back(void **state)
{
    (void)state;
    if (access("/usr/bin/chromium", X_OK) != 0)
        skip();
    begin("federated=denied");
    browser_install();
    run.auth.may_open_browser = true;
    run.auth.cancelled = too_long;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "sign-in in the browser failed");
    assert_true(run.error.server_text[0] != '\0');
}

static unsigned answers_pasted;

/*
 * A person at a real Chromium, whom xdg-open starts: presses the page's button, or finds that the page does
 * not go on and reads the answer in its source, into the file "read".
 */
static void person_install(const char *action)
{
    FILE *script;

    browser_install();
    unlink(harness_path("read"));
    unlink(harness_path("person.gone"));
    answers_pasted = 0;
    script = fopen(harness_path("xdg-open"), "w");
    assert_non_null(script);
    assert_true(fprintf(script, "#!/bin/sh\nsetsid '%s' %s \"$1\" %s %s >%s/person.log 2>&1 &\n",
                        getenv("PERSON"), action, server.address, harness_directory(),
                        harness_directory()) > 0);
    assert_int_equal(fclose(script), 0);
}

/* A browser and its driver take their time to start. */
static bool far_too_long(void *context)
{
    (void)context;
    return shown > 60;
}

static bool answer_was_read(void *context)
{
    (void)context;
    return access(harness_path("read"), F_OK) == 0;
}

static char *answer_read(void *context, const char *prompt)
{
    char answer[8192] = "";
    FILE *file = fopen(harness_path("read"), "r");

    (void)context;
    assert_non_null(strstr(prompt, "wresult"));
    assert_non_null(file);
    assert_non_null(fgets(answer, sizeof(answer), file));
    fclose(file);
    answers_pasted++;
    answer[strcspn(answer, "\n")] = '\0';
    return strdup(answer);
}

/* What the person at the browser saw. */
static void person_tell(void)
{
    char line[512];
    FILE *file = fopen(harness_path("person.log"), "r");

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        print_error("person: %s", line);
    fclose(file);
}

/* pasted: how often the answer is to come that way. */
static void browser_run(const char *mode, const char *action, unsigned pasted)
{
    begin(mode);
    person_install(action);
    run.auth.may_open_browser = true;
    run.auth.ask_line = answer_read;
    run.auth.wants_to_paste = answer_was_read;
    run.auth.cancelled = far_too_long;
    harness_enroll(&run, &server);
    for (int i = 0; i < 200 && access(harness_path("person.gone"), F_OK) != 0; i++)
        usleep(100 * 1000);
    assert_int_equal(access(harness_path("person.gone"), F_OK), 0);
    if (run.status != ENROLL_OK)
        person_tell();
    run_expect_enrolled();
    assert_int_equal(answers_pasted, pasted);
    assert_non_null(strstr(shown_message, "press Enter"));
}

static void page_that_waits_for_a_click_is_waited_for(void **state)
{
    (void)state;
    if (access("/usr/bin/chromedriver", X_OK) != 0)
        skip();
    browser_run("federated=click", "click", 0);
}

static void answer_of_a_page_that_may_not_come_here_is_pasted(void **state)
{
    (void)state;
    if (access("/usr/bin/chromedriver", X_OK) != 0)
        skip();
    browser_run("federated=csp", "read", 1);
}

static void answer_of_a_page_that_knows_windows_alone_is_pasted(void **state)
{
    (void)state;
    if (access("/usr/bin/chromedriver", X_OK) != 0)
        skip();
    browser_run("federated=ms-app", "read", 1);
}

static bool shown_twice(void *context)
{
    (void)context;
    return shown > 1;
}

/* As xdg-open is where there is no desktop: it ends with the browser, and the browser waits for us. */
static void opener_that_stays_is_not_waited_for(void **state)
{
    time_t began = time(NULL);
    FILE *script;

    (void)state;
    begin(NULL);
    browser_install();
    script = fopen(harness_path("xdg-open"), "w");
    assert_non_null(script);
    fputs("#!/bin/sh\nexec sleep 20\n", script);
    assert_int_equal(fclose(script), 0);
    run.auth.may_open_browser = true;
    run.auth.cancelled = shown_twice;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_CANCELLED, "cancelled");
    assert_true(time(NULL) - began < 15);
}

static char *answer_pasted(void *context, const char *prompt)
{
    (void)context;
    assert_non_null(strstr(prompt, "wresult"));
    assert_true(shown > 0);
    return strdup(HARNESS_TOKEN);
}

static char *form_pasted(void *context, const char *prompt)
{
    (void)context;
    (void)prompt;
    return strdup("wctx=1&wresult=given%2Dtoken-4711");
}

static char *nothing_pasted(void *context, const char *prompt)
{
    (void)context;
    (void)prompt;
    return NULL;
}

static void answer_can_be_pasted_without_a_display(void **state)
{
    (void)state;
    begin(NULL);
    run.auth.ask_line = answer_pasted;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    harness_run_clear(&run);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
    assert_true(credential_option_set(&run.auth, "token-file", NULL));
    run.auth.ask_line = form_pasted;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    flow_result_free(&run.result);
    run.auth.ask_line = nothing_pasted;
    run.requests_made = 0;
    harness_enroll(&run, &server);
    run_expect_no_token(ENROLL_AUTHENTICATION, "no answer");
}

/* The port and path of the receiver, from the address that was shown. */
static int receiver_connect(char ret_path[64], unsigned *ret_port)
{
    const char *place = strstr(shown_url, "127.0.0.1%3A");
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (place == NULL || sscanf(place, "127.0.0.1%%3A%u%%2F%32[0-9a-f]", ret_port, ret_path) != 2)
        return -1;
    address.sin_port = htons((uint16_t)*ret_port);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

/* The same through an IPv6 socket, as Java connects to an IPv4 address. */
static int receiver_connect_mapped(char ret_path[64], unsigned *ret_port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6};
    int first = receiver_connect(ret_path, ret_port);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (first < 0 || close(first) != 0 || inet_pton(AF_INET6, "::ffff:127.0.0.1", &address.sin6_addr) != 1)
        return -1;
    address.sin6_port = htons((uint16_t)*ret_port);
    return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static void receiver_post(const char *path, unsigned port, int fd, const char *body)
{
    char text[1024];
    int size = snprintf(
        text, sizeof(text),
        "POST /%s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: %zu\r\n\r\n%s",
        path, port, strlen(body), body);

    if (write(fd, text, (size_t)size) != size)
        _exit(1);
}

static pid_t intruder;

/* Others on this machine: silent connections, a guessed path, a form without the answer; then the browser. */
static void intruders_then_browser(void *context, const struct credential_instruction *instruction)
{
    char path[64] = "", reply[512] = "";
    unsigned port = 0;

    show(context, instruction);
    if (shown != 1 || (intruder = fork()) != 0)
        return;
    for (int i = 0; i < 3; i++)
        if (receiver_connect(path, &port) < 0)
            _exit(1);
    receiver_post("0123", port, receiver_connect(path, &port), "wresult=stolen");
    receiver_post(path, port, receiver_connect(path, &port), "a=b");
    usleep(300 * 1000);
    {
        int fd = receiver_connect(path, &port);

        receiver_post(path, port, fd, "wresult=" HARNESS_TOKEN);
        if (read(fd, reply, sizeof(reply) - 1) <= 0 || strstr(reply, "200 OK") == NULL ||
            strstr(reply, "Access-Control") != NULL)
            _exit(1);
    }
    _exit(0);
}

static void intruders_on_the_receiver_are_turned_away(void **state)
{
    int outcome = 1;

    (void)state;
    begin(NULL);
    run.auth.show = intruders_then_browser;
    run.auth.cancelled = too_long;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(waitpid(intruder, &outcome, 0), intruder);
    assert_int_equal(outcome, 0);
}

#define STRANGER 65534

/* Whether the answer on this connection is that of an accepted token; it is closed. */
static bool receiver_says_yes(int fd)
{
    char reply[512] = "";
    bool yes = read(fd, reply, sizeof(reply) - 1) > 0 && strstr(reply, "200 OK") != NULL;

    close(fd);
    return yes;
}

/*
 * Another user, who knows the path. One connection is closed before it can be looked at: the kernel then says
 * that it is root's. A byte on `hung_up` says that this is done.
 */
static void stranger_try(int hung_up)
{
    char path[64] = "";
    unsigned port = 0;
    int brief, plain, mapped;

    if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
        _exit(1);
    brief = receiver_connect(path, &port);
    receiver_post(path, port, brief, "wresult=stolen");
    close(brief);
    plain = receiver_connect(path, &port);
    receiver_post(path, port, plain, "wresult=stolen");
    mapped = receiver_connect_mapped(path, &port);
    receiver_post(path, port, mapped, "wresult=stolen");
    if (write(hung_up, "", 1) != 1)
        _exit(1);
    _exit(receiver_says_yes(plain) || receiver_says_yes(mapped) ? 2 : 0);
}

/* The stranger, then the browser of the user who is waited for. */
static void stranger_then_browser(void *context, const struct credential_instruction *instruction)
{
    char path[64] = "", byte;
    unsigned port = 0;
    int hung_up[2], outcome = 1;
    pid_t stranger;

    show(context, instruction);
    if (shown != 1)
        return;
    assert_int_equal(pipe2(hung_up, O_CLOEXEC), 0);
    intruder = fork();
    assert_true(intruder >= 0);
    if (intruder == 0) {
        stranger = fork();
        if (stranger == 0)
            stranger_try(hung_up[1]);
        if (waitpid(stranger, &outcome, 0) != stranger || outcome != 0)
            _exit(1);
        outcome = receiver_connect_mapped(path, &port);
        receiver_post(path, port, outcome, "wresult=" HARNESS_TOKEN);
        _exit(receiver_says_yes(outcome) ? 0 : 1);
    }
    close(hung_up[1]);
    assert_int_equal(read(hung_up[0], &byte, 1), 1);
    close(hung_up[0]);
}

static void other_users_on_the_receiver_are_turned_away(void **state)
{
    int outcome = 1;

    (void)state;
    if (geteuid() != 0)
        skip();
    begin(NULL);
    run.auth.show = stranger_then_browser;
    run.auth.cancelled = too_long;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(waitpid(intruder, &outcome, 0), intruder);
    assert_int_equal(outcome, 0);
    assert_non_null(strstr(run.notes, "refused a connection of user id 65534 to the sign-in receiver"));
    assert_non_null(strstr(run.notes, "its user is unknown"));
}

static void sudo_user_answers(void *context, const struct credential_instruction *instruction)
{
    char path[64] = "";
    unsigned port = 0;
    int fd;

    show(context, instruction);
    if (shown != 1 || (intruder = fork()) != 0)
        return;
    if (setgid(STRANGER) != 0 || setuid(STRANGER) != 0)
        _exit(1);
    fd = receiver_connect(path, &port);
    receiver_post(path, port, fd, "wresult=" HARNESS_TOKEN);
    _exit(receiver_says_yes(fd) ? 0 : 1);
}

/* Root by sudo: the person's own browser is another user's than the command. */
static void user_who_became_root_may_answer(void **state)
{
    int outcome = 1;

    (void)state;
    if (geteuid() != 0)
        skip();
    begin(NULL);
    setenv("SUDO_UID", "65534", 1);
    run.auth.show = sudo_user_answers;
    run.auth.cancelled = too_long;
    harness_enroll(&run, &server);
    unsetenv("SUDO_UID");
    run_expect_enrolled();
    assert_int_equal(waitpid(intruder, &outcome, 0), intruder);
    assert_int_equal(outcome, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(browser_brings_the_answer_back, run_end),
        cmocka_unit_test_teardown(browser_brings_a_refusal_back, run_end),
        cmocka_unit_test_teardown(page_that_waits_for_a_click_is_waited_for, run_end),
        cmocka_unit_test_teardown(answer_of_a_page_that_may_not_come_here_is_pasted, run_end),
        cmocka_unit_test_teardown(answer_of_a_page_that_knows_windows_alone_is_pasted, run_end),
        cmocka_unit_test_teardown(opener_that_stays_is_not_waited_for, run_end),
        cmocka_unit_test_teardown(answer_can_be_pasted_without_a_display, run_end),
        cmocka_unit_test_teardown(intruders_on_the_receiver_are_turned_away, run_end),
        cmocka_unit_test_teardown(other_users_on_the_receiver_are_turned_away, run_end),
        cmocka_unit_test_teardown(user_who_became_root_may_answer, run_end),
    };

    return cmocka_run_group_tests_name("browser", tests, NULL, NULL);
}
