/* Redirects by hand: which of them may be followed. */
#ifndef ENROLL_HTTPS_CLIENT_REDIRECT_H
#define ENROLL_HTTPS_CLIENT_REDIRECT_H

#include "https_request.h"

/* Whether an HTTP status with a Location is a redirect that is followed. */
bool redirect_status(long status);

/* ENROLL_OK when `request`, now at `from`, may go on to `to`. Errors: ENROLL_UNSAFE. */
enum enroll_exit redirect_judge(const struct https_request *request, const char *from, const char *to,
                                struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
