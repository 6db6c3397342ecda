#include "flow_messages.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

#include "fault.h"

#define RETRIES         3
#define MESSAGE_ID_SIZE 46 /* "urn:uuid:" and a UUID, terminated */

void flow_tell(const struct flow *flow, enum progress_state state, const char *format, ...)
{
    char text[512];
    va_list arguments;

    if (flow->callbacks->progress == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    flow->callbacks->progress(flow->callbacks->context, flow->step, state, text);
}

void flow_step(struct flow *flow, enum mde_step step, const char *format, ...)
{
    char text[512];
    va_list arguments;

    flow->step = step;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    flow_tell(flow, PROGRESS_STARTED, "%s", text);
}

static enum enroll_exit message_id_make(char ret_id[MESSAGE_ID_SIZE], struct enroll_error *ret_error)
{
    uint8_t r[16];

    if (RAND_bytes(r, sizeof(r)) != 1)
        return enroll_error_set(ret_error, ENROLL_FAILED, NULL, "this system gives no random numbers");
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    snprintf(ret_id, MESSAGE_ID_SIZE,
             "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
    return ENROLL_OK;
}

static bool listed(const char *const *hosts, const char *host)
{
    for (; hosts != NULL && *hosts != NULL; hosts++)
        if (strcasecmp(*hosts, host) == 0)
            return true;
    return false;
}

bool flow_host_typed(const struct flow *flow, const char *host)
{
    return (flow->typed_host[0] != '\0' && strcasecmp(flow->typed_host, host) == 0) ||
           listed(flow->options->accept_redirects, host);
}

enum enroll_exit flow_url_check(const struct flow *flow, const char *what, const char *url)
{
    char host[URL_HOST_MAX] = "", printable[256];
    bool named = url_host(url, host) && (flow_host_typed(flow, host) || listed(flow->only_hosts, host));
    const char *refusal = url_refusal(url, named ? host : NULL);

    enroll_text_print(url, strlen(url), printable, sizeof(printable));
    if (refusal != NULL)
        return enroll_error_set(flow->error, ENROLL_UNSAFE, "tell the server's administrator",
                                "the server's %s (%s) %s; it is not used", what, printable, refusal);
    if (flow->only_hosts != NULL && !listed(flow->only_hosts, host))
        return enroll_error_set(
            flow->error, ENROLL_UNSAFE,
            "if the server has moved, enrol again: intune-enroll enroll --replace",
            "the server's %s is on %s, a host that was not accepted when this device was enrolled", what,
            host);
    return ENROLL_OK;
}

static bool is_xml(const char *content_type)
{
    char type[128];

    /* Without a type the bytes have to speak for themselves. */
    if (content_type == NULL)
        return true;
    snprintf(type, sizeof(type), "%.*s", (int)strcspn(content_type, "; "), content_type);
    return strcasecmp(type, "text/xml") == 0 || strcasecmp(type, "application/xml") == 0 ||
           (strlen(type) > 4 && strcasecmp(type + strlen(type) - 4, "+xml") == 0);
}

static const struct {
    long status;
    enum enroll_exit exit_status;
    const char *meaning;
    const char *advice;
} http_errors[] = {
    {400, ENROLL_PROTOCOL, "it did not understand the request",
     "check that the address is that of an MDM server"},
    {401, ENROLL_AUTHENTICATION, "it wants another authentication",
     "check the token, or the name and password"},
    {403, ENROLL_AUTHENTICATION, "it forbids this",
     "check the token, and whether this user may enrol devices"},
    {404, ENROLL_PROTOCOL, "there is no such page", "check the address; this may not be an MDM server"},
    {405, ENROLL_PROTOCOL, "it takes no such request", "check the address; this may not be an MDM server"},
    {429, ENROLL_UNREACHABLE, "it is asked too often", "try again later"},
    {500, ENROLL_PROTOCOL, "it failed inside", "try again later, and tell the server's administrator"},
    {502, ENROLL_UNREACHABLE, "the server behind it does not answer", "try again later"},
    {503, ENROLL_UNREACHABLE, "it is not available", "try again later"},
    {504, ENROLL_UNREACHABLE, "the server behind it does not answer", "try again later"},
};

enum enroll_exit flow_http_error(const char *name, const struct https_response *response,
                                 struct enroll_error *ret_error)
{
    char host[URL_HOST_MAX] = "the server", wait[64] = "";
    size_t i = 0;

    if (!url_host(response->url, host))
        snprintf(host, sizeof(host), "the server");
    if (response->retry_after > 0)
        snprintf(wait, sizeof(wait), ", and asks to come back in %ld seconds", response->retry_after);
    while (i < sizeof(http_errors) / sizeof(http_errors[0]) && http_errors[i].status != response->status)
        i++;
    if (i == sizeof(http_errors) / sizeof(http_errors[0]))
        return enroll_error_set(ret_error, ENROLL_PROTOCOL, "check that the address is that of an MDM server",
                                "%s answered %s with HTTP status %ld%s", host, name, response->status, wait);
    return enroll_error_set(ret_error, http_errors[i].exit_status, http_errors[i].advice,
                            "%s answered %s with HTTP status %ld: %s%s", host, name, response->status,
                            http_errors[i].meaning, wait);
}

/* The envelope of an answer. A fault counts under any HTTP status (200, 400 and 500 are seen), the rest only
 * under 200. */
static enum enroll_exit envelope_read(const struct flow *flow, const struct flow_message *message,
                                      const struct https_response *response, struct soap_reply *ret_reply)
{
    char host[URL_HOST_MAX] = "the server", type[96];
    enum enroll_exit status;

    if (!is_xml(response->content_type)) {
        if (response->status != 200)
            return flow_http_error(message->name, response, flow->error);
        if (!url_host(response->url, host))
            snprintf(host, sizeof(host), "the server");
        enroll_text_print(response->content_type, strlen(response->content_type), type, sizeof(type));
        return enroll_error_set(flow->error, ENROLL_PROTOCOL,
                                "check that the address is that of an MDM server that speaks MDE2",
                                "%s answered %s with %s instead of SOAP", host, message->name, type);
    }
    status = soap_reply_parse((const char *)response->body, response->body_size, message->name, ret_reply,
                              flow->error);
    if (status != ENROLL_OK)
        return response->status == 200 ? status : flow_http_error(message->name, response, flow->error);
    if (fault_read(ret_reply, message->name, flow->error))
        status = flow->error->exit_status;
    else if (response->status != 200)
        status = flow_http_error(message->name, response, flow->error);
    if (status != ENROLL_OK)
        soap_reply_clear(ret_reply);
    return status;
}

static bool confirm(void *context, const char *question)
{
    const struct flow *flow = context;

    return flow->callbacks->confirm != NULL && flow->callbacks->confirm(flow->callbacks->context, question);
}

/* A message on its way: written anew for each address that it goes to. */
struct delivery {
    const struct flow *flow;
    const struct flow_message *message;
    char id[MESSAGE_ID_SIZE];
    struct xml_text text;
};

static enum enroll_exit delivery_write(void *context, const char *url, const uint8_t **ret_body,
                                       size_t *ret_size)
{
    struct delivery *delivery = context;
    const struct flow_message *message = delivery->message;
    enum enroll_exit status;

    xml_text_clear(&delivery->text);
    status = message->write(delivery->flow, message, delivery->id, url, &delivery->text);
    if (status == ENROLL_OK && delivery->text.failed)
        status = enroll_error_set(
            delivery->flow->error, ENROLL_FAILED, NULL,
            "%s could not be written: a value has characters that XML cannot carry, or memory ran out",
            message->name);
    if (status != ENROLL_OK)
        return status;
    *ret_body = (const uint8_t *)delivery->text.data;
    *ret_size = delivery->text.size;
    return ENROLL_OK;
}

static enum enroll_exit delivery_send(struct delivery *delivery, struct https_response *ret_response)
{
    const struct flow *flow = delivery->flow;
    const struct flow_message *message = delivery->message;
    const struct https_redirects redirects = {
        .accept = flow->only_hosts != NULL ? flow->only_hosts : flow->options->accept_redirects,
        .confirm = flow->only_hosts != NULL ? NULL : confirm,
        .context = (void *)(uintptr_t)flow,
    };
    struct https_request request = {
        .name = message->name,
        .url = message->url,
        .content_type = SOAP_CONTENT_TYPE,
        .readdress = delivery_write,
        .readdress_context = delivery,
        .credentials = message->security != NULL,
        .redirects = &redirects,
        .retries = RETRIES,
        .client_key = message->client_key,
        .client_certificate = message->client_certificate,
        .client_chain = message->client_chain,
    };
    enum enroll_exit status = message_id_make(delivery->id, flow->error);

    if (status == ENROLL_OK)
        status = delivery_write(delivery, message->url, &request.body, &request.body_size);
    if (status == ENROLL_OK)
        status = https_client_send(flow->options->client, &request, ret_response, flow->error);
    return status;
}

/*
 * What the header says of the answer is told, not trusted and not insisted on: servers get it wrong, and what
 * the Body holds decides. TLS says who answers.
 */
static void header_tell(const struct flow *flow, const struct flow_message *message, const char *id,
                        const struct soap_reply *reply)
{
    const char *expected = message->answer_action;
    size_t size = strlen(expected), have = reply->action != NULL ? strlen(reply->action) : 0;

    if (reply->relates_to == NULL || strcmp(reply->relates_to, id) != 0)
        flow_tell(flow, PROGRESS_NOTE, "the answer to %s does not name the message that it answers",
                  message->name);
    if (reply->action != NULL && (have < size || strcasecmp(reply->action + have - size, expected) != 0))
        flow_tell(flow, PROGRESS_WARNING, "the answer to %s bears the Action of another message",
                  message->name);
}

enum enroll_exit flow_message_exchange(const struct flow *flow, const struct flow_message *message,
                                       struct soap_reply *ret_reply, char **ret_url)
{
    struct delivery delivery = {.flow = flow, .message = message};
    struct https_response response = {0};
    enum enroll_exit status = delivery_send(&delivery, &response);

    xml_text_clear(&delivery.text);
    if (status != ENROLL_OK)
        return status;
    status = envelope_read(flow, message, &response, ret_reply);
    if (status == ENROLL_OK)
        header_tell(flow, message, delivery.id, ret_reply);
    if (status == ENROLL_OK && ret_url != NULL) {
        *ret_url = response.url;
        response.url = NULL;
    }
    https_response_free(&response);
    return status;
}
