#include "http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <openssl/x509.h>

#include "attack.h"
#include "authority.h"
#include "delivery.h"
#include "identity.h"
#include "journal.h"
#include "redirect.h"

#define BODY_SIZE_MAX (4 * 1024 * 1024)

struct http {
    struct server *server;
    struct MHD_Daemon *daemon;
};

/* A request while it comes in. */
struct incoming {
    char *raw_url; /* path and query as they were sent */
    struct text body;
    bool started;
    bool too_long;
};

struct route {
    const char *method;
    const char *path; /* a path that ends with * is the beginning of one, a path that begins with * its end */
    const char *step;
    request_handler *handler;
};

static const struct route routes[] = {
    {"GET", "/EnrollmentServer/Discovery.svc", "probe", discovery_probe},
    {"POST", "/EnrollmentServer/Discovery.svc", "discover", discovery_answer},
    {"POST", "/api/mdm/microsoft/discovery", "discover", discovery_answer},
    {"GET", "/redirected/*", "probe", discovery_probe},
    {"POST", "/redirected/*", "discover", discovery_answer},
    {"POST", "/EnrollmentServer/Policy.svc", "policy", policies_answer},
    {"POST", "/EnrollmentServer/Enrollment.svc", "issue", enrollment_answer},
    {"POST", "/EnrollmentServer/Renewal.svc", "issue", enrollment_answer},
    {"GET", "/EnrollmentServer/Authenticate", "", federated_page_answer},
    {"POST", "*/oauth2/v2.0/devicecode", "", oauth_device_code_answer},
    {"POST", "*/oauth2/v2.0/token", "", oauth_token_answer},
    {"POST", "*/oauth2/devicecode", "", oauth_device_code_answer},
    {"POST", "*/oauth2/token", "", oauth_token_answer},
    {"GET", "*/v2.0/.well-known/openid-configuration", "", oauth_configuration_answer},
};

/* Paths are compared without case, as the Windows servers do. */
static bool path_matches(const char *pattern, const char *path)
{
    size_t length = strlen(pattern);
    size_t path_length = strlen(path);
    if (pattern[0] == '*')
        return path_length >= length - 1 && strcasecmp(path + path_length - (length - 1), pattern + 1) == 0;
    if (pattern[length - 1] == '*')
        return strncasecmp(pattern, path, length - 1) == 0;
    return strcasecmp(pattern, path) == 0;
}

static void request_answer(const struct request *request, struct reply *reply)
{
    bool path_known = false;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!path_matches(routes[i].path, request->path))
            continue;
        path_known = true;
        if (strcmp(routes[i].method, request->method) != 0)
            continue;
        (void)snprintf(reply->step, sizeof reply->step, "%s", routes[i].step);
        if (*reply->step && redirect_answer(request, reply))
            return;
        routes[i].handler(request, reply);
        if (*reply->step)
            attack_apply(request, reply);
        return;
    }
    reply->status = path_known ? MHD_HTTP_METHOD_NOT_ALLOWED : MHD_HTTP_NOT_FOUND;
    (void)snprintf(reply->outcome, sizeof reply->outcome,
                   path_known ? "no such method here" : "no such path");
}

static X509 *tls_certificate_get(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (!info || !info->tls_session)
        return NULL;
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(info->tls_session, &count);
    if (!chain || count == 0)
        return NULL;
    const unsigned char *der = chain[0].data;
    return d2i_X509(NULL, &der, (long)chain[0].size);
}

