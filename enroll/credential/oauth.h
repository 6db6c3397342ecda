/* The JSON of OAuth 2 device authorization (RFC 8628; version 1 and 2 endpoints). Pure. Private to
 * enroll/credential. */
#ifndef ENROLL_CREDENTIAL_OAUTH_H
#define ENROLL_CREDENTIAL_OAUTH_H

#include <stdbool.h>
#include <stddef.h>

/* Anything a token service answers; members that are not there are NULL or 0. Freed, and wiped, with
 * oauth_answer_clear(). */
struct oauth_answer {
    char *error;             /* "authorization_pending" */
    char *error_description; /* printable */
    char *device_code;
    char *user_code;        /* printable */
    char *verification_url; /* printable */
    char *message;          /* printable */
    unsigned interval;      /* seconds */
    unsigned expires_in;    /* seconds */
    char *access_token;
};

/* False when it is no JSON object. A number may be written as a string. */
bool oauth_answer_parse(const char *json, size_t size, struct oauth_answer *ret_answer)
    __attribute__((warn_unused_result));
void oauth_answer_clear(struct oauth_answer *answer);

#endif
