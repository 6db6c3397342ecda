/*
 * What the flow needs to send one message and read its answer; private to it. The state of a run, the check
 * of a URL that the server gave, the exchange of a SOAP message.
 */
#ifndef ENROLL_FLOW_MESSAGES_H
#define ENROLL_FLOW_MESSAGES_H

#include "flow.h"

#include "credential.h"
#include "discover.h"
#include "soap.h"
#include "token_request.h"
#include "https_client.h"
#include "url.h"
#include "profile.h"

/* One run of the steps. */
struct flow {
    const struct flow_options *options;
    const struct flow_callbacks *callbacks;
    struct enroll_error *error;
    struct flow_result *result;
    struct discovery discovery;
    struct discover_request offer;
    struct context_items items;
    enum mde_step step; /* under way */
    struct credential credential;
    const char *token_type;        /* ValueType of the credential's token */
    char typed_host[URL_HOST_MAX]; /* the host the operator named; "" when it was found from the address */
    const char *const *only_hosts; /* renewal: no other is spoken to; NULL: any */
};

/* A step begins. */
void flow_step(struct flow *flow, enum mde_step step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Tells the caller about the step under way. */
void flow_tell(const struct flow *flow, enum progress_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ENROLL_OK when a URL that the server gave may be used. `what` names it for people. Errors: ENROLL_UNSAFE.
 */
enum enroll_exit flow_url_check(const struct flow *flow, const char *what, const char *url);

/* Whether `host` is one that the operator named. */
bool flow_host_typed(const struct flow *flow, const char *host);

/* One message. */
struct flow_message {
    const char *name;          /* "Discover" */
    const char *answer_action; /* how the Action of its answer ends */
    const char *url;
    /* Writes it to be sent to url; called once more for each redirect. Errors: flow->error. */
    enum enroll_exit (*write)(const struct flow *flow, const struct flow_message *message, const char *id,
                              const char *url, struct xml_text *text);
    const struct soap_security *security; /* NULL: none */
    const struct token_request *request;  /* of RequestSecurityToken */
    EVP_PKEY *client_key;                 /* TLS client authentication, or NULL */
    X509 *client_certificate;
    STACK_OF(X509) * client_chain;
};

/*
 * Sends it and reads the envelope of the answer. A fault, an HTTP error and an answer that is not SOAP are
 * errors. ret_url (may be NULL) is where it was answered; free() it.
 */
enum enroll_exit flow_message_exchange(const struct flow *flow, const struct flow_message *message,
                                       struct soap_reply *ret_reply, char **ret_url);

/* An HTTP status that is no success, in words. */
enum enroll_exit flow_http_error(const char *name, const struct https_response *response,
                                 struct enroll_error *ret_error);

#endif
