/*
 * The five steps of MS-MDE2 as one function that reads like the sequence diagram: resolve, Discover, security token,
 * GetPolicies, RequestSecurityToken. It owns no terminal, no TPM and no token directory: those are callbacks.
 */
#ifndef ENROLL_FLOW_H
#define ENROLL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "mde/policies.h"
#include "mde/provisioning_document.h"

struct device_profile;  /* enroll/profile.h: what the device says about itself */
struct net;             /* enroll/net/net.h: HTTPS with its options (CA file, resolve, timeout, trace) */
struct auth_options;    /* enroll/auth/auth.h: the ways to get a security token that the operator allows */

enum flow_state { FLOW_STARTED, FLOW_NOTE, FLOW_WARNING, FLOW_DONE, FLOW_FAILED };

struct flow_callbacks {
    void *context;
    /* A step began, has something to say, ended. `text` is one printable line. */
    void (*progress)(void *context, enum enroll_step step, enum flow_state state, const char *text);
    /* Asks yes or no; false where there is nobody to ask. */
    bool (*confirm)(void *context, const char *question);
    /*
     * Makes the key that the policy asks for, in the TPM, and a PKCS #10 request signed by it there. *ret_request is
     * malloc()ed DER. Called once, after GetPolicies.
     */
    enum enroll_exit (*make_request)(void *context, const struct certificate_requirements *requirements,
                                     uint8_t **ret_request, size_t *ret_size, struct enroll_error *ret_error);
};

struct flow_options {
    const char *address;        /* user@domain or a domain; NULL with discovery_url alone */
    const char *discovery_url;  /* full URL, typed by the operator: no name resolution, no probe; or NULL */
    const char *request_version;/* "4.0" */
    const char *const *accept_redirects; /* host names, NULL-terminated; or NULL */
    const struct device_profile *profile;
    struct net *net;
    struct auth_options *auth;
    bool stop_after_policy;     /* intune-enroll policy */
};

/* What the five steps gave. Free with flow_result_free(). */
struct flow_result {
    char *discovery_url;        /* as finally answered, after accepted redirects */
    char *policy_url;
    char *enrollment_url;
    char *user;                 /* may be NULL */
    char *auth_policy;          /* "OnPremise", "Federated", "Certificate" */
    char *enrollment_version;   /* may be NULL */
    struct certificate_requirements requirements;
    struct provisioning_document *document; /* NULL after stop_after_policy or when pending */
    bool pending;
    char *request_id;           /* when pending */
    char *disposition;          /* the server's words when pending, may be NULL */
};

enum enroll_exit flow_enroll(const struct flow_options *options, const struct flow_callbacks *callbacks,
                             struct flow_result *ret_result, struct enroll_error *ret_error) __attribute__((warn_unused_result));

void flow_result_free(struct flow_result *result);

#endif
