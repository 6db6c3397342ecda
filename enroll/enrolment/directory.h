/*
 * Making the device key and writing the token directory. Everything here is called by the use cases and
 * commands alone; it uses the TPM interface and the file system, never to a server and never to a
 * person.
 *
 * This header: the token directory opened for writing. While it is open it is locked, so that two runs never
 * meet.
 *
 *   current, generations/    what include/token_directory.h says
 *   enrollment.conf          see enrollment.h; mode 0600
 *   state.conf               the last attempt to renew and what came of it; mode 0600
 *   check-in.conf            what the service said of this device at the last check-in; mode 0600
 *   pending/                 a token directory of its own with the key of an enrolment that is under way
 */
#ifndef ENROLL_INSTALL_DIRECTORY_H
#define ENROLL_INSTALL_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "error.h"

struct install_directory {
    char *path;
    int fd;   /* of the directory */
    int lock; /* of the file .lock in it, which is there as long as the directory is open */
};

/*
 * Opens the token directory, making it (0755) where it is missing and `make` is set, takes the lock, waiting
 * at most wait_seconds for it, and tries that a generation's worth of bytes can be written.
 * ENROLL_NOT_ENROLLED: it is missing. ENROLL_IN_PROGRESS: another run holds it. ENROLL_TOKEN_DIRECTORY:
 * unwritable, full, or not a directory. ENROLL_CANCELLED: a signal came while waiting. Close with
 * install_directory_close().
 */
enum enroll_exit install_directory_open(const char *path, bool make, unsigned wait_seconds,
                                        struct install_directory *ret_directory,
                                        struct enroll_error *ret_error) __attribute__((warn_unused_result));

/* Gives the lock back. A directory that is zeroed or closed already is allowed. */
void install_directory_close(struct install_directory *directory);

/* Writes a new file of `size` bytes with `mode` and syncs it; the name must not exist. 0, or -1 with errno.
 */
int install_file_create(int directory_fd, const char *name, const void *data, size_t size, mode_t mode)
    __attribute__((warn_unused_result));

/* The same beside the name, then renamed over it, then the directory synced. 0, or -1 with errno. */
int install_file_replace(int directory_fd, const char *name, const void *data, size_t size, mode_t mode)
    __attribute__((warn_unused_result));

/* Reads a regular file of at most max_size bytes; NUL-terminated beyond its end. NULL with errno. */
char *install_file_read(int directory_fd, const char *name, size_t max_size, size_t *ret_size)
    __attribute__((warn_unused_result));

/* Removes a file or a tree of directories, following no link. 0 also when nothing is there, else -1 with
 * errno. */
int install_tree_remove(int directory_fd, const char *name) __attribute__((warn_unused_result));

/* Fills in an error for a file of the token directory that errno is about. Returns ENROLL_TOKEN_DIRECTORY. */
enum enroll_exit install_file_error(struct enroll_error *error, const struct install_directory *directory,
                                    const char *verb, const char *name);

#endif
