/*
 * enroll/http: HTTPS through libcurl, and the TPM key as OpenSSL sees it. Called by the protocols and
 * credential sources; knows nothing of messages.
 *
 * https only, TLS 1.2 and up, certificates always verified. Redirects are followed by hand (MS-MDE2 3.1.4.1:
 * a POST stays a POST), at most three, and never with credentials to another host. Bodies end at 1 MiB. The
 * system's proxy settings (https_proxy, no_proxy) are honoured. Retry-After is obeyed a bounded number of
 * times.
 */
#ifndef ENROLL_HTTPS_CLIENT_H
#define ENROLL_HTTPS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"
#include "https_request.h"

struct https_client;

/* One request and its answer, as an observer sees them. Valid during the call only; bodies hold secrets. */
struct https_exchange {
    const char *name; /* "Discover" */
    const char *url;
    const uint8_t *request; /* NULL for GET */
    size_t request_size;
    const char *request_type;  /* NULL for GET */
    long status;               /* 0: no answer */
    const char *response_type; /* may be NULL */
    const uint8_t *response;
    size_t response_size;
    const char *location;    /* of a redirect, may be NULL */
    const char *failure;     /* why there is no answer, may be NULL */
    const char *tls;         /* "TLSv1.3", may be NULL */
    bool client_certificate; /* TLS client authentication was offered */
    double started;          /* seconds since the epoch */
    double seconds;          /* how long it took */
};

struct https_client_options {
    const char *ca_file;        /* PEM; NULL: the system's */
    const char *const *resolve; /* "HOST:PORT:ADDRESS", NULL-terminated; or NULL */
    unsigned timeout_seconds;   /* of one request; 0: HTTPS_TIMEOUT_DEFAULT */
    void (*observe)(void *context, const struct https_exchange *exchange); /* or NULL */
    void *observe_context;
    bool (*cancelled)(void *context); /* looked at while waiting; or NULL */
    void *cancelled_context;
};

/* Strings of options must outlive the result. Errors: ENROLL_CONFIGURATION, ENROLL_FAILED. */
enum enroll_exit https_client_new(const struct https_client_options *options, struct https_client **ret_net,
                                  struct enroll_error *ret_error) __attribute__((warn_unused_result));
void https_client_free(struct https_client *client);

/*
 * Sends it and reads the answer, whatever its status. Errors: ENROLL_UNREACHABLE, ENROLL_TLS, ENROLL_PROTOCOL
 * (oversized, malformed HTTP), ENROLL_UNSAFE (redirect), ENROLL_CANCELLED.
 */
enum enroll_exit https_client_send(struct https_client *client, const struct https_request *request,
                                   struct https_response *ret_response, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
void https_response_free(struct https_response *response);

#endif
