/*
 * The one-shot HTTP receiver of a browser's answer, by libmicrohttpd: 127.0.0.1 only, one random path, POST
 * only, 64 KiB, a few minutes, no CORS, and no other user of this machine, who may read the path in the
 * browser's command line. Private to enroll/credential.
 */
#ifndef ENROLL_CREDENTIAL_BROWSER_RECEIVER_H
#define ENROLL_CREDENTIAL_BROWSER_RECEIVER_H

#include <stdbool.h>

#include "browser_answer.h"

#define BROWSER_BODY_MAX            65536
#define RECEIVER_CONNECTIONS        8 /* browsers open idle ones in advance */
#define RECEIVER_SECONDS            300
#define RECEIVER_CONNECTION_SECONDS 15

struct browser_receiver;

#define RECEIVER_REFUSALS_REPORTED 8

/*
 * NULL if there is no port, memory or randomness. warn reports whose connections were refused, up to
 * RECEIVER_REFUSALS_REPORTED times; may be NULL.
 */
struct browser_receiver *browser_receiver_new(void (*warn)(void *context, const char *text), void *context);
/* "http://127.0.0.1:PORT/RANDOM", to be given as appru. */
const char *browser_receiver_url(const struct browser_receiver *receiver);

/*
 * Serves for up to a second. BROWSER_INCOMPLETE: nothing yet. BROWSER_TOKEN and BROWSER_ERROR as
 * browser_answer_judge(), after the response was sent.
 */
enum browser_verdict browser_receiver_serve(struct browser_receiver *receiver, char **ret_token,
                                            char **ret_text);
void browser_receiver_free(struct browser_receiver *receiver);

#endif
