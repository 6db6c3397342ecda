/*
 * What enroll, renew and policy share around the flow: HTTPS with its options, the ways to authenticate, the
 * trace, the device profile, and the flow's callbacks wired to the terminal.
 */
#ifndef ENROLL_CONVERSATION_H
#define ENROLL_CONVERSATION_H

#include "credential.h"
#include "flow.h"
#include "issuance.h"
#include "https_client.h"
#include "profile.h"
#include "run.h"
#include "trace.h"

struct conversation {
    struct run *run;
    struct https_client *client;
    struct trace *trace; /* NULL: no --trace */
    struct device_profile *profile;
    struct credential_options auth;
    struct flow_options options;
    struct flow_callbacks callbacks;
    struct issuance *issuance; /* what makes the request; the caller's; NULL for policy */
    char firmware[48];
    const char *ca_file, *profile_path; /* as used; NULL for the defaults */
};

/*
 * Sets everything up; sends nothing. ca_file and profile_path: what a former enrolment used, where the
 * options do not say otherwise; may be NULL. facts: for GetPolicies; may be NULL. The conversation is not to
 * be moved afterwards.
 */
enum enroll_exit conversation_begin(struct conversation *conversation, struct run *run, const char *ca_file,
                                    const char *profile_path, const struct device_identity *identity,
                                    const struct tpm_facts *facts) __attribute__((warn_unused_result));

/* Ends it; result and der go into the trace's page, any may be NULL. */
void conversation_end(struct conversation *conversation, enum enroll_exit status,
                      const struct flow_result *result, const struct token_generation *generation);

/* note of issuance.h: a line under the step that is under way. */
void conversation_note(void *conversation, bool warning, const char *text);

#endif
