/*
 * Reading a whole small file that somebody else may have put there: regular files only, never blocking on a
 * FIFO, never more than the caller allows.
 */
#ifndef TOKEN_FILE_H
#define TOKEN_FILE_H

#include <stddef.h>

/*
 * Reads `path` below `directory` (AT_FDCWD allowed). Returns 0 and a malloc()ed *ret_data, with a NUL after
 * its *ret_size bytes, which is the caller's; else an errno value: EFBIG above max_size, EISDIR for what is
 * not a regular file.
 */
int file_read_at(int directory, const char *path, size_t max_size, char **ret_data, size_t *ret_size)
    __attribute__((warn_unused_result));

#endif
