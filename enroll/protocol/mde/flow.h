/*
 * The five steps of MS-MDE2 as one function that reads like the sequence diagram: resolve, Discover, security
 * token, GetPolicies, RequestSecurityToken. It owns no terminal, no TPM and no token directory: those are
 * callbacks.
 */
#ifndef ENROLL_FLOW_H
#define ENROLL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "policies.h"
#include "protocol.h"
#include "provisioning_document.h"
#include "signing_key.h"

struct device_profile;     /* enroll/profile.h: what the device says about itself */
struct https_client;       /* https_client.h: HTTPS with its options (CA file, resolve, timeout, trace) */
struct credential_options; /* credential.h */

/* The five steps, as progress and errors number them. */
enum mde_step { STEP_RESOLVE = 1, STEP_DISCOVER, STEP_TOKEN, STEP_POLICY, STEP_ENROL };

struct flow_callbacks {
    void *context;
    /* A step began, has something to say, ended. `text` is one printable line. */
    void (*progress)(void *context, unsigned step, enum progress_state state, const char *text);
    /* Asks yes or no; false where there is nobody to ask. */
    bool (*confirm)(void *context, const char *question);
    /*
     * Makes the key that the policy asks for, in the TPM, and a PKCS #10 request signed by it there.
     * *ret_request is malloc()ed DER. Called once, after GetPolicies.
     */
    enum enroll_exit (*make_request)(void *context, const struct certificate_requirements *requirements,
                                     uint8_t **ret_request, size_t *ret_size, struct enroll_error *ret_error);
};

struct flow_options {
    const char *address;         /* user@domain or a domain; NULL with discovery_url alone */
    const char *discovery_url;   /* full URL, typed by the operator: no name resolution, no probe; or NULL */
    const char *request_version; /* "4.0" */
    const char *const *accept_redirects; /* host names, NULL-terminated; or NULL */
    const struct device_profile *profile;
    struct https_client *client;
    const struct credential_options *auth;
    const char *token_type;       /* "user" or "jwt": the ValueType of a token; NULL: "user" */
    bool stop_after_policy;       /* intune-enroll policy */
    const char *tpm_manufacturer; /* for GetPolicies when the profile says so; NULL: left out */
    const char *tpm_firmware;     /* "8217.4131.22.13878" */
};

/* What the five steps gave. Free with flow_result_free(). */
struct flow_result {
    char *discovery_url; /* as finally answered, after accepted redirects */
    char *policy_url;
    char *enrollment_url;
    char *user;               /* may be NULL */
    char *auth_policy;        /* "OnPremise", "Federated", "Certificate" */
    char *enrollment_version; /* may be NULL */
    struct certificate_requirements requirements;
    struct provisioning_document *document; /* NULL after stop_after_policy or when pending */
    bool pending;
    char *request_id;  /* when pending */
    char *disposition; /* the server's words when pending, may be NULL */
};

/*
 * Runs the five steps. A pending answer is ENROLL_OK with ret_result->pending: the caller keeps the key. On
 * failure nothing is left in *ret_result to free.
 */
enum enroll_exit flow_enroll(const struct flow_options *options, const struct flow_callbacks *callbacks,
                             struct flow_result *ret_result, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* A request that the server had not decided: what flow_enroll() left in its result. */
struct flow_pending {
    const char *enrollment_url; /* only this host is asked */
    const char *request_id;
};

/*
 * Asks again for a pending request (MS-WSTEP QueryTokenStatus): resolve, Discover, token, and the question.
 * make_request is not called. Pending again is ENROLL_OK with ret_result->pending.
 */
enum enroll_exit flow_resume(const struct flow_options *options, const struct flow_pending *pending,
                             const struct flow_callbacks *callbacks, struct flow_result *ret_result,
                             struct enroll_error *ret_error) __attribute__((warn_unused_result));

/* The enrolment that is to be renewed. */
struct flow_renewal {
    const char *renew_url; /* WSTEP/Renew/ServerURL as enrolled; NULL: through discovery_url of the options */
    const char *const *accepted_hosts; /* of enrollment.conf, NULL-terminated: no other host is spoken to */
    const char *user;                  /* for the UsernameToken; may be NULL */
    const uint8_t *certificate;        /* DER of the present certificate */
    size_t certificate_size;
    const uint8_t *const *chain; /* DER of its chain for TLS, chain_count of them; may be NULL */
    const size_t *chain_sizes;
    size_t chain_count;
    const struct signing_key *key; /* the present key: it signs the request and the TLS handshakes */
};

/*
 * Renews (MS-MDE2 3.5): Discover, GetPolicies, make_request for a new key, CMS by the present key, TLS client
 * authentication with the present certificate. options->discovery_url is that of the enrolment; address and
 * auth are not used. Errors as flow_enroll(), and ENROLL_CANNOT_RENEW when the server says that this
 * certificate cannot be.
 */
enum enroll_exit flow_renew(const struct flow_options *options, const struct flow_renewal *renewal,
                            const struct flow_callbacks *callbacks, struct flow_result *ret_result,
                            struct enroll_error *ret_error) __attribute__((warn_unused_result));

void flow_result_free(struct flow_result *result);

#endif
