#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* More than two generations with a chain of any sensible length take. */
#define PROBE_BYTES           (128 * 1024)
#define PROBE_NAME            ".space"
#define LOCK_NAME             ".lock"
#define TREE_DEPTH_MAX        8 /* of what stands in a token directory: pending/generations/1/FILE */
#define LOCK_POLL_NANOSECONDS 100000000L

enum enroll_exit install_file_error(struct enroll_error *error, const struct install_directory *directory,
                                    const char *verb, const char *name)
{
    int number = errno;
    const char *advice = "look at the directory's permissions and its file system, then try again";
    if (number == ENOSPC || number == EDQUOT)
        advice = "make room on that file system, then try again";
    else if (number == EACCES || number == EPERM)
        advice = "run as root, or name a directory of your own with --token-dir";
    else if (number == EROFS)
        advice = "mount that file system writable, or name another directory with --token-dir";
    return enroll_error_set(error, ENROLL_TOKEN_DIRECTORY, advice, "cannot %s %s%s%s: %s", verb,
                            directory->path, name[0] ? "/" : "", name, strerror(number));
}

static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return -1;
        data += written;
        size -= (size_t)written;
    }
    return 0;
}

int install_file_create(int directory_fd, const char *name, const void *data, size_t size, mode_t mode)
{
    int saved;
    int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    if (write_all(fd, data, size) || fchmod(fd, mode) || fsync(fd))
        goto fail;
    if (close(fd)) {
        fd = -1;
        goto fail;
    }
    return 0;
fail:
    saved = errno;
    if (fd >= 0)
        close(fd);
    unlinkat(directory_fd, name, 0);
    errno = saved;
    return -1;
}

int install_file_replace(int directory_fd, const char *name, const void *data, size_t size, mode_t mode)
{
    char beside[NAME_MAX + 1];
    int length = snprintf(beside, sizeof beside, ".%s.new", name);
    if (length < 0 || (size_t)length >= sizeof beside) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (unlinkat(directory_fd, beside, 0) && errno != ENOENT)
        return -1;
    if (install_file_create(directory_fd, beside, data, size, mode))
        return -1;
    if (renameat(directory_fd, beside, directory_fd, name)) {
        int saved = errno;
        unlinkat(directory_fd, beside, 0);
        errno = saved;
        return -1;
    }
    return fsync(directory_fd);
}

