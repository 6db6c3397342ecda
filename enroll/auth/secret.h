/* Reading secrets into memory that is wiped. Private to enroll/auth. */
#ifndef ENROLL_AUTH_SECRET_H
#define ENROLL_AUTH_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads everything from fd, at most AUTH_TOKEN_MAX bytes, and takes blanks and line ends off both ends. NULL
 * with a sentence in ret_why (static) when it cannot be read, is empty, too long, or holds a NUL or line
 * breaks. wait is called when a descriptor that does not block has nothing yet: false ends the reading; NULL
 * for one that blocks.
 */
char *secret_read(int fd, bool (*wait)(void *context), void *context, const char **ret_why);

/* Wipes and frees a terminated secret. NULL is allowed. */
void secret_free(char *secret);

#endif
