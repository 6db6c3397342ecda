/* One change of the registration at a time: a file is read, merged and replaced, and nothing may come
 * between. */
#ifndef ENROLL_APPLICATIONS_LOCK_H
#define ENROLL_APPLICATIONS_LOCK_H

#include <stdbool.h>

#include "error.h"

/*
 * Takes the lock of a file, which is made (0600) when `make`, or of a directory, for at most wait_seconds.
 * *ret_lock is to be given to registration_unlock(); it is -1 if there is nothing to lock, or if this
 * user may not lock it, and so may not write what it guards. Errors: ENROLL_IN_PROGRESS,
 * ENROLL_CANCELLED, ENROLL_CONFIGURATION.
 */
enum enroll_exit registration_lock(const char *path, bool make, unsigned wait_seconds, int *ret_lock,
                                   struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* -1 is allowed. */
void registration_unlock(int lock);

#endif