char *install_file_read(int directory_fd, const char *name, size_t max_size, size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0;
    struct stat status;
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status))
        goto fail;
    if (!S_ISREG(status.st_mode) || status.st_size < 0 || (size_t)status.st_size > max_size) {
        errno = EFBIG;
        goto fail;
    }
    text = malloc((size_t)status.st_size + 1);
    if (!text)
        goto fail;
    while (size < (size_t)status.st_size) {
        ssize_t got = read(fd, text + size, (size_t)status.st_size - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            goto fail;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    text[size] = '\0';
    close(fd);
    *ret_size = size;
    return text;
fail:;
    int saved = errno;
    free(text);
    close(fd);
    errno = saved;
    return NULL;
}

/* A level of a tree that is being removed: its directory, open, and its name in the one above. */
struct level {
    int fd;
    DIR *listing; /* of that descriptor */
    char name[NAME_MAX + 1];
};

/* Opens a directory below another one, no link followed; false with errno. */
static bool level_open(int directory_fd, const char *name, struct level *ret_level)
{
    snprintf(ret_level->name, sizeof(ret_level->name), "%s", name);
    ret_level->fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (ret_level->fd < 0)
        return false;
    ret_level->listing = fdopendir(ret_level->fd);
    if (ret_level->listing == NULL)
        close(ret_level->fd);
    return ret_level->listing != NULL;
}

static bool name_is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/*
 * Everything goes by descriptors of directories that were opened without following a link: whatever somebody
 * who may write there puts in a name's place meanwhile, nothing outside of the tree is removed.
 */
static int levels_remove(int directory_fd, struct level levels[TREE_DEPTH_MAX], size_t *depth)
{
    while (*depth > 0) {
        struct level *level = &levels[*depth - 1];
        int above = *depth == 1 ? directory_fd : levels[*depth - 2].fd;
        errno = 0;
        const struct dirent *entry = readdir(level->listing);
        if (entry == NULL && errno != 0)
            return -1;
        if (entry == NULL) {
            closedir(level->listing);
            (*depth)--;
            if (unlinkat(above, level->name, AT_REMOVEDIR) != 0 && errno != ENOENT)
                return -1;
            continue;
        }
        if (name_is_dots(entry->d_name) || unlinkat(level->fd, entry->d_name, 0) == 0 || errno == ENOENT)
            continue;
        if (errno != EISDIR && errno != EPERM)
            return -1;
        if (*depth == TREE_DEPTH_MAX) {
            errno = ELOOP;
            return -1;
        }
        if (!level_open(level->fd, entry->d_name, &levels[*depth]))
            return -1;
        (*depth)++;
    }
    return 0;
}

int install_tree_remove(int directory_fd, const char *name)
{
    struct level levels[TREE_DEPTH_MAX];
    char parent[NAME_MAX + 1];
    const char *slash;
    size_t depth = 0;
    int fd = dup(directory_fd), result = -1, saved;

    /* Of a path, each component is opened in turn. */
    while (fd >= 0 && (slash = strchr(name, '/')) != NULL) {
        snprintf(parent, sizeof(parent), "%.*s", (int)(slash - name), name);
        int next = openat(fd, parent, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        saved = errno;
        close(fd);
        errno = saved;
        fd = next;
        name = slash + 1;
    }
    if (fd < 0)
        return errno == ENOENT ? 0 : -1;
    if (unlinkat(fd, name, 0) == 0 || errno == ENOENT) {
        result = 0;
    } else if (errno == EISDIR || errno == EPERM) {
        depth = level_open(fd, name, &levels[0]) ? 1 : 0;
        result = depth != 0 ? levels_remove(fd, levels, &depth) : -1;
    }
    saved = errno;
    while (depth > 0)
        closedir(levels[--depth].listing);
    close(fd);
    errno = saved;
    return result;
}

/* A new directory's name is durable when the directory above is synced. */
static int parent_sync(const char *path)
{
    char above[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(above, sizeof(above), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = fd >= 0 ? fsync(fd) : -1;
    if (fd >= 0)
        close(fd);
    return result;
}

/* mkdir -p, each new directory 0755 whatever the umask. */
static int directories_make(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -1;
    int result = 0;
    for (char *slash = copy + 1; result == 0; slash++) {
        bool last = *slash == '\0';
        if (*slash != '/' && !last)
            continue;
        *slash = '\0';
        if (mkdir(copy, 0755) == 0)
            result = chmod(copy, 0755) == 0 ? parent_sync(copy) : -1;
        else if (errno != EEXIST)
            result = -1;
        if (last)
            break;
        *slash = '/';
    }
    int saved = errno;
    free(copy);
    errno = saved;
    return result;
}

/* Room and permission, shown by doing it: quotas, read-only mounts and full disks do not show in permission
 * bits. */
static int space_probe(int directory_fd)
{
    static const char zeros[4096];
    if (unlinkat(directory_fd, PROBE_NAME, 0) && errno != ENOENT)
        return -1;
    int fd = openat(directory_fd, PROBE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    int result = 0;
    for (size_t written = 0; result == 0 && written < PROBE_BYTES; written += sizeof zeros)
        result = write_all(fd, zeros, sizeof zeros);
    if (result == 0)
        result = fsync(fd);
    int saved = errno;
    close(fd);
    if (unlinkat(directory_fd, PROBE_NAME, 0) && result == 0)
        return -1;
    errno = saved;
    return result;
}

/*
 * The lock is on a file that its owner alone may open: whoever can open a file to read can hold its lock, and
 * the directory is open to all.
 */
static int lock_open(int directory_fd)
{
    return openat(directory_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
}

/* Whether the file still has its name: the one who held the lock before takes the name away. */
static bool lock_named(int directory_fd, int fd)
{
    struct stat opened, named;

    return fstat(fd, &opened) == 0 && fstatat(directory_fd, LOCK_NAME, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* The lock's descriptor; -1 with errno, EWOULDBLOCK: it is held. */
static int lock_take_once(int directory_fd)
{
    int fd = lock_open(directory_fd);

    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        if (lock_named(directory_fd, fd))
            return fd;
        errno = EINTR; /* it was given back in between: once more */
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int lock_take(int directory_fd, unsigned wait_seconds)
{
    struct timespec end, now;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)wait_seconds;
    for (;;) {
        int fd = lock_take_once(directory_fd);
        if (fd >= 0)
            return fd;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec)) {
            errno = EWOULDBLOCK;
            return -1;
        }
        if (nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_NANOSECONDS}, NULL)) {
            errno = EINTR;
            return -1;
        }
    }
}

/* Root does not work in a directory of somebody else's, who could move it under its hands. */
static bool owner_is_ours(const struct install_directory *directory, struct enroll_error *error)
{
    struct stat status;
    char advice[256];
    if (geteuid() != 0 || (fstat(directory->fd, &status) == 0 && status.st_uid == 0))
        return true;
    const struct passwd *owner = getpwuid(status.st_uid);
    snprintf(advice, sizeof(advice), "run it as the owner: runuser -u %s -- intune-enroll ...",
             owner != NULL ? owner->pw_name : "OWNER");
    enroll_error_set(error, ENROLL_UNSAFE, advice,
                     "the token directory %s belongs to %s (uid %u), not to root", directory->path,
                     owner != NULL ? owner->pw_name : "an unknown user", (unsigned)status.st_uid);
    return false;
}

enum enroll_exit install_directory_open(const char *path, bool make, unsigned wait_seconds,
                                        struct install_directory *ret_directory,
                                        struct enroll_error *ret_error)
{
    enum enroll_exit status;
    struct install_directory directory = {.path = strdup(path), .fd = -1, .lock = -1};

    if (!directory.path)
        return enroll_error_set(ret_error, ENROLL_FAILED, "", "out of memory");
    if (path[0] != '/') {
        status = enroll_error_set(ret_error, ENROLL_USAGE, "give the whole path, from the root",
                                  "the token directory %s is not an absolute path", path);
        goto fail;
    }
    if (make && directories_make(path)) {
        status = install_file_error(ret_error, &directory, "make the token directory", "");
        goto fail;
    }
    directory.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory.fd < 0 && errno == ENOENT) {
        status = enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, "run intune-enroll enroll USER@DOMAIN",
                                  "there is no enrolment in %s", path);
        goto fail;
    }
    if (directory.fd < 0) {
        status = install_file_error(ret_error, &directory, "open the token directory", "");
        goto fail;
    }
    if (!owner_is_ours(&directory, ret_error)) {
        status = ENROLL_UNSAFE;
        goto fail;
    }
    directory.lock = lock_take(directory.fd, wait_seconds);
    if (directory.lock < 0) {
        if (errno == EINTR)
            status = enroll_error_set(ret_error, ENROLL_CANCELLED, "", "interrupted while waiting");
        else if (errno == EWOULDBLOCK)
            status = enroll_error_set(ret_error, ENROLL_IN_PROGRESS,
                                      "wait until it has finished, or give --wait SECONDS",
                                      "another intune-enroll is at work on %s", path);
        else
            status = install_file_error(ret_error, &directory, "write to the token directory", "");
        goto fail;
    }
    if (space_probe(directory.fd)) {
        status = install_file_error(ret_error, &directory, "write to the token directory", "");
        goto fail;
    }
    *ret_directory = directory;
    return ENROLL_OK;
fail:
    install_directory_close(&directory);
    return status;
}

void install_directory_close(struct install_directory *directory)
{
    if (!directory->path)
        return;
    /* The name goes while the lock is held: nobody can have it and find it gone. */
    if (directory->lock >= 0) {
        unlinkat(directory->fd, LOCK_NAME, 0);
        close(directory->lock);
    }
    if (directory->fd >= 0)
        close(directory->fd);
    free(directory->path);
    *directory = (struct install_directory){.fd = -1, .lock = -1};
}
