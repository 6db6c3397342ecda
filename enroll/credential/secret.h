/* Reading secrets into memory that is wiped. Private to enroll/credential. */
#ifndef ENROLL_CREDENTIAL_SECRET_H
#define ENROLL_CREDENTIAL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_SIZE_MAX 65536 /* bytes */

/*
 * Reads everything from fd, at most SECRET_SIZE_MAX bytes, and takes blanks and line ends off both ends.
 * NULL with a sentence in ret_why (static) when it cannot be read, is empty, too long, or holds a NUL or line
 * breaks. A pipe's writer may take his time: cancelled (or NULL) ends the wait for him.
 */
char *secret_read(int fd, bool (*cancelled)(void *context), void *context, const char **ret_why);

/* The same, with a wait of the caller's own before each read: false ends the reading. */
char *secret_read_waiting(int fd, bool (*wait)(void *context), void *context, const char **ret_why);

/* Wipes and frees a terminated secret. NULL is allowed. */
void secret_free(char *secret);

#endif
