#include "raw.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "http.h"
#include "identity.h"
#include "journal.h"
#include "server.h"
#include "soap.h"

#define REQUEST_MAX 65536
#define PAUSES_MAX  120 /* seconds after which a slow answer gives up by itself */

struct raw_mode;

struct raw {
    struct server *server;
    const struct raw_mode *mode;
    int listener;
    int stop[2]; /* a pipe: its end is the sign to stop */
    SSL_CTX *context;
    pthread_t thread;
};

struct connection {
    struct raw *raw;
    int descriptor;
    SSL *tls; /* NULL for modes without */
    char request[REQUEST_MAX];
};

struct raw_mode {
    const char *name;
    enum { HANDSHAKE_NONE, HANDSHAKE_DONE, REQUEST_READ } until;
    void (*act)(struct connection *connection);
};

/* Waits; returns false when the server stops or the client has gone. */
static bool pause_make(const struct connection *connection, int milliseconds)
{
    struct pollfd waits[] = {{.fd = connection->raw->stop[0], .events = POLLIN},
                             {.fd = connection->descriptor, .events = POLLRDHUP}};
    return poll(waits, 2, milliseconds) == 0;
}

static bool send_bytes(const struct connection *connection, const char *bytes, size_t size)
{
    if (connection->tls)
        return SSL_write(connection->tls, bytes, (int)size) > 0;
    return send(connection->descriptor, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void send_text(const struct connection *connection, const char *string)
{
    (void)send_bytes(connection, string, strlen(string));
}

static void hold(const struct connection *connection)
{
    (void)pause_make(connection, PAUSES_MAX * 1000);
}

static void not_http(struct connection *connection)
{
    send_text(connection, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n\x01\x02\x03\xff\xfe not http at all\r\n\r\n");
}

static void drip_headers(struct connection *connection)
{
    const char *answer =
        "HTTP/1.1 200 OK\r\nContent-Type: " SOAP_CONTENT_TYPE "\r\nX-Slow: 0123456789012345678901234567890"
        "12345678901234567890123456789012345678901234567890123456789\r\nContent-Length: 5\r\n\r\n<a/>\n";
    for (; *answer && send_bytes(connection, answer, 1); answer++)
        if (!pause_make(connection, 1000))
            return;
}

static void endless_headers(struct connection *connection)
{
    send_text(connection, "HTTP/1.1 200 OK\r\n");
    for (unsigned i = 0; i < 10000000; i++) {
        char line[64];
        int size = snprintf(line, sizeof line, "X-Header-%u: %032u\r\n", i, i);
        if (!send_bytes(connection, line, (size_t)size) || ((i % 1000) == 0 && !pause_make(connection, 0)))
            return;
    }
}

static void short_answer_send(const struct connection *connection)
{
    send_text(connection,
              "HTTP/1.1 200 OK\r\nContent-Type: " SOAP_CONTENT_TYPE "\r\nContent-Length: 100000\r\n\r\n"
              "<s:Envelope xmlns:s=\"" SOAP_NAMESPACE "\"><s:Header>");
}

static void truncated(struct connection *connection)
{
    short_answer_send(connection);
    (void)shutdown(connection->descriptor, SHUT_RDWR);
}

static void short_body(struct connection *connection)
{
    short_answer_send(connection);
}

static void two_lengths(struct connection *connection)
{
    send_text(connection, "HTTP/1.1 200 OK\r\nContent-Type: " SOAP_CONTENT_TYPE "\r\nContent-Length: 4\r\n"
                          "Content-Length: 40\r\n\r\n<a/><b/>");
}

static void bad_chunk(struct connection *connection)
{
    send_text(connection,
              "HTTP/1.1 200 OK\r\nContent-Type: " SOAP_CONTENT_TYPE "\r\nTransfer-Encoding: chunked\r\n\r\n"
              "zzzzzzzzzzzzzzzzzzzz\r\n<a/>\r\n");
}

static void many_100(struct connection *connection)
{
    for (unsigned i = 0; i < 10000000; i++)
        if (!send_bytes(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25) ||
            ((i % 1000) == 0 && !pause_make(connection, 0)))
            return;
}

static void silent(struct connection *connection)
{
    hold(connection);
}

static void plain_http(struct connection *connection)
{
    send_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    hold(connection);
}

/* Closing with the ClientHello taken: TLS ends before it has begun. */
static void alert(struct connection *connection)
{
    static const char handshake_failure[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28};
    (void)recv(connection->descriptor, connection->request, sizeof connection->request, 0);
    (void)send_bytes(connection, handshake_failure, sizeof handshake_failure);
}

static void reset(struct connection *connection)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(connection->descriptor, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static const struct raw_mode raw_modes[] = {
    {"not-http", REQUEST_READ, not_http},
    {"drip-headers", REQUEST_READ, drip_headers},
    {"endless-headers", REQUEST_READ, endless_headers},
    {"truncated", REQUEST_READ, truncated},
    {"short-body", REQUEST_READ, short_body},
    {"two-lengths", REQUEST_READ, two_lengths},
    {"bad-chunk", REQUEST_READ, bad_chunk},
    {"many-100", REQUEST_READ, many_100},
    {"silent", HANDSHAKE_DONE, silent},
    {"no-handshake", HANDSHAKE_NONE, silent},
    {"plain-http", HANDSHAKE_NONE, plain_http},
    {"alert", HANDSHAKE_NONE, alert},
    {"reset", REQUEST_READ, reset},
};

/* Reads the header and as much of the body as Content-Length says; enough is enough at REQUEST_MAX. */
static bool request_read(struct connection *connection)
{
    size_t size = 0;
    for (;;) {
        int count = SSL_read(connection->tls, connection->request + size, (int)(REQUEST_MAX - 1 - size));
        if (count <= 0)
            return false;
        size += (size_t)count;
        connection->request[size] = '\0';
        const char *end = strstr(connection->request, "\r\n\r\n");
        const char *length = strcasestr(connection->request, "\r\nContent-Length:");
        size_t body = length && end && length < end ? strtoul(length + 17, NULL, 10) : 0;
        if (size == REQUEST_MAX - 1 || (end && size - (size_t)(end + 4 - connection->request) >= body))
            return true;
    }
}

static void request_log(const struct connection *connection)
{
    char method[16] = "";
    char path[256] = "";
    (void)sscanf(connection->request, "%15s %255s", method, path);
    struct request request = {.method = method, .path = path};
    struct reply reply = {0};
    (void)snprintf(reply.outcome, sizeof reply.outcome, "raw=%s", connection->raw->mode->name);
    journal_request_write(connection->raw->server->journal, &request, &reply);
}

static void connection_serve(struct connection *connection)
{
    const struct raw_mode *mode = connection->raw->mode;
    if (mode->until == HANDSHAKE_NONE) {
        mode->act(connection);
        return;
    }
    connection->tls = SSL_new(connection->raw->context);
    if (!connection->tls || SSL_set_fd(connection->tls, connection->descriptor) != 1)
        abort();
    if (SSL_accept(connection->tls) == 1) {
        if (mode->until == HANDSHAKE_DONE) {
            mode->act(connection);
        } else if (request_read(connection)) {
            request_log(connection);
            if (strncmp(connection->request, "GET ", 4) == 0)
                send_text(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            else
                mode->act(connection);
            if (mode->act != reset && mode->act != truncated)
                (void)SSL_shutdown(connection->tls);
        }
    }
    ERR_clear_error();
    SSL_free(connection->tls);
}

/* One connection after the other: a client under attack opens the next one only when it has left the last. */
static void *raw_serve(void *context)
{
    struct raw *raw = context;
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    for (;;) {
        struct pollfd waits[] = {{.fd = raw->stop[0], .events = POLLIN},
                                 {.fd = raw->listener, .events = POLLIN}};
        if (poll(waits, 2, -1) > 0 && waits[0].revents)
            break;
        const struct timeval limit = {.tv_sec = 10};
        memset(connection, 0, sizeof *connection);
        connection->raw = raw;
        connection->descriptor = accept4(raw->listener, NULL, NULL, SOCK_CLOEXEC);
        if (connection->descriptor < 0)
            continue;
        (void)setsockopt(connection->descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        (void)setsockopt(connection->descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        connection_serve(connection);
        (void)close(connection->descriptor);
    }
    free(connection);
    return NULL;
}

static SSL_CTX *context_make(const struct identity *identity)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate_bio = BIO_new_mem_buf(identity->certificate, -1);
    BIO *key_bio = BIO_new_mem_buf(identity->key, -1);
    X509 *certificate = PEM_read_bio_X509(certificate_bio, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(key_bio, NULL, NULL, NULL);
    if (!context || SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1)
        abort();
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    return context;
}

struct raw *raw_start(struct server *server, const struct identity *identity, const char *mode)
{
    struct raw *raw = calloc(1, sizeof *raw);
    if (!raw)
        abort();
    raw->server = server;
    for (size_t i = 0; i < sizeof raw_modes / sizeof *raw_modes; i++)
        if (strcmp(raw_modes[i].name, mode) == 0)
            raw->mode = &raw_modes[i];
    raw->listener = http_socket_open(&server->options, &server->port);
    if (!raw->mode || raw->listener < 0) {
        free(raw);
        return NULL;
    }
    raw->context = context_make(identity);
    if (pipe(raw->stop) != 0 || pthread_create(&raw->thread, NULL, raw_serve, raw) != 0)
        abort();
    return raw;
}

void raw_stop(struct raw *raw)
{
    if (!raw)
        return;
    (void)close(raw->stop[1]);
    (void)pthread_join(raw->thread, NULL);
    (void)close(raw->stop[0]);
    (void)close(raw->listener);
    SSL_CTX_free(raw->context);
    free(raw);
}
