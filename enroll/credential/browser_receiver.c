#include "browser_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "peer.h"
#include "secret.h"

#define CONNECTION_MEMORY 32768 /* request head and response */
#define FORM_TYPE         "application/x-www-form-urlencoded"

struct browser_receiver {
    struct MHD_Daemon *daemon;
    struct sockaddr_in address;
    char host[32];
    char path[40];
    char url[80];
    /* Of the first answer, and whether its response was sent. */
    enum browser_verdict verdict;
    bool responded;
    char *token, *text;
    void (*warn)(void *context, const char *text);
    void *context;
    unsigned refusals_reported;
    char refusal[160]; /* the last one reported */
};

/* A request that may be an answer. */
struct post {
    size_t size;
    bool answers; /* its verdict is the receiver's */
    char form[BROWSER_BODY_MAX];
};

static void refusal_report(struct browser_receiver *receiver, const char *text)
{
    if (receiver->warn == NULL || receiver->refusals_reported == RECEIVER_REFUSALS_REPORTED ||
        strcmp(receiver->refusal, text) == 0)
        return;
    snprintf(receiver->refusal, sizeof(receiver->refusal), "%s", text);
    receiver->refusals_reported++;
    receiver->warn(receiver->context, text);
}

/* Before anything is read: other users cannot use up the connections either. */
static enum MHD_Result peer_accept(void *context, const struct sockaddr *address, socklen_t size)
{
    struct browser_receiver *receiver = context;
    struct sockaddr_in peer;
    char text[sizeof(receiver->refusal)];
    uid_t user = 0;

    if (size != sizeof(peer) || address->sa_family != AF_INET)
        return MHD_NO;
    memcpy(&peer, address, sizeof(peer));
    if (!peer_user_find(&peer, &receiver->address, &user)) {
        refusal_report(receiver, "refused a connection to the sign-in receiver: its user is unknown");
        return MHD_NO;
    }
    if (peer_user_expected(user))
        return MHD_YES;
    snprintf(text, sizeof(text),
             "refused a connection of user id %u to the sign-in receiver: only user id %u is allowed",
             (unsigned)user, (unsigned)geteuid());
    refusal_report(receiver, text);
    return MHD_NO;
}

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *text)
{
    static const char *const headers[][2] = {{"Content-Type", "text/html; charset=utf-8"},
                                             {"Cache-Control", "no-store"},
                                             {"Content-Security-Policy", "default-src 'none'"},
                                             {"Referrer-Policy", "no-referrer"},
                                             {"Connection", "close"}};
    char page[256];
    int size = snprintf(page, sizeof(page), "<!doctype html><title>intune-enroll</title><p>%s</p>\n", text);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)size, page, MHD_RESPMEM_MUST_COPY);
    enum MHD_Result result = response != NULL ? MHD_YES : MHD_NO;

    for (size_t i = 0; result == MHD_YES && i < sizeof(headers) / sizeof(headers[0]); i++)
        result = MHD_add_response_header(response, headers[i][0], headers[i][1]);
    if (result == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    if (response != NULL)
        MHD_destroy_response(response);
    return result;
}

struct header {
    const char *name, *value;
    unsigned count;
};

static enum MHD_Result header_compare(void *context, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct header *header = context;

    (void)kind;
    if (strcasecmp(name, header->name) == 0) {
        header->value = value;
        header->count++;
    }
    return MHD_YES;
}

/* A header's value; NULL if it is absent or repeated. */
static const char *header_find(struct MHD_Connection *connection, const char *name)
{
    struct header header = {.name = name};

    MHD_get_connection_values(connection, MHD_HEADER_KIND, header_compare, &header);
    return header.count == 1 ? header.value : NULL;
}

/* 0, or the HTTP status that refuses the head. */
static unsigned head_refusal(const struct browser_receiver *receiver, struct MHD_Connection *connection,
                             const char *url, const char *method)
{
    const char *value;

    if (strcmp(method, "POST") != 0)
        return 405;
    if (strcmp(url, receiver->path) != 0 ||
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) != 0)
        return 404;
    /* Another host name that resolves to this address: DNS rebinding. */
    value = header_find(connection, "Host");
    if (value == NULL || strcasecmp(value, receiver->host) != 0)
        return 400;
    value = header_find(connection, "Content-Type");
    if (value == NULL || strncasecmp(value, FORM_TYPE, sizeof(FORM_TYPE) - 1) != 0 ||
        (value[sizeof(FORM_TYPE) - 1] != '\0' && value[sizeof(FORM_TYPE) - 1] != ';'))
        return 415;
    value = header_find(connection, "Content-Length");
    if (value == NULL || *value == '\0' || strlen(value) > 9 || strspn(value, "0123456789") != strlen(value))
        return 411;
    return strtoul(value, NULL, 10) > BROWSER_BODY_MAX ? 413 : 0;
}

