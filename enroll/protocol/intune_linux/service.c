#include "service.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "constants.h"
#include "url.h"

#define RETRIES 2 /* after 429 or 503 with Retry-After */

static const struct setting setting_client_version = {.name = "client-version", .section = "intune-linux"};
static const struct setting setting_application_id = {.name = "application-id", .section = "intune-linux"};
static const struct setting setting_graph_url = {.name = "graph-url", .section = "intune-linux"};
static const struct setting setting_service_hosts = {.name = "service-hosts", .section = "intune-linux"};

const struct setting *const intune_settings[] = {
    [SETTING_CLIENT_VERSION] = &setting_client_version,
    [SETTING_APPLICATION_ID] = &setting_application_id,
    [SETTING_GRAPH_URL] = &setting_graph_url,
    [SETTING_SERVICE_HOSTS] = &setting_service_hosts,
    NULL,
};

void intune_tell(const struct intune *intune, enum progress_state state, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    intune->request->progress(intune->request->context, intune->step, state, text);
}

void intune_step(struct intune *intune, enum intune_step step, const char *text)
{
    intune->step = step;
    intune_tell(intune, PROGRESS_STARTED, "%s", text);
}

/* ---- tokens ---- */

static void note(void *context, const char *text)
{
    intune_tell(context, PROGRESS_NOTE, "%s", text);
}

static void warn(void *context, const char *text)
{
    intune_tell(context, PROGRESS_WARNING, "%s", text);
}

static const char *token_find(const struct intune *intune, const char *audience)
{
    for (size_t i = 0; i < intune->token_count; i++)
        if (strcmp(intune->tokens[i].audience, audience) == 0)
            return intune->tokens[i].credential.token;
    return NULL;
}

static const char *user(const struct protocol_request *request)
{
    if (request->address != NULL && strchr(request->address, '@') != NULL)
        return request->address;
    return record_get(request->record, RECORD_USER);
}

enum enroll_exit intune_token(struct intune *intune, const char *audience, struct enroll_error *error)
{
    const struct credential_request wanted = {
        .kinds = CREDENTIAL_TOKEN,
        .audience = audience,
        .client_id = intune->application_id,
        .user = user(intune->request),
        .host = "",
        .client = intune->request->client,
        .note = note,
        .warn = warn,
        .note_context = intune,
    };
    if (token_find(intune, audience) != NULL)
        return ENROLL_OK;
    if (intune->token_count == TOKENS_MAX)
        return enroll_error_memory(error);
    struct credential *credential = &intune->tokens[intune->token_count].credential;
    enum enroll_exit status = credential_obtain(intune->request->credentials, &wanted, credential, error);
    if (status != ENROLL_OK)
        return status;
    intune->tokens[intune->token_count++].audience = audience;
    if (credential->token != NULL)
        return ENROLL_OK;
    return enroll_error_set(error, ENROLL_AUTHENTICATION,
                            "use a source of bearer tokens: broker, command or file",
                            "the service takes bearer tokens only");
}

/* ---- calls ---- */

static enum enroll_exit status_error(const struct intune_call *call, const char *bearer,
                                     const struct https_response *response, struct enroll_error *error)
{
    long code = response->status;
    if (code == 401)
        enroll_error_set(
            error, ENROLL_AUTHENTICATION,
            "register this device with Microsoft Entra first, by signing in with the identity broker: start "
            "intune-portal, or run aad-tool auth-test --name USER@DOMAIN (himmelblau); then try again",
            "%s: the service did not accept the token (HTTP 401)", call->name);
    else if (code == 403)
        enroll_error_set(
            error, ENROLL_REFUSED,
            "check the user's Intune licence, the enrolment restrictions, and that this device is "
            "registered with Microsoft Entra",
            "%s: the service refused this user or device (HTTP 403)", call->name);
    else if (code == 429 || code >= 500)
        enroll_error_set(error, ENROLL_UNREACHABLE, "try again later",
                         "%s: the service is not available (HTTP %ld)", call->name, code);
    else if (code >= 400)
        enroll_error_set(error, ENROLL_REFUSED, "", "%s: the service refused the request (HTTP %ld)",
                         call->name, code);
    else
        enroll_error_set(error, ENROLL_PROTOCOL, "", "%s: unexpected HTTP status %ld", call->name, code);
    intune_fault_read((const char *)response->body, response->body_size, error);
    enroll_error_secret_cut(error, bearer);
    if (response->retry_after > 0)
        snprintf(error->advice, sizeof(error->advice), "try again in %ld seconds, as the service asks",
                 response->retry_after);
    return error->exit_status;
}

