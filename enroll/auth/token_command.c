/* A token from a command that the operator names: its words are split here and run without a shell. */
#include "auth/ways.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/secret.h"

#define WORDS_MAX 64

extern char **environ;

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

/* Starts it with its output in a pipe. errno, and *ret_fd to read from. */
static int command_start(char *const words[], pid_t *ret_pid, int *ret_fd)
{
    posix_spawn_file_actions_t actions;
    int pipe_ends[2], result;

    if (pipe2(pipe_ends, O_CLOEXEC) != 0)
        return errno;
    result = posix_spawn_file_actions_init(&actions);
    if (result == 0) {
        result = posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
        if (result == 0)
            result = posix_spawnp(ret_pid, words[0], &actions, NULL, words, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(pipe_ends[1]);
    if (result == 0)
        *ret_fd = pipe_ends[0];
    else
        close(pipe_ends[0]);
    return result;
}

static enum enroll_exit command_run(const char *name, char *const words[], char **ret_token,
                                    struct enroll_error *ret_error)
{
    const char *why = NULL;
    int fd = -1, state = 0, result;
    pid_t pid = -1;
    char *token;

    result = command_start(words, &pid, &fd);
    if (result != 0)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Check --token-command.",
                                "The token command %s cannot be run: %s.", name, strerrordesc_np(result));
    token = secret_read(fd, &why);
    close(fd);
    while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0) {
        secret_free(token);
        return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN, "Try the command by itself.",
                                "The token command %s failed (%s %d).", name,
                                WIFEXITED(state) ? "status" : "signal",
                                WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state));
    }
    if (token == NULL)
        return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN, "Try the command by itself.",
                                "What the token command %s printed cannot be used: %s.", name, why);
    *ret_token = token;
    return ENROLL_OK;
}

enum enroll_exit auth_token_command_obtain(const struct auth_options *options,
                                           const struct auth_situation *situation,
                                           struct auth_credential *ret_credential,
                                           struct enroll_error *ret_error)
{
    char *command = strdup(options->token_command);
    char *words[WORDS_MAX + 1];
    enum enroll_exit status;

    (void)situation;
    if (command == NULL)
        return enroll_error_memory(ret_error, STEP_TOKEN);
    if (words_split(command, words) == 0) {
        status = enroll_error_set(ret_error, ENROLL_USAGE, STEP_TOKEN, "Check --token-command.",
                                  "The token command is empty, too long, or has a quote without its end.");
    } else {
        status = command_run(words[0], words, &ret_credential->token, ret_error);
        ret_credential->kind = CREDENTIAL_TOKEN;
    }
    free(command);
    return status;
}