static enum MHD_Result post_judge(struct browser_receiver *receiver, struct MHD_Connection *connection,
                                  struct post *post)
{
    enum browser_verdict verdict = BROWSER_REFUSED;

    if (receiver->verdict == BROWSER_INCOMPLETE)
        verdict = browser_answer_judge(post->form, post->size, &receiver->token, &receiver->text);
    if (verdict == BROWSER_REFUSED)
        return respond(connection, 400, "unexpected request");
    receiver->verdict = verdict;
    post->answers = true;
    return respond(connection, 200,
                   verdict == BROWSER_TOKEN ? "Signed in. You can close this window."
                                            : "The sign-in failed. You can close this window.");
}

/* Called with the head, then with each part of the body, then with none. */
static enum MHD_Result request_receive(void *context, struct MHD_Connection *connection, const char *url,
                                       const char *method, const char *version, const char *data,
                                       size_t *size, void **state)
{
    struct browser_receiver *receiver = context;
    struct post *post = *state;

    (void)version;
    if (post == NULL) {
        unsigned status = head_refusal(receiver, connection, url, method);

        if (status != 0)
            return respond(connection, status, "unexpected request");
        *state = calloc(1, sizeof(*post));
        return *state != NULL ? MHD_YES : MHD_NO;
    }
    if (*size == 0)
        return post_judge(receiver, connection, post);
    if (*size > sizeof(post->form) - post->size)
        return MHD_NO;
    memcpy(post->form + post->size, data, *size);
    post->size += *size;
    *size = 0;
    return MHD_YES;
}

static void request_end(void *context, struct MHD_Connection *connection, void **state,
                        enum MHD_RequestTerminationCode code)
{
    struct browser_receiver *receiver = context;
    struct post *post = *state;

    (void)connection;
    (void)code;
    if (post == NULL)
        return;
    receiver->responded = receiver->responded || post->answers;
    OPENSSL_cleanse(post, sizeof(*post));
    free(post);
    *state = NULL;
}

static void log_nothing(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments;
}

/* Without threads: it runs in browser_receiver_serve(). */
static bool daemon_start(struct browser_receiver *receiver)
{
    const union MHD_DaemonInfo *info;

    receiver->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    receiver->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, peer_accept, receiver, request_receive, receiver,
        MHD_OPTION_EXTERNAL_LOGGER, log_nothing, NULL, MHD_OPTION_SOCK_ADDR, &receiver->address,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)RECEIVER_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)RECEIVER_CONNECTION_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, request_end, receiver, MHD_OPTION_END);
    info = receiver->daemon != NULL ? MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (info == NULL || info->port == 0)
        return false;
    receiver->address.sin_port = htons(info->port);
    snprintf(receiver->host, sizeof(receiver->host), "127.0.0.1:%u", (unsigned)info->port);
    return true;
}

struct browser_receiver *browser_receiver_new(void (*warn)(void *context, const char *text), void *context)
{
    struct browser_receiver *receiver = calloc(1, sizeof(*receiver));
    uint8_t random[16];

    if (receiver == NULL)
        return NULL;
    receiver->warn = warn;
    receiver->context = context;
    if (RAND_bytes(random, sizeof(random)) != 1 || !daemon_start(receiver)) {
        browser_receiver_free(receiver);
        return NULL;
    }
    receiver->path[0] = '/';
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(receiver->path + 1 + 2 * i, 3, "%02x", random[i]);
    snprintf(receiver->url, sizeof(receiver->url), "http://%s%s", receiver->host, receiver->path);
    return receiver;
}

const char *browser_receiver_url(const struct browser_receiver *receiver)
{
    return receiver->url;
}

enum browser_verdict browser_receiver_serve(struct browser_receiver *receiver, char **ret_token,
                                            char **ret_text)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd ready = {.fd = info != NULL ? info->epoll_fd : -1, .events = POLLIN};
    MHD_UNSIGNED_LONG_LONG wait = 1000;

    if (MHD_get_timeout(receiver->daemon, &wait) != MHD_YES || wait > 1000)
        wait = 1000;
    if (poll(&ready, 1, (int)wait) < 0 || MHD_run(receiver->daemon) != MHD_YES || !receiver->responded)
        return BROWSER_INCOMPLETE;
    if (receiver->verdict == BROWSER_TOKEN) {
        *ret_token = receiver->token;
        receiver->token = NULL;
    } else {
        *ret_text = receiver->text;
        receiver->text = NULL;
    }
    return receiver->verdict;
}

void browser_receiver_free(struct browser_receiver *receiver)
{
    if (receiver == NULL)
        return;
    if (receiver->daemon != NULL)
        MHD_stop_daemon(receiver->daemon);
    secret_free(receiver->token);
    free(receiver->text);
    free(receiver);
}
