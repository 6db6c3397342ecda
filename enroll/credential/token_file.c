/* A token that was given: in a file, or on a file descriptor. */
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"

enum enroll_exit auth_token_fd_obtain(const struct auth_options *options,
                                      const struct auth_situation *situation,
                                      struct auth_credential *ret_credential, struct enroll_error *ret_error)
{
    const char *why;
    char *token = secret_read(options->token_fd, options->cancelled, options->context, &why);

    (void)situation;
    if (token == NULL)
        return enroll_error_set(
            ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Check what is written to that descriptor.",
            "The token on file descriptor %d cannot be used: %s.", options->token_fd, why);
    ret_credential->kind = CREDENTIAL_TOKEN;
    ret_credential->token = token;
    return ENROLL_OK;
}

enum enroll_exit auth_token_file_obtain(const struct auth_options *options,
                                        const struct auth_situation *situation,
                                        struct auth_credential *ret_credential,
                                        struct enroll_error *ret_error)
{
    int fd = open(options->token_file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    const char *why = fd < 0 ? strerrordesc_np(errno) : NULL;
    struct stat facts;
    char *token = fd < 0 ? NULL : secret_read(fd, options->cancelled, options->context, &why);

    if (token != NULL && situation->note != NULL && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) &&
        (facts.st_mode & 077) != 0)
        situation->note(situation->note_context,
                        "The token file can be read by others; chmod 600 is better.");
    if (fd >= 0)
        close(fd);
    if (token == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Check --token-file.",
                                "The token in %s cannot be used: %s.", options->token_file, why);
    ret_credential->kind = CREDENTIAL_TOKEN;
    ret_credential->token = token;
    return ENROLL_OK;
}
