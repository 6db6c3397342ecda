/* What an administrator still has to do after an enrolment before applications and timers use the token. */
#ifndef ENROLL_APPLICATIONS_NEXT_STEPS_H
#define ENROLL_APPLICATIONS_NEXT_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#define NEXT_STEPS_MAX 5

/*
 * Commands that were not run yet on the system whose root directory is `root` ("" for this one): renewal and
 * check-in timers, the socket, the registration with browsers, the group. checks_in: the service has a
 * check-in. Static strings; returns how many.
 */
size_t next_steps_list(const char *root, bool checks_in, const char *ret_steps[static NEXT_STEPS_MAX]);

#endif
