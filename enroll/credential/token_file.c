/* A token in a file, or in a directory with a file for each audience. */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"

static const struct setting file_option = {"token-file", "FILE", "file with the security token",
                                           "enroll",     0,      0};

/* The path of the token: a directory holds one file for each audience, of that name. */
static bool path_find(const char *path, const char *audience, char ret_path[PATH_MAX])
{
    struct stat facts;
    bool in_directory = audience != NULL && strchr(audience, '/') == NULL && audience[0] != '.' &&
                        stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);

    return snprintf(ret_path, PATH_MAX, "%s%s%s", path, in_directory ? "/" : "",
                    in_directory ? audience : "") < PATH_MAX;
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    const char *name = credential_option_value(options, &file_option), *why = NULL;
    char path[PATH_MAX];
    int fd = -1;
    struct stat facts;
    char *token = NULL;

    errno = ENAMETOOLONG;
    if (path_find(name, request->audience, path))
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    why = fd < 0 ? strerrordesc_np(errno) : NULL;
    if (fd >= 0)
        token = secret_read(fd, options->cancelled, options->context, &why);
    if (token != NULL && request->note != NULL && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) &&
        (facts.st_mode & 077) != 0)
        request->note(request->note_context, "the token file is readable by others; run chmod 600 on it");
    if (fd >= 0)
        close(fd);
    if (token == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --token-file",
                                "cannot use the token in %s: %s", fd < 0 ? name : path, why);
    ret_credential->kind = CREDENTIAL_TOKEN;
    ret_credential->token = token;
    return ENROLL_OK;
}

const struct credential_source credential_token_file = {
    .name = "file",
    .kinds = CREDENTIAL_TOKEN | CREDENTIAL_PASSWORD,
    .explicit_only = true,
    .needs = &file_option,
    .options = {&file_option},
    .obtain = obtain,
};