enum enroll_exit intune_call(struct intune *intune, const struct intune_call *call,
                             struct https_response *ret_response, struct enroll_error *error)
{
    char url[2 * INTUNE_URL_MAX];
    enum enroll_exit status = intune_token(intune, call->audience, error);
    if (status != ENROLL_OK)
        return status;
    snprintf(url, sizeof(url), "%s%s", call->service, call->path != NULL ? call->path : "");
    const char *body = call->body != NULL ? call->body : call->post ? "" : NULL;
    const struct https_request request = {
        .name = call->name,
        .url = url,
        .content_type = "application/json",
        .body = (const uint8_t *)body,
        .body_size = body != NULL ? strlen(body) : 0,
        .bearer = token_find(intune, call->audience),
        .user_agent = intune->user_agent,
        .retries = RETRIES,
    };
    struct https_response response = {0};
    status = https_client_send(intune->request->client, &request, &response, error);
    if (status != ENROLL_OK)
        return status;
    if (response.status < 200 || response.status > 299)
        status = status_error(call, request.bearer, &response, error);
    if (status == ENROLL_OK)
        *ret_response = response;
    else
        https_response_free(&response);
    return status;
}

/* ---- services ---- */

static bool below(const char *host, const char *domain, size_t size)
{
    size_t length = strlen(host);
    return length >= size && strncasecmp(host + length - size, domain, size) == 0 &&
           (length == size || host[length - size - 1] == '.');
}

/* Microsoft's, and those that the administrator named. */
static bool host_accepted(const struct intune *intune, const char *host)
{
    bool accepted = below(host, INTUNE_SERVICE_HOST, strlen(INTUNE_SERVICE_HOST));
    for (const char *at = intune->service_hosts; at != NULL && *at != '\0' && !accepted;) {
        size_t size = strcspn(at, " ,");
        accepted = size > 0 && below(host, at, size);
        at += size;
        at += strspn(at, " ,");
    }
    return accepted;
}

static enum enroll_exit service_check(const struct intune *intune, const char *name, const char *url,
                                      struct enroll_error *error)
{
    char host[URL_HOST_MAX] = "";
    if (url[0] == '\0')
        return enroll_error_set(error, ENROLL_PROTOCOL, "check that Intune is set up for this tenant",
                                "the tenant has no %s", name);
    const char *refusal = url_host(url, host) ? url_refusal(url, host) : "is no URL";
    if (refusal == NULL && !host_accepted(intune, host))
        refusal = "is not below " INTUNE_SERVICE_HOST;
    if (refusal == NULL)
        return ENROLL_OK;
    return enroll_error_set(error, ENROLL_UNSAFE,
                            "if that host is right, name it with service-hosts in [intune-linux] of "
                            "/etc/intune-tpm/intune-tpm.conf",
                            "the address of the %s%s%s %s", name, host[0] != '\0' ? " on " : "", host,
                            refusal);
}

enum enroll_exit intune_services_find(struct intune *intune, struct enroll_error *error)
{
    const struct intune_call call = {.name = "search for the services",
                                     .audience = AUDIENCE_GRAPH,
                                     .service = intune->graph_url,
                                     .path = PATH_ENDPOINTS};
    struct https_response response;
    if (intune->services_known)
        return ENROLL_OK;
    enum enroll_exit status = intune_call(intune, &call, &response, error);
    if (status != ENROLL_OK)
        return status;
    status = intune_services_read((const char *)response.body, response.body_size, &intune->services, error);
    https_response_free(&response);
    if (status == ENROLL_OK)
        status = service_check(intune, SERVICE_ENROLLMENT, intune->services.enrollment, error);
    if (status == ENROLL_OK)
        status = service_check(intune, SERVICE_CHECK_IN, intune->services.check_in, error);
    if (status == ENROLL_OK)
        status = service_check(intune, SERVICE_IWSERVICE, intune->services.iwservice, error);
    intune->services_known = status == ENROLL_OK;
    return status;
}

enum enroll_exit intune_retire_check(const struct intune *intune, const char *url, struct enroll_error *error)
{
    if (url[0] == '\0')
        return enroll_error_set(error, ENROLL_REFUSED, "retire the device in the Intune admin center",
                                "the service does not offer to retire this device");
    return service_check(intune, "retirement", url, error);
}
