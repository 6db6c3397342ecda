/* Discover: which services, which authentication. MS-MDE2 3.1.4.1. Pure. */
#ifndef ENROLL_MDE_DISCOVER_H
#define ENROLL_MDE_DISCOVER_H

#include <stdbool.h>

#include "error.h"
#include "context_items.h"
#include "soap.h"

#define DISCOVER_ACTION                                                                                      \
    "http://schemas.microsoft.com/windows/management/2012/01/enrollment/IDiscoveryService/Discover"

enum auth_policy { AUTH_POLICY_ON_PREMISE, AUTH_POLICY_FEDERATED, AUTH_POLICY_CERTIFICATE };

/* "OnPremise", "Federated", "Certificate". */
const char *auth_policy_name(enum auth_policy policy);

struct discover_request {
    const char *address;                     /* "" where there is none */
    const char *request_version;             /* "4.0" */
    const struct context_items *items;       /* DeviceType, ApplicationVersion, OSEdition are read */
    bool on_premise, federated, certificate; /* what is offered; at least one */
};

/* Appends the whole message to text. */
void discover_request_write(struct xml_text *text, const char *message_id, const char *to,
                            const struct discover_request *request);

/* DiscoverResult. Freed with discovery_clear(). URLs are as sent; whether they may be used is for the caller
 * to check. */
struct discovery {
    enum auth_policy auth_policy;
    char *enrollment_url;
    char *policy_url;         /* NULL: there is no policy service */
    char *authentication_url; /* NULL: none */
    char *version;            /* EnrollmentVersion; NULL: not said */
};

/*
 * Errors: ENROLL_PROTOCOL (what is mandatory is missing, doubled or unknown), ENROLL_UNSAFE (an
 * authentication that was not offered).
 */
enum enroll_exit discover_response_parse(const struct soap_reply *reply,
                                         const struct discover_request *request,
                                         struct discovery *ret_discovery, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
void discovery_clear(struct discovery *discovery);

#endif
