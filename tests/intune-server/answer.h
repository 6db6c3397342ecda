/* Writing answers: JSON, the service's two shapes of errors, and the departures from both. */
#ifndef INTUNE_SERVER_ANSWER_H
#define INTUNE_SERVER_ANSWER_H

#include "service.h"

/* Takes object over. */
void answer_json_set(struct answer *answer, struct json_object *object);

/* {"type","title","status","errors":{field:[text]},"traceId","activityId"} (RFC 9110's problem) */
void answer_problem_set(struct answer *answer, unsigned status, const char *field, const char *text);
/* {"ErrorCode","StatusCode","Message",...} */
void answer_message_set(struct answer *answer, unsigned status, const char *code, const char *text);
/* An empty body; why is for the log. */
void answer_empty_set(struct answer *answer, unsigned status, const char *why);

/* The error that a mode demands at this step; false for none. */
bool answer_error_apply(struct service *service, struct answer *answer);
/* The attack that a mode demands at this step, on an answer that is there. */
void answer_attack_apply(struct service *service, struct answer *answer);

#endif
