#include "browser_receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "peer.h"

#define REQUEST_MAX (BROWSER_HEADER_MAX + BROWSER_BODY_MAX + 4)

struct connection {
    int fd; /* -1: free */
    time_t end;
    char *bytes;
    size_t size;
};

struct browser_receiver {
    int listener;
    char host[32];
    char path[40];
    char url[80];
    struct connection connections[RECEIVER_CONNECTIONS];
    void (*warn)(void *context, const char *text);
    void *context;
    unsigned refusals_told;
    char refusal[160]; /* the last one told */
};

static time_t now(void)
{
    struct timespec clock;

    clock_gettime(CLOCK_MONOTONIC, &clock);
    return clock.tv_sec;
}

static bool listener_open(struct browser_receiver *receiver)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    receiver->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (receiver->listener < 0 ||
        bind(receiver->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(receiver->listener, RECEIVER_CONNECTIONS) != 0 ||
        getsockname(receiver->listener, (struct sockaddr *)&address, &size) != 0)
        return false;
    snprintf(receiver->host, sizeof(receiver->host), "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return true;
}

struct browser_receiver *browser_receiver_new(void (*warn)(void *context, const char *text), void *context)
{
    struct browser_receiver *receiver = calloc(1, sizeof(*receiver));
    uint8_t random[16];

    if (receiver == NULL)
        return NULL;
    receiver->listener = -1;
    receiver->warn = warn;
    receiver->context = context;
    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++)
        receiver->connections[i].fd = -1;
    if (RAND_bytes(random, sizeof(random)) != 1 || !listener_open(receiver)) {
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

static void connection_close(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    if (connection->bytes != NULL)
        OPENSSL_cleanse(connection->bytes, REQUEST_MAX);
    free(connection->bytes);
    *connection = (struct connection){.fd = -1};
}

/* The last word to a browser; what cannot be sent at once is not sent. */
static void answer(struct connection *connection, unsigned status, const char *reason, const char *words)
{
    char page[256], text[768];
    int page_size =
        snprintf(page, sizeof(page), "<!doctype html><title>intune-enroll</title><p>%s</p>\n", words);
    int size =
        snprintf(text, sizeof(text),
                 "HTTP/1.1 %u %s\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n"
                 "Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\n"
                 "Content-Length: %d\r\nConnection: close\r\n\r\n%s",
                 status, reason, page_size, page);

    if (size > 0 && (size_t)size < sizeof(text) &&
        send(connection->fd, text, (size_t)size, MSG_NOSIGNAL | MSG_DONTWAIT) == size)
        shutdown(connection->fd, SHUT_WR);
}

static void refusal_tell(struct browser_receiver *receiver, const char *text)
{
    if (receiver->warn == NULL || receiver->refusals_told == RECEIVER_REFUSALS_TOLD ||
        strcmp(receiver->refusal, text) == 0)
        return;
    snprintf(receiver->refusal, sizeof(receiver->refusal), "%s", text);
    receiver->refusals_told++;
    receiver->warn(receiver->context, text);
}

/* Looked at before anything is read: a stranger gets no place that the browser may need. */
static bool peer_accept(struct browser_receiver *receiver, int fd)
{
    char text[sizeof(receiver->refusal)];
    uid_t user = 0;

    if (!peer_user_find(fd, &user)) {
        refusal_tell(receiver, "Refused a connection to the sign-in's receiver: whose it is cannot be told.");
        return false;
    }
    if (peer_user_expected(user))
        return true;
    snprintf(
        text, sizeof(text),
        "Refused a connection of user id %u to the sign-in's receiver: only the browser of user id %u is "
        "waited for.",
        (unsigned)user, (unsigned)geteuid());
    refusal_tell(receiver, text);
    return false;
}

static void connection_accept(struct browser_receiver *receiver)
{
    int fd = accept4(receiver->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0 && !peer_accept(receiver, fd)) {
        close(fd);
        return;
    }

    for (size_t i = 0; fd >= 0 && i < RECEIVER_CONNECTIONS; i++) {
        struct connection *connection = &receiver->connections[i];

        if (connection->fd >= 0)
            continue;
        connection->bytes = calloc(1, REQUEST_MAX);
        if (connection->bytes == NULL)
            break;
        connection->fd = fd;
        connection->end = now() + RECEIVER_CONNECTION_SECONDS;
        return;
    }
    if (fd >= 0)
        close(fd);
}

static enum browser_verdict connection_read(const struct browser_receiver *receiver,
                                            struct connection *connection, char **ret_token, char **ret_text)
{
    ssize_t count =
        recv(connection->fd, connection->bytes + connection->size, REQUEST_MAX - connection->size, 0);
    enum browser_verdict verdict;
    unsigned status = 400;

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return BROWSER_INCOMPLETE;
    if (count <= 0) {
        connection_close(connection);
        return BROWSER_INCOMPLETE;
    }
    connection->size += (size_t)count;
    verdict = browser_answer_judge(connection->bytes, connection->size, receiver->host, receiver->path,
                                   &status, ret_token, ret_text);
    if (verdict == BROWSER_INCOMPLETE && connection->size < REQUEST_MAX)
        return BROWSER_INCOMPLETE;
    if (verdict == BROWSER_TOKEN)
        answer(connection, 200, "OK", "Signed in. You can close this window.");
    else if (verdict == BROWSER_ERROR)
        answer(connection, 200, "OK", "The sign-in failed. You can close this window.");
    else
        answer(connection, status, "Refused", "This is not what is waited for.");
    connection_close(connection);
    return verdict == BROWSER_REFUSED ? BROWSER_INCOMPLETE : verdict;
}

enum browser_verdict browser_receiver_serve(struct browser_receiver *receiver, char **ret_token,
                                            char **ret_text)
{
    struct pollfd polls[RECEIVER_CONNECTIONS + 1] = {{.fd = receiver->listener, .events = POLLIN}};
    enum browser_verdict verdict = BROWSER_INCOMPLETE;

    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++) {
        if (receiver->connections[i].fd >= 0 && receiver->connections[i].end < now())
            connection_close(&receiver->connections[i]);
        polls[i + 1] = (struct pollfd){.fd = receiver->connections[i].fd, .events = POLLIN};
    }
    if (poll(polls, RECEIVER_CONNECTIONS + 1, 1000) <= 0)
        return BROWSER_INCOMPLETE;
    for (size_t i = 0; i < RECEIVER_CONNECTIONS && verdict == BROWSER_INCOMPLETE; i++)
        if (polls[i + 1].fd >= 0 && polls[i + 1].revents != 0)
            verdict = connection_read(receiver, &receiver->connections[i], ret_token, ret_text);
    if (polls[0].revents != 0)
        connection_accept(receiver);
    return verdict;
}

void browser_receiver_free(struct browser_receiver *receiver)
{
    if (receiver == NULL)
        return;
    for (size_t i = 0; i < RECEIVER_CONNECTIONS; i++)
        connection_close(&receiver->connections[i]);
    if (receiver->listener >= 0)
        close(receiver->listener);
    free(receiver);
}
