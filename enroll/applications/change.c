#include "change.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum enroll_exit file_error(const char *what, const char *path, struct enroll_error *ret_error)
{
    int error = errno;

    return enroll_error_set(ret_error, ENROLL_CONFIGURATION,
                            error == EACCES || error == EROFS || error == EPERM
                                ? "run the command as root, on a file system that can be written"
                                : "",
                            "%s cannot be %s: %s", path, what, strerror(error));
}

enum enroll_exit change_read(const char *path, char **ret_text, struct enroll_error *ret_error)
{
    enum enroll_exit status = ENROLL_CONFIGURATION;
    char *text = NULL;
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR)
            return file_error("read", path, ret_error);
        *ret_text = NULL;
        return ENROLL_OK;
    }
    text = malloc(CHANGE_FILE_MAX + 1);
    if (!text) {
        file_error("read", path, ret_error);
        goto out;
    }
    for (;;) {
        ssize_t count = read(fd, text + size, CHANGE_FILE_MAX + 1 - size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            file_error("read", path, ret_error);
            goto out;
        }
        if (count == 0)
            break;
        size += (size_t)count;
        if (size > CHANGE_FILE_MAX) {
            errno = EFBIG;
            file_error("read", path, ret_error);
            goto out;
        }
    }
    if (memchr(text, 0, size)) {
        enroll_error_set(ret_error, ENROLL_CONFIGURATION, "", "%s is not a text file", path);
        goto out;
    }
    text[size] = 0;
    *ret_text = text;
    text = NULL;
    status = ENROLL_OK;
out:
    free(text);
    close(fd);
    return status;
}

void change_print(const struct change *change)
{
    if (!change->needed)
        printf("%s: %s stays as it is\n", change->who, change->path);
    else if (change->content)
        printf("%s: %s would be\n%s", change->who, change->path, change->content);
    else
        printf("%s: %s would be removed\n", change->who, change->path);
}

/* mkdir -p of the directory that holds path. */
static bool parents_make(const char *path)
{
    char directory[PATH_MAX];
    char *slash = directory;

    if (snprintf(directory, sizeof(directory), "%s", path) >= (int)sizeof(directory)) {
        errno = ENAMETOOLONG;
        return false;
    }
    while ((slash = strchr(slash + 1, '/'))) {
        *slash = 0;
        if (mkdir(directory, 0755) && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return true;
}

static bool directory_sync(const char *path)
{
    char copy[PATH_MAX];
    int fd;
    bool ok;

    snprintf(copy, sizeof(copy), "%s", path);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

static bool bytes_write(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return false;
        bytes += count;
        size -= (size_t)count;
    }
    return true;
}

static bool file_replace(const char *path, const char *content)
{
    char temporary[PATH_MAX];
    struct stat old;
    bool has_old = stat(path, &old) == 0;
    int fd = -1;
    bool ok = false;

    if (!parents_make(path))
        return false;
    if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int)sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    if (has_old && fchown(fd, old.st_uid, old.st_gid) != 0)
        goto out;
    if (fchmod(fd, has_old ? old.st_mode & 07777 : 0644) != 0)
        goto out;
    if (!bytes_write(fd, content, strlen(content)) || fsync(fd) != 0 || rename(temporary, path) != 0)
        goto out;
    ok = directory_sync(path);
out:
    if (!ok) {
        int error = errno;

        unlink(temporary);
        errno = error;
    }
    close(fd);
    return ok;
}

/* The directories that hold path, up to keep or the first that is not empty: parents_make() may have made
 * them. */
static void parents_remove(const char *path, const char *keep)
{
    char directory[PATH_MAX], *slash;

    if (snprintf(directory, sizeof(directory), "%s", path) >= (int)sizeof(directory))
        return;
    while ((slash = strrchr(directory, '/'))) {
        *slash = 0;
        if (strlen(directory) <= strlen(keep) || rmdir(directory) != 0)
            return;
    }
}

enum enroll_exit change_apply(const struct change *change, struct enroll_error *ret_error)
{
    char *target = NULL;
    const char *path = change->path;
    enum enroll_exit status = ENROLL_OK;

    if (!change->needed) {
        printf("%s: %s is already as it should be\n", change->who, path);
        return ENROLL_OK;
    }
    target = realpath(path, NULL); /* an administrator's symbolic link stays one */
    if (target)
        path = target;
    if (change->content && !file_replace(path, change->content))
        status = file_error("written", path, ret_error);
    else if (!change->content && (unlink(path) != 0 || !directory_sync(path)))
        status = file_error("removed", path, ret_error);
    else
        printf("%s: %s %s\n", change->who, path, change->content ? "written" : "removed");
    if (status == ENROLL_OK && !change->content && change->keep && strcmp(path, change->path) == 0)
        parents_remove(path, change->keep);
    free(target);
    return status;
}

void change_clear(struct change *change)
{
    free(change->content);
    change->content = NULL;
}
