/*
 * One change that `register` makes: a file that gets new content, or goes. It is planned first, so that
 * --print can show it, and then made in one atomic step.
 */
#ifndef ENROLL_APPLICATIONS_CHANGE_H
#define ENROLL_APPLICATIONS_CHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

#define CHANGE_FILE_MAX (1024 * 1024) /* bytes of a configuration file that we read */

struct change {
    const char *who; /* for people: "Firefox" */
    const char *path;
    const char *keep; /* the directories below this one that hold the file go with it when they are empty */
    char *content;    /* malloc()ed; NULL: the file goes */
    bool needed;      /* false: the file is already as it should be */
};

/*
 * Reads a whole file. On success *ret_text is malloc()ed and NUL-terminated, or NULL when there is no such
 * file. Errors: ENROLL_CONFIGURATION (unreadable, too large, or with a NUL in it).
 */
enum enroll_exit change_read(const char *path, char **ret_text, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* Shows the change without making it. */
void change_print(const struct change *change);

/*
 * Makes it: beside the file, synced, renamed over it; an existing file's mode and owner are kept, a symbolic
 * link is followed; directories are made as needed (0755). Says in one line what was done. Errors:
 * ENROLL_CONFIGURATION.
 */
enum enroll_exit change_apply(const struct change *change, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* Frees the content. */
void change_clear(struct change *change);

#endif
