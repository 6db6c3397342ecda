/* The redirect and http-status modes. */
#ifndef MDE_SERVER_REDIRECT_H
#define MDE_SERVER_REDIRECT_H

#include <stdbool.h>

struct reply;
struct request;

/* Answers the request when such a mode is on at its step (reply->step). Returns false when the handler shall.
 */
bool redirect_answer(const struct request *request, struct reply *reply);

#endif
