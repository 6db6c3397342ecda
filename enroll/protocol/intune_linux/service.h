/* One conversation with the service: its addresses, a token for each audience, calls. Private to this folder.
 */
#ifndef ENROLL_INTUNE_LINUX_SESSION_H
#define ENROLL_INTUNE_LINUX_SESSION_H

#include "credential.h"
#include "https_client.h"
#include "json_read.h"
#include "machine_facts.h"
#include "protocol.h"

enum intune_step { STEP_SERVICES = 1, STEP_TOKEN, STEP_ENROL, STEP_CHECK_IN };

/* The settings, by index. */
enum { SETTING_CLIENT_VERSION, SETTING_APPLICATION_ID, SETTING_GRAPH_URL, SETTING_SERVICE_HOSTS };
extern const struct setting *const intune_settings[];

#define TOKENS_MAX 4

struct intune {
    const struct protocol_request *request;
    const char *client_version, *application_id, *graph_url, *service_hosts;
    struct machine_facts facts;
    struct intune_services services;
    bool services_known;
    struct {
        const char *audience;
        struct credential credential;
    } tokens[TOKENS_MAX];
    size_t token_count;
    char user_agent[160];
    unsigned step; /* under way */
};

/* This protocol's own entries of the record. */
#define RECORD_DEVICE_ID   "server", "device_id" /* Intune's, not Entra's */
#define RECORD_DEVICE_NAME "enrollment", "device_name"
#define RECORD_CHECK_IN    "server", "check_in_url"

void intune_step(struct intune *intune, enum intune_step step, const char *text);
void intune_tell(const struct intune *intune, enum progress_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Gets the token for an audience unless it is there. Errors of credential_obtain(). */
enum enroll_exit intune_token(struct intune *intune, const char *audience, struct enroll_error *error)
    __attribute__((warn_unused_result));

/* Asks for the addresses of the services, once. ENROLL_UNSAFE: one is not below an accepted host. */
enum enroll_exit intune_services_find(struct intune *intune, struct enroll_error *error)
    __attribute__((warn_unused_result));

struct intune_call {
    const char *name; /* for messages: "Enrollment" */
    const char *audience;
    const char *service; /* base URL */
    const char *path;    /* appended to it, with its query; may be NULL */
    const char *body;    /* JSON; NULL: GET */
    bool post;           /* also without a body */
};

/* Sends it. An HTTP status that is no success is an error: ENROLL_AUTHENTICATION (401), ENROLL_REFUSED (4xx),
 * ENROLL_UNREACHABLE (429 and 5xx: try later). */
enum enroll_exit intune_call(struct intune *intune, const struct intune_call *call,
                             struct https_response *ret_response, struct enroll_error *error)
    __attribute__((warn_unused_result));

/* ENROLL_REFUSED: the service offers no address to retire the device; ENROLL_UNSAFE: not on an accepted host.
 */
enum enroll_exit intune_retire_check(const struct intune *intune, const char *url, struct enroll_error *error)
    __attribute__((warn_unused_result));

/* check_in() and retire() of protocol.h (check_in.c). */
enum enroll_exit intune_check_in(void *session, struct record *report, struct enroll_error *ret_error);
enum enroll_exit intune_retire(void *session, struct enroll_error *ret_error);

#endif
