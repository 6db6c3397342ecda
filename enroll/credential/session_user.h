/* Work done as the user whose desktop session has the identity broker, for root: under sudo, and in the
 * timer's service. Private to enroll/credential. */
#ifndef ENROLL_CREDENTIAL_SESSION_USER_H
#define ENROLL_CREDENTIAL_SESSION_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whether this process is root without a session bus of its own. */
bool session_user_needed(void);

/*
 * The users with a session bus (/run/user/UID/bus), the one who called sudo alone where there is one; at most
 * `capacity`. Returns how many.
 */
size_t session_users_list(uid_t *ret_users, size_t capacity);

/*
 * Runs work(context) in a child process that is that user for good, with his session bus as its own, and
 * returns what it wrote to `ret_output` (at most `capacity` bytes) through the descriptor it was given. No
 * password is asked for: root may become any user. False: the child could not be started, or ended with
 * another status than 0.
 */
bool session_user_run(uid_t user, bool (*work)(void *context, int output), void *context, void *ret_output,
                      size_t capacity, size_t *ret_size) __attribute__((warn_unused_result));

#endif
