#include "auth/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "auth/auth.h"

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
        ssize_t count = read(fd, buffer + size, capacity - size);

        if (count < 0 && (errno == EINTR || (errno == EAGAIN && wait != NULL && wait(context))))
            continue;
        if (count < 0) {
            *ret_why = strerrordesc_np(errno);
            return -1;
        }
        if (count == 0)
            return (ssize_t)size;
        size += (size_t)count;
    }
    *ret_why = "it is longer than any token";
    return -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

char *secret_read(int fd, bool (*wait)(void *context), void *context, const char **ret_why)
{
    const size_t capacity = AUTH_TOKEN_MAX + 1;
    char *buffer = calloc(1, capacity + 1);
    char *secret = NULL;
    ssize_t size;
    size_t start = 0, end;

    *ret_why = "memory ran out";
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
        *ret_why = "it is empty";
    else if (memchr(buffer + start, '\0', end - start) != NULL ||
             memchr(buffer + start, '\n', end - start) != NULL)
        *ret_why = "it is more than one line";
    else
        secret = strndup(buffer + start, end - start);
done:
    OPENSSL_cleanse(buffer, capacity);
    free(buffer);
    return secret;
}
