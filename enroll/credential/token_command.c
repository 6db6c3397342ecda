/* A token from a command that the operator names: its words are split here and run without a shell. */
#include "source.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "child.h"
#include "secret.h"

#define WORDS_MAX       64
#define SECONDS_DEFAULT 300 /* the command may prompt a person */

static const struct setting command_option = {
    "token-command", "COMMAND", "command that prints the token; run without a shell", "enroll", 0, 0};
static const struct setting timeout_option = {
    "token-command-timeout", "SECONDS", "time limit of that command (default 300)", NULL, 1, 86400};

/*
 * Splits in place at blanks; '...' and "..." keep blanks, a backslash the next character (not within single
 * quotes). No variables, no substitution, no wildcards. The number of words; 0 for an open quote or too many.
 */
static size_t words_split(char *command, char *words[WORDS_MAX + 1])
{
    size_t count = 0;
    char *write = command, quote = '\0';
    bool in_word = false;

    for (char *read = command; *read != '\0'; read++) {
        if (quote == '\0' && (*read == ' ' || *read == '\t')) {
            if (in_word)
                *write++ = '\0';
            in_word = false;
            continue;
        }
        if (!in_word) {
            if (count == WORDS_MAX)
                return 0;
            words[count++] = write;
            in_word = true;
        }
        if (quote != '\0' ? *read == quote : *read == '\'' || *read == '"')
            quote = quote != '\0' ? '\0' : *read;
        else if (*read == '\\' && quote != '\'' && read[1] != '\0')
            *write++ = *++read;
        else
            *write++ = *read;
    }
    *write = '\0';
    words[count] = NULL;
    return quote == '\0' ? count : 0;
}

static enum enroll_exit ended_by_us(const char *name, enum child_end end, unsigned seconds,
                                    struct enroll_error *ret_error)
{
    if (end == CHILD_CANCELLED)
        return enroll_error_set(ret_error, ENROLL_CANCELLED, NULL, "token command %s cancelled", name);
    return enroll_error_set(ret_error, ENROLL_AUTHENTICATION,
                            "run the command by hand, or use a longer --token-command-timeout",
                            "token command %s timed out after %u s", name, seconds);
}

/* Unless it ended for the pipe that we closed, when it had printed more than any token. */
static bool has_failed(int state, const char *token)
{
    bool cut_off = token == NULL && WIFSIGNALED(state) && WTERMSIG(state) == SIGPIPE;

    return !cut_off && (!WIFEXITED(state) || WEXITSTATUS(state) != 0);
}

static enum enroll_exit command_run(const struct credential_options *options, char *const words[],
                                    char **ret_token, struct enroll_error *ret_error)
{
    struct child child = {.cancelled = options->cancelled, .context = options->context};
    unsigned seconds = credential_option_number(options, &timeout_option, SECONDS_DEFAULT);
    const char *name = words[0], *why = NULL;
    enum enroll_exit status;
    enum child_end end;
    int state = 0, result;
    char *token;

    result = child_start(words, seconds, &child);
    if (result != 0)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --token-command",
                                "cannot run token command %s: %s", name, strerrordesc_np(result));
    token = secret_read_waiting(child.output, child_output_wait, &child, &why);
    end = child_wait(&child, &state);
    if (end != CHILD_ENDED) {
        status = ended_by_us(name, end, seconds, ret_error);
    } else if (has_failed(state, token)) {
        status =
            enroll_error_set(ret_error, ENROLL_AUTHENTICATION, "run the command by hand",
                             "token command %s failed (%s %d)", name, WIFEXITED(state) ? "status" : "signal",
                             WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state));
    } else if (token == NULL) {
        status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION, "run the command by hand",
                                  "cannot use the output of token command %s: %s", name, why);
    } else {
        *ret_token = token;
        return ENROLL_OK;
    }
    secret_free(token);
    return status;
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    char *command = strdup(credential_option_value(options, &command_option));
    char *words[WORDS_MAX + 2] = {NULL};
    enum enroll_exit status;

    if (command == NULL)
        return enroll_error_memory(ret_error);
    size_t count = words_split(command, words);

    if (count > 0 && request->audience != NULL)
        words[count++] = (char *)(uintptr_t)request->audience;
    if (count == 0) {
        status = enroll_error_set(ret_error, ENROLL_USAGE, "check --token-command",
                                  "the token command is empty, too long, or has an unterminated quote");
    } else {
        status = command_run(options, words, &ret_credential->token, ret_error);
        ret_credential->kind = CREDENTIAL_TOKEN;
    }
    free(command);
    return status;
}

const struct credential_source credential_token_command = {
    .name = "command",
    .kinds = CREDENTIAL_TOKEN | CREDENTIAL_PASSWORD,
    .explicit_only = true,
    .needs = &command_option,
    .options = {&command_option, &timeout_option},
    .obtain = obtain,
};
