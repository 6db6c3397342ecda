/* The form that a sign-in page posts. Pure. Private to enroll/credential. */
#ifndef ENROLL_CREDENTIAL_BROWSER_ANSWER_H
#define ENROLL_CREDENTIAL_BROWSER_ANSWER_H

#include <stddef.h>

enum browser_verdict {
    BROWSER_INCOMPLETE, /* nothing yet */
    BROWSER_REFUSED,    /* neither a token nor an error */
    BROWSER_TOKEN,      /* *ret_token is the caller's, to be wiped */
    BROWSER_ERROR,      /* the sign-in failed; *ret_text is the reason, printable, free() it */
};

/* Reads a form, application/x-www-form-urlencoded: wresult is the token, else there is an error. */
enum browser_verdict browser_answer_judge(const char *form, size_t size, char **ret_token, char **ret_text);

/* The value of a field of a form, decoded; NULL when it is absent, doubled or malformed. free() it. */
char *browser_form_field(const char *form, size_t size, const char *name);

#endif
