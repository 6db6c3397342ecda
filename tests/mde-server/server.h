/*
 * The MDE2 test server's inner shape. http.c takes requests and finds the handler; a handler is a function
 * from a request to a reply; each protocol message has a file of its own. One lock is held while a handler
 * runs, so that a handler may use the server's state freely.
 *
 * Nothing here comes from the client's sources: the messages are read and written as the specifications have
 * them, so that a misreading on one side shows.
 */
#ifndef MDE_SERVER_SERVER_H
#define MDE_SERVER_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <openssl/types.h>

#include "modes.h"
#include "options.h"
#include "text.h"

struct authority;
struct journal;
struct tokens;

struct server {
    struct options options;
    struct authority *authority;
    struct journal *journal;
    struct tokens *tokens;
    unsigned port;
    pthread_mutex_t lock;
};

struct request {
    struct server *server;
    const char *method;
    const char *path; /* without the query */
    const char *url;  /* https://HOST/path?query as the client sees it */
    const char *host; /* the Host header, "" without */
    const char *content_type;
    const char *transfer_encoding;
    bool has_length;  /* Content-Length was sent */
    const char *body; /* ends with a NUL that body_size does not count */
    size_t body_size;
    X509 *tls_certificate; /* what the client showed in the handshake, not checked yet; NULL for nothing */
    void *connection;      /* of the HTTP library, for request_parameter_get */
};

enum reply_delivery {
    DELIVERY_WHOLE,
    DELIVERY_DRIP,
    DELIVERY_STALL,
    DELIVERY_CUT,
    DELIVERY_HUGE,
    DELIVERY_ENDLESS
};

struct reply {
    unsigned status;
    const char *content_type; /* NULL for none */
    struct text body;
    struct text location;        /* empty for none */
    struct text retry_after;     /* empty for none */
    const char *security_policy; /* Content-Security-Policy, NULL for none */
    enum reply_delivery delivery;
    unsigned seconds;  /* the pause of a drip or stall */
    char step[16];     /* for the log and the name of the received message; "" for what is not recorded */
    char outcome[640]; /* for the log */
};

typedef void request_handler(const struct request *request, struct reply *reply);

/* The handlers; each stands in the file of its name. */
void discovery_probe(const struct request *request, struct reply *reply);
void discovery_answer(const struct request *request, struct reply *reply);
void policies_answer(const struct request *request, struct reply *reply);
void enrollment_answer(const struct request *request, struct reply *reply);
void oauth_device_code_answer(const struct request *request, struct reply *reply);
void oauth_token_answer(const struct request *request, struct reply *reply);
void oauth_configuration_answer(const struct request *request, struct reply *reply);
void federated_page_answer(const struct request *request, struct reply *reply);

#endif
