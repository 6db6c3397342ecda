#include "token_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml_document.h"

#define TRUST_200512    "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define ENROLLMENT_2009 "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
#define TOKEN_TYPE                                                                                           \
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken"

static const char *const request_types[] = {
    [TOKEN_REQUEST_ISSUE] = TRUST_200512 "/Issue",
    [TOKEN_REQUEST_RENEW] = TRUST_200512 "/Renew",
    [TOKEN_REQUEST_QUERY] = ENROLLMENT_2009 "/QueryTokenStatus",
};

static void context_item_write(struct xml_text *text, const char *name, const char *value, size_t size)
{
    char *copy = strndup(value, size);

    if (copy == NULL) {
        text->failed = true;
        return;
    }
    xml_text_append(text, "<ac:ContextItem Name=\"");
    xml_text_append_escaped(text, name);
    xml_text_append(text, "\">");
    xml_text_append_element(text, "ac:Value", copy);
    xml_text_append(text, "</ac:ContextItem>");
    free(copy);
}

static void context_write(struct xml_text *text, const struct context_items *items, bool renewal)
{
    xml_text_append(text,
                    "<ac:AdditionalContext xmlns=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\">");
    for (enum context_item item = 0; item < CONTEXT_ITEM_COUNT; item++) {
        const struct context_item_description *description = &context_item_descriptions[item];
        const char *value = items->values[item];

        if (value == NULL || (renewal && !description->renewal))
            continue;
        if (!description->repeats) {
            context_item_write(text, description->name, value, strlen(value));
            continue;
        }
        for (value += strspn(value, " "); *value != '\0'; value += strspn(value, " ")) {
            context_item_write(text, description->name, value, strcspn(value, " "));
            value += strcspn(value, " ");
        }
    }
    xml_text_append(text, "</ac:AdditionalContext>");
}

void token_request_write(struct xml_text *text, const char *message_id, const char *to,
                         const struct soap_security *security, const struct token_request *request)
{
    const struct soap_request header = {
        .action = TOKEN_REQUEST_ACTION, .message_id = message_id, .to = to, .security = *security};

    soap_envelope_begin(text, &header, true);
    xml_text_append(text, "<wst:RequestSecurityToken>");
    xml_text_append_element(text, "wst:TokenType", TOKEN_TYPE);
    xml_text_append_element(text, "wst:RequestType", request_types[request->type]);
    if (request->type == TOKEN_REQUEST_QUERY) {
        xml_text_append_element(text, "RequestID xmlns=\"" ENROLLMENT_2009 "\"", request->request_id);
    } else {
        xml_text_append(text, "<wsse:BinarySecurityToken ValueType=\"");
        xml_text_append_escaped(text, request->value_type);
        xml_text_append(text, "\" EncodingType=\"" WSSE_SECEXT "#base64binary\">");
        xml_text_append_base64(text, request->request, request->request_size);
        xml_text_append(text, "</wsse:BinarySecurityToken>");
    }
    context_write(text, request->items, request->type == TOKEN_REQUEST_RENEW);
    xml_text_append(text, "</wst:RequestSecurityToken>");
    soap_envelope_end(text);
}

