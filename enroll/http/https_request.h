/* One HTTPS request and its answer. */
#ifndef ENROLL_HTTPS_REQUEST_H
#define ENROLL_HTTPS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"

#define HTTPS_BODY_MAX        (1024 * 1024)
#define HTTPS_URL_MAX         2048
#define HTTPS_REDIRECTS_MAX   3
#define HTTPS_TIMEOUT_DEFAULT 60 /* seconds */
#define HTTPS_RETRY_AFTER_MAX                                                                                \
    120 /* seconds; longer waits are an error                                                                \
         */

/* Whether a redirect to another host may be followed. */
struct https_redirects {
    const char *const *accept;                            /* host names, NULL-terminated; or NULL */
    bool (*confirm)(void *context, const char *question); /* or NULL: no terminal */
    void *context;
};

struct https_request {
    const char *name;         /* for messages: "Discover" */
    const char *url;          /* https */
    const char *content_type; /* of body */
    const uint8_t *body;      /* NULL: GET */
    size_t body_size;
    /*
     * Makes the body anew for the URL a redirect leads to, because it names where it is sent; NULL: it stays
     * as it is. The result stays the callee's and must last until the next call or the end of
     * https_client_send().
     */
    enum enroll_exit (*readdress)(void *context, const char *url, const uint8_t **ret_body, size_t *ret_size);
    void *readdress_context;
    const char *bearer;                      /* token of the Authorization header; NULL: none */
    const char *user_agent;                  /* NULL: that of MS-MDE2 */
    bool credentials;                        /* the body holds some: no other host, ever; implied by bearer */
    const struct https_redirects *redirects; /* NULL: another host is refused */
    unsigned retries;                        /* how often 429 or 503 with Retry-After may be tried again */
    EVP_PKEY *client_key;                    /* TLS client authentication; NULL for none; not owned */
    X509 *client_certificate;
    STACK_OF(X509) * client_chain; /* may be NULL */
};

struct https_response {
    long status;
    char *content_type; /* may be NULL */
    char *url;          /* that answered, after redirects */
    long retry_after;   /* seconds the server asks to wait, 0: none */
    uint8_t *body;      /* terminated by a 0 that body_size does not count; wiped when freed */
    size_t body_size;
};

#endif
