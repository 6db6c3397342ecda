#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "answer.h"
#include "http.h"
#include "identity.h"

#define BODY_MAX  (1024 * 1024)
#define DEPTH_MAX 16
#define GATEWAY   "/TrafficGateway/TrafficRoutingService/"
#define ENROLLING "LinuxEnrollmentService/"
#define CHECKIN   "LinuxDeviceCheckinService/"

enum parameters { PARAMETERS_NONE, PARAMETERS_MDM, PARAMETERS_IW };

struct route {
    const char *method;
    const char *path; /* what ends with * is the beginning of one */
    const char *end;  /* what such a path must end with, NULL for anything without a slash */
    const char *step;
    const char *audience;
    enum parameters parameters;
    call_handler *handler;
};

static const struct route routes[] = {
    {"GET", "/v1.0/servicePrincipals/appId=" AUDIENCE_INTUNE "/endpoints", NULL, "endpoints", AUDIENCE_GRAPH,
     PARAMETERS_NONE, endpoints_answer},
    {"POST", GATEWAY "LinuxMDM/" ENROLLING "enroll", NULL, "enroll", AUDIENCE_ENROLLMENT, PARAMETERS_MDM,
     enroll_answer},
    {"POST", GATEWAY "LinuxMDM/" CHECKIN "details", NULL, "details", AUDIENCE_INTUNE, PARAMETERS_MDM,
     details_answer},
    {"GET", GATEWAY "LinuxMDM/" CHECKIN "policies/*", NULL, "policies", AUDIENCE_INTUNE, PARAMETERS_MDM,
     applicable_policies_answer},
    {"POST", GATEWAY "LinuxMDM/" CHECKIN "status", NULL, "status", AUDIENCE_INTUNE, PARAMETERS_MDM,
     status_answer},
    {"GET", GATEWAY "IWService/Devices(guid'*", "')", "compliance", AUDIENCE_IWSERVICE, PARAMETERS_IW,
     compliance_answer},
    {"POST", GATEWAY "IWService/Devices(guid'*", "')/Retire", "retire", AUDIENCE_IWSERVICE, PARAMETERS_IW,
     retire_answer},
};

struct incoming {
    struct text body;
    bool started;
    bool too_long;
};

/* A client version is numbers with dots between them: 1.2511.11 */
static bool version_is_valid(const char *version)
{
    return isdigit((unsigned char)version[0]) && strspn(version, "0123456789.") == strlen(version) &&
           strchr(version, '.') != NULL;
}

static bool parameter_is(struct MHD_Connection *connection, const char *name, const char *expected)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
    return value != NULL && (expected != NULL ? strcmp(value, expected) == 0 : version_is_valid(value));
}

/* Exactly the parameters of the route; NULL or the name of one that is wrong. */
static const char *parameters_check(struct MHD_Connection *connection, enum parameters parameters)
{
    static const char *const mdm[][2] = {{"api-version", "1.0"}, {"client-version", NULL}};
    static const char *const iw[][2] = {{"api-version", "16.4"},
                                        {"ssp", "LinuxCP"},
                                        {"ssp-version", NULL},
                                        {"os", "Linux"},
                                        {"mgmt-agent", "mdm"}};
    const char *const(*list)[2] = parameters == PARAMETERS_IW ? iw : mdm;
    size_t count = parameters == PARAMETERS_IW    ? sizeof(iw) / sizeof(iw[0])
                   : parameters == PARAMETERS_MDM ? sizeof(mdm) / sizeof(mdm[0])
                                                  : 0;
    for (size_t i = 0; i < count; i++)
        if (!parameter_is(connection, list[i][0], list[i][1]))
            return list[i][0];
    int given = MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    return given == (int)count ? NULL : "an unknown parameter";
}

/* Paths are compared exactly, but LinuxMdm has been seen for LinuxMDM. */
static bool prefix_matches(const char *prefix, size_t size, const char *path)
{
    static const char other[] = GATEWAY "LinuxMdm/";
    size_t skip = strncmp(path, other, sizeof(other) - 1) == 0 ? sizeof(other) - 1 : 0;
    if (skip != 0 && strncmp(prefix, GATEWAY "LinuxMDM/", skip) != 0)
        return false;
    return size >= skip && strncmp(prefix + skip, path + skip, size - skip) == 0;
}

static bool path_matches(const struct route *route, const char *path, const char **ret_rest)
{
    size_t length = strlen(route->path);
    if (route->path[length - 1] != '*') {
        *ret_rest = "";
        return strlen(path) == length && prefix_matches(route->path, length, path);
    }
    if (!prefix_matches(route->path, length - 1, path))
        return false;
    const char *rest = path + length - 1;
    *ret_rest = rest;
    if (route->end == NULL)
        return strchr(rest, '/') == NULL;
    const char *quote = strchr(rest, '\'');
    return quote != NULL && strcmp(quote, route->end) == 0;
}

static const struct route *route_find(const char *method, const char *path, const char **ret_rest,
                                      bool *ret_path_known)
{
    *ret_path_known = false;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!path_matches(&routes[i], path, ret_rest))
            continue;
        *ret_path_known = true;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
    }
    return NULL;
}

static bool token_check(struct call *call, struct MHD_Connection *connection, const char *audience,
                        struct answer *answer)
{
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
    char why[JWT_WHY_SIZE] = "no bearer token";
    unsigned status = 401;
    if (header != NULL && strncmp(header, "Bearer ", 7) == 0)
        status = jwt_check(call->service->token_key, header + 7, audience, call->device, why);
    if (status != 0)
        answer_empty_set(answer, status, why);
    return status == 0;
}

