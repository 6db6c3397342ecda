/* The steps that enrolment (flow_enrol.c) and renewal (flow_renewal.c) share; private to the two. */
#ifndef ENROLL_FLOW_RENEWAL_H
#define ENROLL_FLOW_RENEWAL_H

#include "flow_messages.h"
#include "token_request.h"

void flow_begin(struct flow *flow, const struct flow_options *options, const struct flow_callbacks *callbacks,
                struct flow_result *result, struct enroll_error *error);
/* Frees what the run holds; after a failure says so and empties the result. Returns status. */
enum enroll_exit flow_end(struct flow *flow, enum enroll_exit status);

/* Discover at result->discovery_url. */
enum enroll_exit flow_step_discover(struct flow *flow);
/* GetPolicies into result->requirements. The caller gives security and the client certificate. */
enum enroll_exit flow_policies_ask(struct flow *flow, struct flow_message *message);
/* RequestSecurityToken; its answer into the result. The caller gives URL, security, request and the client
 * certificate. */
enum enroll_exit flow_token_ask(struct flow *flow, struct flow_message *message);
void flow_document_tell(const struct flow *flow);
/* A u:Timestamp of now and five minutes on. */
void flow_timestamp_write(struct soap_security *security, char ret_created[32], char ret_expires[32]);

#endif
