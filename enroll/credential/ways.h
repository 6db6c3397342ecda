/*
 * The interface that each way to get a credential implements, one file each. Private to enroll/auth. A way
 * fills in *ret_credential only on success; `way` and wiping after a failure are auth.c's.
 */
#ifndef ENROLL_AUTH_WAYS_H
#define ENROLL_AUTH_WAYS_H

#include "auth.h"

typedef enum enroll_exit auth_way_obtain(const struct auth_options *options,
                                         const struct auth_situation *situation,
                                         struct auth_credential *ret_credential,
                                         struct enroll_error *ret_error);

auth_way_obtain auth_token_file_obtain;
auth_way_obtain auth_token_fd_obtain;
auth_way_obtain auth_token_command_obtain;
auth_way_obtain auth_device_code_obtain;
auth_way_obtain auth_broker_obtain;
auth_way_obtain auth_browser_obtain;
auth_way_obtain auth_password_obtain;
auth_way_obtain auth_certificate_obtain;

/* Whether an identity broker is there, running or to be started, on the session bus. */
bool auth_broker_available(void);

#endif
