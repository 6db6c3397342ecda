/*
 * The one-shot receiver of a browser's answer: 127.0.0.1 only, one unguessable path, POST only, 64 KiB, a few
 * minutes, no CORS, and no other user of this machine: he may read the path in the browser's command line.
 * Private to enroll/credential.
 */
#ifndef ENROLL_CREDENTIAL_BROWSER_RECEIVER_H
#define ENROLL_CREDENTIAL_BROWSER_RECEIVER_H

#include <stdbool.h>

#include "browser_answer.h"

#define RECEIVER_CONNECTIONS        8 /* browsers open some ahead and say nothing on them */
#define RECEIVER_SECONDS            300
#define RECEIVER_CONNECTION_SECONDS 15

struct browser_receiver;

#define RECEIVER_REFUSALS_TOLD 8

/*
 * NULL when no socket or no randomness is to be had. warn says whose connections were refused, the first
 * RECEIVER_REFUSALS_TOLD times that this is somebody else; may be NULL.
 */
struct browser_receiver *browser_receiver_new(void (*warn)(void *context, const char *text), void *context);
/* "http://127.0.0.1:PORT/RANDOM", to be given as appru. */
const char *browser_receiver_url(const struct browser_receiver *receiver);

/*
 * Serves for up to a second. BROWSER_INCOMPLETE: nothing yet. BROWSER_TOKEN and BROWSER_ERROR as
 * browser_answer_judge(); the browser has then been told that it can be closed.
 */
enum browser_verdict browser_receiver_serve(struct browser_receiver *receiver, char **ret_token,
                                            char **ret_text);
void browser_receiver_free(struct browser_receiver *receiver);

#endif