static enum enroll_exit refuse(struct enroll_error *ret_error, const char *what)
{
    return enroll_error_set(ret_error, ENROLL_PROTOCOL, NULL,
                            "the answer to RequestSecurityToken was refused: %s", what);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* The one RequestSecurityTokenResponse, in its collection or, as WS-Trust 1.2 has it, alone. */
static const xmlNode *response_find(const xmlNode *content, const char **ret_refusal)
{
    if (xml_element_is(content, "RequestSecurityTokenResponse"))
        return content;
    if (!xml_element_is(content, "RequestSecurityTokenResponseCollection")) {
        *ret_refusal = "it holds no RequestSecurityTokenResponseCollection";
        return NULL;
    }
    if (xml_child_count(content, "RequestSecurityTokenResponse") != 1) {
        *ret_refusal = "it has not exactly one RequestSecurityTokenResponse";
        return NULL;
    }
    return xml_child(content, "RequestSecurityTokenResponse");
}

static const char *token_type_refusal(const xmlNode *response, const xmlNode *token)
{
    char *type = xml_child_text(response, "TokenType");
    char *value_type = xml_attribute(token, "ValueType");
    const char *refusal = NULL;

    /* MS-MDE2 3.4.4.1.2.1; Microsoft's prose leaves "5.0.0.0/" out of the value type. */
    if (type != NULL && strcmp(type, TOKEN_TYPE) != 0)
        refusal = "its TokenType is not that of an MDM enrolment";
    else if (value_type != NULL &&
             !ends_with(value_type, "/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc"))
        refusal = "the token in it is not a provisioning document";
    free(type);
    free(value_type);
    return refusal;
}

static enum enroll_exit pending_read(const xmlNode *response, struct token_response *ret_response,
                                     struct enroll_error *ret_error)
{
    char *id = xml_child_text(response, "RequestID");
    size_t size = id == NULL ? 0 : strlen(id);
    bool printable = true;

    /* It is shown, kept in a file of lines, and sent back as it is. */
    for (size_t i = 0; i < size; i++)
        printable = printable && id[i] >= ' ' && id[i] < 0x7f && strchr("<>&", id[i]) == NULL;
    if (size == 0 || size > 128 || !printable) {
        free(id);
        return refuse(ret_error, "it holds neither a certificate nor the number of a pending request");
    }
    ret_response->pending = true;
    ret_response->request_id = id;
    return ENROLL_OK;
}

static enum enroll_exit document_read(const xmlNode *response, const xmlNode *token, const char *base64,
                                      struct token_response *ret_response, struct enroll_error *ret_error)
{
    const char *why = token_type_refusal(response, token);
    uint8_t *bytes;

    if (why != NULL)
        return refuse(ret_error, why);
    if (!xml_base64_decode(base64, &bytes, &ret_response->document_size, &why))
        return refuse(ret_error, why);
    ret_response->document = (char *)bytes;
    ret_response->request_id = xml_child_text(response, "RequestID");
    return ENROLL_OK;
}

enum enroll_exit token_response_parse(const struct soap_reply *reply, struct token_response *ret_response,
                                      struct enroll_error *ret_error)
{
    const char *refusal = NULL;
    const xmlNode *response = response_find(reply->content, &refusal);
    const xmlNode *requested, *token;
    struct token_response result = {0};
    enum enroll_exit status;
    char *base64;

    if (response == NULL)
        return refuse(ret_error, refusal);
    requested = xml_child(response, "RequestedSecurityToken");
    token = xml_child(requested, "BinarySecurityToken");
    if (xml_child_count(response, "RequestedSecurityToken") > 1 ||
        xml_child_count(requested, "BinarySecurityToken") > 1)
        return refuse(ret_error, "it has more than one security token");
    base64 = xml_element_text(token);
    if (base64 == NULL)
        status = pending_read(response, &result, ret_error);
    else
        status = document_read(response, token, base64, &result, ret_error);
    if (base64 != NULL)
        explicit_bzero(base64, strlen(base64));
    free(base64);
    if (status != ENROLL_OK)
        return status;
    result.disposition = xml_child_text(response, "DispositionMessage");
    if (result.disposition != NULL)
        enroll_text_print(result.disposition, strlen(result.disposition), result.disposition,
                          strlen(result.disposition) + 1);
    *ret_response = result;
    return ENROLL_OK;
}

void token_response_clear(struct token_response *response)
{
    free(response->request_id);
    free(response->disposition);
    /* The document carries the secrets of the management session. */
    if (response->document != NULL)
        explicit_bzero(response->document, response->document_size);
    free(response->document);
    *response = (struct token_response){0};
}
