/*
 * The sign-in page of a federated server (MS-MDE2 3.2) in the browser of this machine, its answer taken by
 * the one-shot receiver; without a display, the address is shown and the answer can be pasted. Windows' own
 * return address, ms-app:, is never registered: a scheme handler gets no POST body.
 */
#include "source.h"

#include <errno.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "browser_receiver.h"
#include "secret.h"
#include "url.h"

/* xdg-open returns after it has notified the browser; without a desktop it becomes the browser, which stays.
 */
#define OPENER_SECONDS 3

extern char **environ;

static time_t now(void)
{
    struct timespec clock;

    clock_gettime(CLOCK_MONOTONIC, &clock);
    return clock.tv_sec;
}

static enum enroll_exit address_make(const struct credential_request *request, const char *return_url,
                                     char **ret_url, struct enroll_error *ret_error)
{
    char *url = url_parameter_add(request->sign_in_url, "appru", return_url);
    char *longer = NULL;

    if (url != NULL && request->user != NULL) {
        longer = url_parameter_add(url, "login_hint", request->user);
        free(url);
        url = longer;
    }
    if (url == NULL)
        return enroll_error_memory(ret_error);
    *ret_url = url;
    return ENROLL_OK;
}

/* Whether the opener succeeded, or still runs. */
static bool opener_wait(pid_t pid)
{
    const struct timespec slice = {.tv_nsec = 50 * 1000 * 1000};
    time_t end = now() + OPENER_SECONDS;
    int state = 0;

    while (now() < end) {
        pid_t ended = waitpid(pid, &state, WNOHANG);

        if (ended == pid)
            return WIFEXITED(state) && WEXITSTATUS(state) == 0;
        if (ended < 0 && errno != EINTR)
            return false;
        nanosleep(&slice, NULL);
    }
    return true;
}

/* No shell; the address begins with https:// and can be no option. */
static bool browser_open(const char *url)
{
    const char *const words[] = {"xdg-open", url, NULL};
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int result;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", 1, 0);
    result = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return result == 0 && opener_wait(pid);
}

static enum enroll_exit sign_in_failed(char *text, struct enroll_error *ret_error)
{
    enroll_error_set(ret_error, ENROLL_AUTHENTICATION, "try again, or ask the server's administrator",
                     "sign-in in the browser failed");
    snprintf(ret_error->server_text, sizeof(ret_error->server_text), "%s", text);
    free(text);
    return ENROLL_AUTHENTICATION;
}

/* The value of wresult, or the whole form that the page would have sent; NULL when nothing was given. */
static char *answer_ask(const struct credential_options *options)
{
    char *line =
        options->ask_line(options->context, "The answer (the value of wresult in the page's source)");
    char *token;

    if (line == NULL || *line == '\0') {
        secret_free(line);
        return NULL;
    }
    token = browser_form_field(line, strlen(line), "wresult");
    if (token == NULL)
        return line;
    secret_free(line);
    return token;
}

/* Some pages post to Windows only (ms-app:), or forbid other targets (Content-Security-Policy: form-action):
 * the user can then paste the answer from the page's source. */
static enum enroll_exit answer_wait(const struct credential_options *options,
                                    struct browser_receiver *receiver, const char *url, char **ret_token,
                                    struct enroll_error *ret_error)
{
    bool can_paste = options->ask_line != NULL && options->wants_to_paste != NULL;
    time_t end = now() + RECEIVER_SECONDS;
    char *text = NULL;

    for (time_t at = now(); at < end; at = now()) {
        const struct credential_instruction instruction = {
            .url = url,
            .message =
                can_paste ? "if the page does not return by itself, press Enter to paste its answer" : NULL,
            .seconds_left = (unsigned)(end - at)};
        enum browser_verdict verdict;

        if (options->show != NULL)
            options->show(options->context, &instruction);
        if (options->cancelled != NULL && options->cancelled(options->context))
            return enroll_error_set(ret_error, ENROLL_CANCELLED, NULL, "sign-in cancelled");
        if (can_paste && options->wants_to_paste(options->context)) {
            *ret_token = answer_ask(options);
            if (*ret_token != NULL)
                return ENROLL_OK;
        }
        verdict = browser_receiver_serve(receiver, ret_token, &text);
        if (verdict == BROWSER_TOKEN)
            return ENROLL_OK;
        if (verdict == BROWSER_ERROR)
            return sign_in_failed(text, ret_error);
    }
    return enroll_error_set(ret_error, ENROLL_AUTHENTICATION,
                            "if the server supports Windows only, use --token-file or --auth device-code",
                            "no answer from the browser within %d minutes", RECEIVER_SECONDS / 60);
}

static enum enroll_exit answer_paste(const struct credential_options *options, const char *url,
                                     char **ret_token, struct enroll_error *ret_error)
{
    const struct credential_instruction instruction = {.url = url};

    if (options->show != NULL)
        options->show(options->context, &instruction);
    *ret_token = answer_ask(options);
    return *ret_token != NULL ? ENROLL_OK
                              : enroll_error_set(ret_error, ENROLL_AUTHENTICATION, NULL,
                                                 "no answer of the sign-in page was entered");
}

static void host_note(const struct credential_request *request)
{
    char host[URL_HOST_MAX], text[URL_HOST_MAX + 64];

    if (request->note == NULL || !url_host(request->sign_in_url, host))
        return;
    snprintf(text, sizeof(text), "the sign-in page is on %s", host);
    request->note(request->note_context, text);
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    struct browser_receiver *receiver;
    char *url = NULL;
    enum enroll_exit status;

    if (request->sign_in_url == NULL)
        return enroll_error_set(ret_error, ENROLL_PROTOCOL, "use --token-file or --token-command",
                                "the server has no sign-in page");
    receiver = browser_receiver_new(request->warn, request->note_context);
    if (receiver == NULL)
        return enroll_error_set(ret_error, ENROLL_FAILED, NULL,
                                "cannot open a port for the browser's answer");
    host_note(request);
    status = address_make(request, browser_receiver_url(receiver), &url, ret_error);
    if (status == ENROLL_OK) {
        bool opened = options->may_open_browser && browser_open(url);

        ret_credential->kind = CREDENTIAL_TOKEN;
        if (!opened && options->ask_line != NULL)
            status = answer_paste(options, url, &ret_credential->token, ret_error);
        else
            status = answer_wait(options, receiver, url, &ret_credential->token, ret_error);
    }
    browser_receiver_free(receiver);
    free(url);
    return status;
}

static const char *suits(const struct credential_options *options, const struct credential_request *request)
{
    (void)options;
    return request->sign_in_url != NULL ? "the server names its sign-in page" : NULL;
}

const struct credential_source credential_browser = {
    .name = "browser",
    .kinds = CREDENTIAL_TOKEN,
    .suits = suits,
    .obtain = obtain,
};
