/* The security tokens that the enrolment accepts: the one of --token-file, and those that the OAuth endpoint
 * and the federated page gave out. The latter stay in the server's directory, so that a restart still knows
 * them. */
#ifndef MDE_SERVER_TOKENS_H
#define MDE_SERVER_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

struct tokens;
struct options;

struct tokens *tokens_open(const struct options *options);
void tokens_close(struct tokens *tokens);

bool tokens_accept(const struct tokens *tokens, const void *token, size_t size);

/* A new token in the form of a JWT with these claims' user; the caller frees it. A token that is not
 * remembered is one that the enrolment refuses. */
char *tokens_issue(struct tokens *tokens, const char *user, const char *audience, bool remembered);

#endif
