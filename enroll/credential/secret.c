#include "secret.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define POLL_MILLISECONDS 100 /* between two checks for cancellation */

void secret_free(char *secret)
{
    if (secret != NULL)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

/* Bytes read, -1 with *ret_why on failure. */
static ssize_t all_read(int fd, bool (*wait)(void *context), void *context, char *buffer, size_t capacity,
                        const char **ret_why)
{
    size_t size = 0;

    while (size < capacity) {
        ssize_t count;

        if (!wait(context)) {
            *ret_why = "timed out or cancelled";
            return -1;
        }
        count = read(fd, buffer + size, capacity - size);
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count < 0) {
            *ret_why = strerrordesc_np(errno);
            return -1;
        }
        if (count == 0)
            return (ssize_t)size;
        size += (size_t)count;
    }
    *ret_why = "too long";
    return -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char *secret_read_waiting(int fd, bool (*wait)(void *context), void *context, const char **ret_why)
{
    const size_t capacity = SECRET_SIZE_MAX + 1;
    char *buffer = calloc(1, capacity + 1);
    char *secret = NULL;
    ssize_t size;
    size_t start = 0, end;

    *ret_why = "out of memory";
    if (buffer == NULL)
        return NULL;
    size = all_read(fd, wait, context, buffer, capacity, ret_why);
    if (size < 0)
        goto done;
    end = (size_t)size;
    while (start < end && is_blank(buffer[start]))
        start++;
    while (end > start && is_blank(buffer[end - 1]))
        end--;
    if (start == end)
        *ret_why = "empty";
    else if (memchr(buffer + start, '\0', end - start) != NULL ||
             memchr(buffer + start, '\n', end - start) != NULL)
        *ret_why = "more than one line";
    else
        secret = strndup(buffer + start, end - start);
done:
    OPENSSL_cleanse(buffer, capacity);
    free(buffer);
    return secret;
}

struct writer {
    int fd;
    bool (*cancelled)(void *context);
    void *context;
};

/* Until there is something to read, or its end. */
static bool writer_wait(void *context)
{
    const struct writer *writer = context;
    struct pollfd input = {.fd = writer->fd, .events = POLLIN};

    while (writer->cancelled == NULL || !writer->cancelled(writer->context))
        if (poll(&input, 1, POLL_MILLISECONDS) > 0)
            return true;
    return false;
}

char *secret_read(int fd, bool (*cancelled)(void *context), void *context, const char **ret_why)
{
    struct writer writer = {.fd = fd, .cancelled = cancelled, .context = context};

    return secret_read_waiting(fd, writer_wait, &writer, ret_why);
}
