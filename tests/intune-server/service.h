/*
 * The Intune test server's inner shape. listener.c takes calls, checks their tokens and finds the handler; a
 * handler is a function from a call to an answer. One lock is held while a handler runs. Text, certificates
 * and the certification authority are those of tests/mde-server.
 *
 * Nothing here comes from the client's sources, so that a misreading on one side shows.
 */
#ifndef INTUNE_SERVER_SERVICE_H
#define INTUNE_SERVER_SERVICE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>
#include <openssl/types.h>

#include "behaviour.h"
#include "jwt.h"
#include "options.h"
#include "text.h"

/* Resources, as the audience of a token names them. */
#define AUDIENCE_GRAPH      "00000003-0000-0000-c000-000000000000"
#define AUDIENCE_ENROLLMENT "d4ebce55-015a-49b5-a083-c84d1797ae8c"
#define AUDIENCE_INTUNE     "0000000a-0000-0000-c000-000000000000"
#define AUDIENCE_IWSERVICE  "b8066b99-6e67-41be-abfa-75db1a2c8809"

#define ID_SIZE 37

struct authority;
struct MHD_Daemon;

struct service {
    const char *directory;
    struct options options; /* address, port, host and certificates, as tests/mde-server takes them */
    struct behaviour behaviour;
    struct json_object *policies; /* an array */
    unsigned renew_period;
    struct authority *authority;
    EVP_PKEY *token_key;
    FILE *log;
    unsigned received; /* the number of the last message */
    unsigned port;
    pthread_mutex_t lock;
};

struct call {
    struct service *service;
    const char *method;
    const char *path; /* decoded, without the query */
    const char *rest; /* what follows the route's path */
    const char *host; /* with the port */
    char device[JWT_DEVICE_SIZE];
    struct json_object *body; /* an object; NULL for a GET or an empty POST */
};

struct answer {
    unsigned status;
    const char *content_type;
    struct text body;
    unsigned retry_after; /* seconds, 0 for none */
    char step[16];
    char outcome[256]; /* for the log */
};

typedef void call_handler(const struct call *call, struct answer *answer);

/* The handlers. */
void endpoints_answer(const struct call *call, struct answer *answer);
void enroll_answer(const struct call *call, struct answer *answer);
void details_answer(const struct call *call, struct answer *answer);
void applicable_policies_answer(const struct call *call, struct answer *answer);
void status_answer(const struct call *call, struct answer *answer);
void compliance_answer(const struct call *call, struct answer *answer);
void retire_answer(const struct call *call, struct answer *answer);

/* Serves in threads of its own until MHD_stop_daemon. False when it cannot, with the reason printed. */
bool listener_start(struct service *service, struct MHD_Daemon **ret_daemon);

#endif