/* A body of JSON in an object; what is wrong with it is answered. */
static bool body_parse(struct call *call, struct MHD_Connection *connection, const struct text *body,
                       struct answer *answer)
{
    const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    if (type == NULL || strncmp(type, "application/json", strlen("application/json")) != 0) {
        answer_empty_set(answer, 415, "the Content-Type is not application/json");
        return false;
    }
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    call->body = json_tokener_parse_ex(tokener, body->data, (int)body->size);
    json_tokener_free(tokener);
    if (!json_object_is_type(call->body, json_type_object)) {
        answer_problem_set(answer, 400, "$", "The body is not a JSON object.");
        return false;
    }
    return true;
}

static void call_answer(struct call *call, struct MHD_Connection *connection, const struct incoming *incoming,
                        struct answer *answer)
{
    bool path_known = false;
    const struct route *route = route_find(call->method, call->path, &call->rest, &path_known);
    if (route == NULL) {
        answer_empty_set(answer, path_known ? 405 : 404, path_known ? "no such method here" : "no such path");
        return;
    }
    (void)snprintf(answer->step, sizeof(answer->step), "%s", route->step);
    if (incoming->too_long) {
        answer_empty_set(answer, 413, "too long");
        return;
    }
    if (!token_check(call, connection, route->audience, answer))
        return;
    const char *wrong = parameters_check(connection, route->parameters);
    if (wrong != NULL) {
        answer_problem_set(answer, 400, wrong, "The parameter is missing or not valid.");
        return;
    }
    if (answer_error_apply(call->service, answer))
        return;
    bool has_body = strcmp(route->method, "POST") == 0 && route->handler != retire_answer;
    if (has_body && !body_parse(call, connection, &incoming->body, answer))
        return;
    route->handler(call, answer);
    answer_attack_apply(call->service, answer);
}

static void message_keep(struct service *service, const char *step, const struct text *body)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/received/%03u-%s.json", service->directory, ++service->received,
                   step);
    if (!text_file_write(path, body->data, body->size, 0600))
        perror(path);
}

static void log_write(struct service *service, const struct call *call, const struct answer *answer)
{
    char when[32];
    time_t now = time(NULL);
    struct tm broken;
    (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken));
    (void)fprintf(service->log, "%s %s %s %u %s %s\n", when, call->method, call->path, answer->status,
                  *answer->step != '\0' ? answer->step : "-",
                  *answer->outcome != '\0' ? answer->outcome : "-");
    (void)fflush(service->log);
}

static enum MHD_Result answer_queue(struct MHD_Connection *connection, struct answer *answer)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(answer->body.size, answer->body.data, MHD_RESPMEM_MUST_FREE);
    char seconds[16];
    if (response == NULL)
        abort();
    answer->body = (struct text){0};
    if (answer->content_type != NULL)
        (void)MHD_add_response_header(response, "Content-Type", answer->content_type);
    (void)snprintf(seconds, sizeof(seconds), "%u", answer->retry_after);
    if (answer->retry_after != 0)
        (void)MHD_add_response_header(response, "Retry-After", seconds);
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result incoming_take(void *context, struct MHD_Connection *connection, const char *path,
                                     const char *method, const char *version, const char *data,
                                     size_t *data_size, void **state)
{
    struct service *service = context;
    struct incoming *incoming = *state;
    (void)version;
    if (incoming == NULL) {
        incoming = calloc(1, sizeof(*incoming));
        if (incoming == NULL)
            abort();
        text_append(&incoming->body, "");
        *state = incoming;
        return MHD_YES;
    }
    if (*data_size > 0) {
        incoming->too_long |= incoming->body.size + *data_size > BODY_MAX;
        if (!incoming->too_long)
            text_bytes_append(&incoming->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host");
    struct call call = {.service = service, .method = method, .path = path, .host = host != NULL ? host : ""};
    struct answer answer = {.status = 200};
    (void)pthread_mutex_lock(&service->lock);
    call_answer(&call, connection, incoming, &answer);
    if (incoming->body.size > 0 && *answer.step != '\0')
        message_keep(service, answer.step, &incoming->body);
    log_write(service, &call, &answer);
    (void)pthread_mutex_unlock(&service->lock);
    json_object_put(call.body);
    return answer_queue(connection, &answer);
}

static void incoming_end(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct incoming *incoming = *state;
    (void)context;
    (void)connection;
    (void)code;
    if (incoming != NULL)
        text_clear(&incoming->body);
    free(incoming);
    *state = NULL;
}

bool listener_start(struct service *service, struct MHD_Daemon **ret_daemon)
{
    struct identity identity = {0};
    int descriptor = http_socket_open(&service->options, &service->port);
    if (descriptor < 0)
        return false;
    identity_make(&service->options, &identity);
    *ret_daemon = MHD_start_daemon(
        MHD_USE_TLS | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL,
        NULL, incoming_take, service, MHD_OPTION_LISTEN_SOCKET, descriptor, MHD_OPTION_HTTPS_MEM_CERT,
        identity.certificate, MHD_OPTION_HTTPS_MEM_KEY, identity.key, MHD_OPTION_NOTIFY_COMPLETED,
        incoming_end, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 120U, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)(256 * 1024), MHD_OPTION_END);
    identity_clear(&identity);
    if (*ret_daemon == NULL)
        (void)fputs("intune-server: libmicrohttpd does not start\n", stderr);
    return *ret_daemon != NULL;
}
