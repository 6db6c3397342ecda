#include "session_user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNTIME "/run/user"

bool session_user_needed(void)
{
    const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS");
    return geteuid() == 0 && (bus == NULL || bus[0] == '\0');
}

static bool has_bus(unsigned long user)
{
    char path[64];
    struct stat status;
    snprintf(path, sizeof(path), RUNTIME "/%lu/bus", user);
    return lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && status.st_uid == user;
}

size_t session_users_list(uid_t *ret_users, size_t capacity)
{
    const char *caller = getenv("SUDO_UID");
    size_t count = 0;
    char *end;
    if (caller != NULL && caller[0] != '\0') {
        unsigned long user = strtoul(caller, &end, 10);
        if (*end == '\0' && user != 0 && has_bus(user) && capacity > 0)
            ret_users[count++] = (uid_t)user;
        return count;
    }
    DIR *directory = opendir(RUNTIME);
    const struct dirent *entry;
    while (directory != NULL && count < capacity && (entry = readdir(directory)) != NULL) {
        unsigned long user = strtoul(entry->d_name, &end, 10);
        if (*end == '\0' && user != 0 && has_bus(user))
            ret_users[count++] = (uid_t)user;
    }
    if (directory != NULL)
        closedir(directory);
    return count;
}

/* In the child: the user for good, or the end. */
static bool become(uid_t user)
{
    char address[64];
    const struct passwd *entry = getpwuid(user);
    if (entry == NULL || initgroups(entry->pw_name, entry->pw_gid) != 0 ||
        setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 || setresuid(user, user, user) != 0 ||
        setuid(0) == 0)
        return false;
    snprintf(address, sizeof(address), "unix:path=" RUNTIME "/%lu/bus", (unsigned long)user);
    return setenv("DBUS_SESSION_BUS_ADDRESS", address, 1) == 0;
}

static bool output_read(int fd, void *ret_output, size_t capacity, size_t *ret_size)
{
    size_t size = 0;
    ssize_t count = 1;
    while (count != 0 && size < capacity) {
        count = read(fd, (char *)ret_output + size, capacity - size);
        if (count < 0 && errno != EINTR)
            return false;
        size += count > 0 ? (size_t)count : 0;
    }
    *ret_size = size;
    return true;
}

bool session_user_run(uid_t user, bool (*work)(void *context, int output), void *context, void *ret_output,
                      size_t capacity, size_t *ret_size)
{
    int ends[2], state = -1;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        _exit(become(user) && work(context, ends[1]) ? 0 : 1);
    }
    close(ends[1]);
    bool complete = child > 0 && output_read(ends[0], ret_output, capacity, ret_size);
    close(ends[0]);
    while (child > 0 && waitpid(child, &state, 0) < 0 && errno == EINTR)
        ;
    return complete && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}
