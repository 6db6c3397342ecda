/* The JSON of the identity broker (com.microsoft.identity.Broker1, protocol 0.0). Pure. Private to
 * enroll/credential. */
#ifndef ENROLL_CREDENTIAL_BROKER_MESSAGE_H
#define ENROLL_CREDENTIAL_BROKER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define BROKER_SCOPES_MAX 16

/* What is asked for. */
struct broker_request {
    const char *client_id;
    const char *scope;     /* separated by blanks */
    const char *authority; /* "https://login.microsoftonline.com/common" */
    const char *user;      /* may be NULL */
};

/* The argument of getAccounts. malloc()ed; NULL: out of memory. */
char *broker_accounts_request(const struct broker_request *request);

/*
 * The answer of getAccounts: the account of `user` (any, the first, if NULL) as JSON text. NULL when it is no
 * such answer or there is no such account. free() it.
 */
char *broker_account_choose(const char *json, size_t size, const char *user);

/* The argument of acquireTokenSilently and -Interactively. account: from broker_account_choose(), or NULL. */
char *broker_token_request(const struct broker_request *request, const char *account);

/* The answer: *ret_token (a secret), or *ret_error (printable); both malloc()ed, the other NULL. False when
 * it is neither. */
bool broker_token_read(const char *json, size_t size, char **ret_token, char **ret_error)
    __attribute__((warn_unused_result));

#endif
