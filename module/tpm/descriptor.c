#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/*
 * The last sockets of all contexts. fork(2) copies the descriptors first and the memory after it, page by
 * page, while the parent's other threads go on: when a child looks, the connection whose copy it has may be
 * closed, and another one be the context's. A socket's inode is never another's.
 */
#define RECENT_COUNT 64
static struct recent {
    int descriptor;
    uint64_t identity[2];
} recent[RECENT_COUNT];
static atomic_uint recent_next;

/* Held while a socket is made and not remembered yet; a fork waits for it. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

#define MAKING_SECONDS 1 /* a signal handler may have interrupted the making, and fork */

bool tpm_fork_begin(void)
{
    struct timespec deadline;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += MAKING_SECONDS;
    return pthread_mutex_timedlock(&making, &deadline) == 0;
}

void tpm_fork_end(void)
{
    pthread_mutex_unlock(&making);
}

void tpm_fork_child(void)
{
    pthread_mutex_init(&making, NULL);
    for (size_t i = 0; i < RECENT_COUNT; i++) {
        const struct recent *one = &recent[i];
        struct stat status;

        if (fstat(one->descriptor, &status) == 0 && one->identity[0] == status.st_dev &&
            one->identity[1] == status.st_ino)
            close(one->descriptor);
    }
}

int tpm_socket_make(struct tpm *owner, int family)
{
    int descriptor, error;

    pthread_mutex_lock(&making);
    descriptor = tpm_descriptor_lift(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    error = errno;
    if (descriptor >= 0 && owner != NULL)
        tpm_descriptor_remember(owner, descriptor);
    pthread_mutex_unlock(&making);
    errno = error;
    return descriptor;
}

uint32_t tpm_descriptor_rc_from_errno(int error)
{
    switch (error) {
    case EACCES:
    case EPERM:
        return LOCAL_RC_PERMISSION;
    case EBUSY:
    case EAGAIN:
        return LOCAL_RC_BUSY;
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return LOCAL_RC_NO_MEMORY;
    default:
        return LOCAL_RC_UNREACHABLE;
    }
}

int tpm_descriptor_lift(int descriptor)
{
    int lifted, error;

    if (descriptor < 0 || descriptor > STDERR_FILENO)
        return descriptor;
    lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    error = errno;
    close(descriptor);
    errno = error;
    return lifted;
}

void tpm_descriptor_remember(struct tpm *tpm, int descriptor)
{
    struct stat status;

    memset(tpm->descriptor_identity, 0, sizeof(tpm->descriptor_identity));
    if (fstat(descriptor, &status) == 0) {
        tpm->descriptor_identity[0] = status.st_dev;
        tpm->descriptor_identity[1] = status.st_ino;
        if (S_ISSOCK(status.st_mode)) {
            struct recent *one = &recent[atomic_fetch_add(&recent_next, 1) % RECENT_COUNT];

            one->descriptor = descriptor;
            memcpy(one->identity, tpm->descriptor_identity, sizeof(one->identity));
        }
    }
    tpm->descriptor = descriptor; /* last: a child that is forked here looks at both */
}

bool tpm_descriptor_is_ours(struct tpm *tpm)
{
    struct stat status;

    if (tpm->descriptor < 0)
        return false;
    if (fstat(tpm->descriptor, &status) == 0 && tpm->descriptor_identity[0] == status.st_dev &&
        tpm->descriptor_identity[1] == status.st_ino)
        return true;
    tpm->descriptor = -1;
    return false;
}