static const char *header_get(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

static void header_add(struct MHD_Response *response, const char *name, const char *value)
{
    if (MHD_add_response_header(response, name, value) != MHD_YES)
        abort();
}

static enum MHD_Result reply_queue(struct MHD_Connection *connection, struct reply *reply)
{
    struct MHD_Response *response = delivery_response_make(connection, reply);
    if (reply->content_type)
        header_add(response, "Content-Type", reply->content_type);
    if (reply->location.data)
        header_add(response, "Location", reply->location.data);
    if (reply->retry_after.data)
        header_add(response, "Retry-After", reply->retry_after.data);
    if (reply->security_policy)
        header_add(response, "Content-Security-Policy", reply->security_policy);
    header_add(response, "Cache-Control", "no-store");
    enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result request_serve(struct server *server, struct MHD_Connection *connection,
                                     const char *method, const char *path, struct incoming *incoming)
{
    const char *host = header_get(connection, "Host");
    struct text url = {0};
    text_format(&url, "https://%s%s", host ? host : "", incoming->raw_url);
    text_append(&incoming->body, "");
    struct request request = {
        .server = server,
        .method = method,
        .path = path,
        .url = url.data,
        .host = host ? host : "",
        .content_type = header_get(connection, "Content-Type"),
        .transfer_encoding = header_get(connection, "Transfer-Encoding"),
        .has_length = header_get(connection, "Content-Length") != NULL,
        .body = incoming->body.data,
        .body_size = incoming->body.size,
        .tls_certificate = tls_certificate_get(connection),
        .connection = connection,
    };
    struct reply reply = {.status = MHD_HTTP_OK};
    (void)pthread_mutex_lock(&server->lock);
    char why[256];
    if (incoming->too_long) {
        reply.status = MHD_HTTP_CONTENT_TOO_LARGE;
        (void)snprintf(reply.outcome, sizeof reply.outcome, "more than %d bytes", BODY_SIZE_MAX);
    } else if (modes_has(&server->options.modes, "tls", "require-client") &&
               !(request.tls_certificate &&
                 authority_certificate_check(server->authority, request.tls_certificate, why))) {
        reply.status = MHD_HTTP_FORBIDDEN;
        (void)snprintf(reply.outcome, sizeof reply.outcome, "no acceptable TLS client certificate");
    } else {
        request_answer(&request, &reply);
    }
    journal_request_write(server->journal, &request, &reply);
    (void)pthread_mutex_unlock(&server->lock);
    enum MHD_Result result = reply_queue(connection, &reply);
    X509_free(request.tls_certificate);
    text_clear(&reply.body);
    text_clear(&reply.location);
    text_clear(&reply.retry_after);
    text_clear(&url);
    return result;
}

static void *incoming_begin(void *context, const char *raw_url, struct MHD_Connection *connection)
{
    (void)context;
    (void)connection;
    struct incoming *incoming = calloc(1, sizeof *incoming);
    if (!incoming || !(incoming->raw_url = strdup(raw_url)))
        abort();
    return incoming;
}

static void incoming_end(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct incoming *incoming = *state;
    if (!incoming)
        return;
    free(incoming->raw_url);
    text_clear(&incoming->body);
    free(incoming);
    *state = NULL;
}

static enum MHD_Result incoming_take(void *context, struct MHD_Connection *connection, const char *path,
                                     const char *method, const char *version, const char *data,
                                     size_t *data_size, void **state)
{
    (void)version;
    struct server *server = context;
    struct incoming *incoming = *state;
    if (!incoming->started) {
        incoming->started = true;
        return MHD_YES;
    }
    if (*data_size > 0) {
        if (incoming->body.size + *data_size > BODY_SIZE_MAX)
            incoming->too_long = true;
        else
            text_bytes_append(&incoming->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    return request_serve(server, connection, method, path, incoming);
}

int http_socket_open(const struct options *options, unsigned *ret_port)
{
    struct sockaddr_storage address = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
    socklen_t size = sizeof *v4;
    if (inet_pton(AF_INET, options->listen_address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)options->listen_port);
    } else if (inet_pton(AF_INET6, options->listen_address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)options->listen_port);
        size = sizeof *v6;
    } else {
        (void)fprintf(stderr, "mde-server: %s is no address\n", options->listen_address);
        return -1;
    }
    int one = 1;
    int descriptor = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(descriptor, (struct sockaddr *)&address, size) != 0 || listen(descriptor, 64) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
        perror("mde-server: listening");
        if (descriptor >= 0)
            (void)close(descriptor);
        return -1;
    }
    *ret_port = ntohs(address.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return descriptor;
}

static const char *priorities_get(const struct modes *modes)
{
    if (modes_has(modes, "tls", "1.1"))
        return "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SIGN-ALL";
    if (modes_has(modes, "tls", "1.2"))
        return "NORMAL:-VERS-ALL:+VERS-TLS1.2";
    return "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
}

struct http *http_start(struct server *server, const struct identity *identity)
{
    int descriptor = http_socket_open(&server->options, &server->port);
    if (descriptor < 0)
        return NULL;
    struct http *http = calloc(1, sizeof *http);
    if (!http)
        abort();
    http->server = server;
    http->daemon = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL,
        NULL, incoming_take, server, MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_HTTPS_MEM_CERT,
        identity->certificate, MHD_OPTION_HTTPS_MEM_KEY, identity->key, MHD_OPTION_HTTPS_MEM_TRUST,
        identity->clients, MHD_OPTION_HTTPS_PRIORITIES, priorities_get(&server->options.modes),
        MHD_OPTION_URI_LOG_CALLBACK, incoming_begin, NULL, MHD_OPTION_NOTIFY_COMPLETED, incoming_end, NULL,
        MHD_OPTION_CONNECTION_TIMEOUT, 120U, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(256 * 1024),
        MHD_OPTION_END);
    if (!http->daemon) {
        (void)fprintf(stderr, "mde-server: libmicrohttpd does not start\n");
        (void)close(descriptor);
        free(http);
        return NULL;
    }
    return http;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    free(http);
}

char *http_query_get(const struct request *request, const char *name)
{
    const char *value = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    return value ? strdup(value) : NULL;
}

/* application/x-www-form-urlencoded, in place. */
static void form_value_decode(char *value)
{
    char *out = value;
    for (const char *in = value; *in; in++) {
        if (*in == '%' && isxdigit((unsigned char)in[1]) && isxdigit((unsigned char)in[2])) {
            const char digits[3] = {in[1], in[2], '\0'};
            *out++ = (char)strtoul(digits, NULL, 16);
            in += 2;
        } else {
            *out++ = *in == '+' ? ' ' : *in;
        }
    }
    *out = '\0';
}

char *http_form_get(const struct request *request, const char *name)
{
    char *copy = strdup(request->body);
    char *found = NULL;
    if (!copy)
        abort();
    char *rest = copy;
    char *pair = NULL;
    while (!found && (pair = strsep(&rest, "&"))) {
        char *equals = strchr(pair, '=');
        if (!equals)
            continue;
        *equals = '\0';
        if (strcmp(pair, name) == 0) {
            form_value_decode(equals + 1);
            found = strdup(equals + 1);
        }
    }
    free(copy);
    return found;
}
