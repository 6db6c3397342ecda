#include "nss.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "change.h"
#include "registration.h"

bool nss_directory(char *ret_path, size_t size)
{
    const char *home = getenv("HOME");

    if (!home || home[0] != '/')
        return false;
    return snprintf(ret_path, size, "%s/.pki/nssdb", home) < (int)size;
}

/*
 * pkcs11.txt holds one block of "key=value" lines for each module, blocks parted by empty lines, and library
 * stands before name in it.
 */
enum enroll_exit nss_registered(const char *directory, char **ret_library, struct enroll_error *ret_error)
{
    char path[PATH_MAX], *text = NULL, *library = NULL, *rest, *line;
    bool found = false;
    enum enroll_exit status;

    snprintf(path, sizeof(path), "%s/pkcs11.txt", directory);
    status = change_read(path, &text, ret_error);
    if (status != ENROLL_OK)
        return status;
    rest = text;
    while (!found && rest && (line = strsep(&rest, "\n"))) {
        if (line[0] == 0) {
            library = NULL;
        } else if (strncmp(line, "library=", 8) == 0) {
            library = line + 8;
        } else if (strcmp(line, "name=" REGISTRATION_NAME) == 0) {
            found = true;
        }
    }
    *ret_library = NULL;
    if (found) {
        *ret_library = strdup(library ? library : "");
        if (!*ret_library)
            status = enroll_error_set(ret_error, ENROLL_FAILED, "", "out of memory");
    }
    free(text);
    return status;
}

/* Runs one of NSS's tools to its end, its standard output away; its complaints stay to be seen. */
static enum enroll_exit tool_run(const char *const *arguments, struct enroll_error *ret_error)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0, error;

    error = posix_spawn_file_actions_init(&actions);
    if (error)
        return enroll_error_set(ret_error, ENROLL_FAILED, "", "%s: %s", arguments[0], strerror(error));
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error)
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!error)
        error = posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return enroll_error_set(ret_error, ENROLL_FAILED,
                                error == ENOENT ? "install the package libnss3-tools" : "",
                                "%s cannot be run: %s", arguments[0], strerror(error));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return enroll_error_set(ret_error, ENROLL_FAILED, "", "%s: %s", arguments[0], strerror(errno));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return enroll_error_set(ret_error, ENROLL_FAILED,
                                "close Chromium and try again; the tool's own words stand above",
                                "%s could not change the database", arguments[0]);
    return ENROLL_OK;
}

static bool exists(const char *directory, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof(path), "%s/%s", directory, name) < (int)sizeof(path) &&
           access(path, F_OK) == 0;
}

enum enroll_exit nss_directory_make(const char *directory, struct enroll_error *ret_error)
{
    char parent[PATH_MAX], *slash;

    snprintf(parent, sizeof(parent), "%s", directory);
    slash = strrchr(parent, '/');
    if (slash)
        *slash = 0;
    if ((mkdir(parent, 0700) != 0 && errno != EEXIST) || (mkdir(directory, 0700) != 0 && errno != EEXIST))
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "", "%s cannot be made: %s", directory,
                                strerror(errno));
    return ENROLL_OK;
}

/* An empty database. */
static enum enroll_exit database_make(const char *database, struct enroll_error *ret_error)
{
    const char *arguments[] = {"certutil", "-N", "-d", database, "--empty-password", NULL};

    return tool_run(arguments, ret_error);
}

enum enroll_exit nss_register(const char *directory, const char *library, struct enroll_error *ret_error)
{
    char database[PATH_MAX + 4], *present = NULL;
    const char *arguments[] = {"modutil",         "-force",   "-dbdir", database, "-add",
                               REGISTRATION_NAME, "-libfile", library,  NULL};
    enum enroll_exit status;

    snprintf(database, sizeof(database), "sql:%s", directory);
    if (!exists(directory, "cert9.db")) {
        status = database_make(database, ret_error);
        if (status != ENROLL_OK)
            return status;
    }
    status = nss_registered(directory, &present, ret_error);
    if (status == ENROLL_OK && present)
        status = nss_unregister(directory, ret_error);
    free(present);
    if (status != ENROLL_OK)
        return status;
    return tool_run(arguments, ret_error);
}

enum enroll_exit nss_unregister(const char *directory, struct enroll_error *ret_error)
{
    char database[PATH_MAX + 4];
    const char *arguments[] = {"modutil", "-force", "-dbdir", database, "-delete", REGISTRATION_NAME, NULL};

    snprintf(database, sizeof(database), "sql:%s", directory);
    return tool_run(arguments, ret_error);
}
