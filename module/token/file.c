#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fills data until `size` bytes or the end of the file; the count, or -1 with errno. */
static ssize_t read_all(int descriptor, char *data, size_t size)
{
    size_t filled = 0;
    while (filled < size) {
        ssize_t count = read(descriptor, data + filled, size - filled);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        filled += (size_t)count;
    }
    return (ssize_t)filled;
}

int file_read_at(int directory, const char *path, size_t max_size, char **ret_data, size_t *ret_size)
{
    struct stat status;
    char *data = NULL;
    int error = 0;

    int descriptor = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return errno;
    if (fstat(descriptor, &status) != 0) {
        error = errno;
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        error = EISDIR;
        goto out;
    }
    if (status.st_size < 0 || (size_t)status.st_size > max_size) {
        error = EFBIG;
        goto out;
    }
    size_t size = (size_t)status.st_size;
    data = malloc(size + 1);
    if (data == NULL) {
        error = ENOMEM;
        goto out;
    }
    ssize_t count = read_all(descriptor, data, size);
    if (count < 0) {
        error = errno;
        goto out;
    }
    data[count] = '\0';
    *ret_data = data;
    *ret_size = (size_t)count;
    data = NULL;

out:
    free(data);
    close(descriptor);
    return error;
}
