#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define POLL_NANOSECONDS 100000000L

static enum enroll_exit lock_error(const char *path, struct enroll_error *ret_error)
{
    return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "", "%s cannot be locked: %s", path,
                            strerror(errno));
}

/* Polls instead of blocking in flock(), so that a signal or the time limit ends the wait. */
static enum enroll_exit lock_wait(int fd, const char *path, unsigned wait_seconds,
                                  struct enroll_error *ret_error)
{
    const struct timespec slice = {.tv_nsec = POLL_NANOSECONDS};
    struct timespec now, end;

    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)wait_seconds;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return lock_error(path, ret_error);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec))
            return enroll_error_set(ret_error, ENROLL_IN_PROGRESS,
                                    "try again when it is done, or wait for it with --wait",
                                    "another intune-enroll register is running");
        if (nanosleep(&slice, NULL) != 0)
            return enroll_error_set(ret_error, ENROLL_CANCELLED, "nothing was changed",
                                    "cancelled while waiting for another intune-enroll register");
    }
    return ENROLL_OK;
}

enum enroll_exit registration_lock(const char *path, bool make, unsigned wait_seconds, int *ret_lock,
                                   struct enroll_error *ret_error)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : O_DIRECTORY), 0600);
    enum enroll_exit status;

    *ret_lock = -1;
    if (fd < 0 && (errno == EACCES || (errno == ENOENT && !make)))
        return ENROLL_OK;
    if (fd < 0)
        return lock_error(path, ret_error);
    status = lock_wait(fd, path, wait_seconds, ret_error);
    if (status == ENROLL_OK)
        *ret_lock = fd;
    else
        close(fd);
    return status;
}

void registration_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
