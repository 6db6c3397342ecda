/* What a browser posts to the one-shot receiver: an HTTP request with a form in it. Pure. Private to
 * enroll/credential. */
#ifndef ENROLL_CREDENTIAL_BROWSER_ANSWER_H
#define ENROLL_CREDENTIAL_BROWSER_ANSWER_H

#include <stddef.h>

#define BROWSER_BODY_MAX   65536
#define BROWSER_HEADER_MAX 16384

enum browser_verdict {
    BROWSER_INCOMPLETE, /* read on */
    BROWSER_REFUSED,    /* not what is waited for: answer *ret_status and go on waiting */
    BROWSER_TOKEN,      /* *ret_token is the caller's, to be wiped */
    BROWSER_ERROR,      /* the sign-in failed; *ret_text says how, printable, free() it */
};

/*
 * Judges the first `size` bytes of a connection. Accepted is only: POST of exactly `path`, Host exactly
 * `host`
 * ("127.0.0.1:PORT"), application/x-www-form-urlencoded, a Content-Length of at most BROWSER_BODY_MAX, and in
 * the form wresult, or an error.
 */
enum browser_verdict browser_answer_judge(const char *bytes, size_t size, const char *host, const char *path,
                                          unsigned *ret_status, char **ret_token, char **ret_text);

/* The value of a field of a form, decoded; NULL when it is absent, doubled or not well-formed. free() it. */
char *browser_form_field(const char *form, size_t size, const char *name);

#endif
