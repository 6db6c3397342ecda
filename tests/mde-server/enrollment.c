/* RequestSecurityToken: issue, renewal and the query for a pending answer (MS-MDE2 3.4 and 3.5;
 * MS-WSTEP 3.1.4.1). */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "authority.h"
#include "context.h"
#include "credentials.h"
#include "faults.h"
#include "pending.h"
#include "pkcs10.h"
#include "provisioning.h"
#include "renewal.h"
#include "server.h"
#include "soap.h"

#define RST_ACTION      WSTEP_NAMESPACE "/RST/wstep"
#define RESPONSE_ACTION WSTEP_NAMESPACE "/RSTRC/wstep"
#define ISSUE_TYPE      TRUST_NAMESPACE "/Issue"
#define RENEW_TYPE      TRUST_NAMESPACE "/Renew"
#define QUERY_TYPE      WSTEP_NAMESPACE "/QueryTokenStatus"
#define TOKEN_TYPE                                                                                           \
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken"
#define DOCUMENT_TYPE                                                                                        \
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc"
#define PKCS10_TYPE WSTEP_NAMESPACE "#PKCS10"

/* One exchange: what was asked and what is to be answered. */
struct exchange {
    const struct request *request;
    struct modes *modes;
    struct context context;
    unsigned char *pkcs10;
    size_t size;
    EVP_PKEY *key;
    X509 *old;         /* of a renewal */
    X509 *certificate; /* issued; NULL while it is pending */
    unsigned pending;  /* identifier */
};

static bool trust_text_get(xmlNode *token_request, const char *name, char **ret_text, struct fault *ret_fault)
{
    *ret_text = soap_child_text(token_request, TRUST_NAMESPACE, name, ret_fault);
    return *ret_text != NULL;
}

static bool token_type_check(xmlNode *token_request, struct fault *ret_fault)
{
    char *type = NULL;
    if (!trust_text_get(token_request, "TokenType", &type, ret_fault))
        return false;
    bool good = strcmp(type, TOKEN_TYPE) == 0;
    if (!good)
        fault_set(ret_fault, "MessageFormat", "TokenType is \"%.200s\", not " TOKEN_TYPE, type);
    free(type);
    return good;
}

/* Small servers find their items with expressions that know one way of writing only. */
static bool compact_check(const struct request *request, struct fault *ret_fault)
{
    static const char *const marks[] = {
        "<wsse:BinarySecurityToken ValueType=\"" PKCS10_TYPE "\" EncodingType=\"" BASE64_ENCODING "\">",
        "<ac:ContextItem Name=\"DeviceID\"><ac:Value>",
        "<ac:ContextItem Name=\"EnrollmentType\"><ac:Value>",
        "<ac:AdditionalContext xmlns=\"" AUTHORIZATION_CONTEXT "\">",
        "<wst:RequestSecurityToken>",
        "<s:Envelope ",
        "<a:MessageID>",
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (!strstr(request->body, marks[i]))
            return fault_set(ret_fault, "MessageFormat", "the message does not hold %.200s", marks[i]);
    return true;
}

static bool pkcs10_token_read(struct exchange *exchange, xmlNode *token, struct fault *ret_fault)
{
    if (!soap_attribute_require(token, "ValueType", PKCS10_TYPE, ret_fault) ||
        !soap_attribute_require(token, "EncodingType", BASE64_ENCODING, ret_fault))
        return false;
    char *text = (char *)xmlNodeGetContent(token);
    bool good = text && text_base64_decode(text, &exchange->pkcs10, &exchange->size);
    free(text);
    return good || fault_set(ret_fault, "MessageFormat", "BinarySecurityToken is not one line of base64");
}

static bool issue_take(struct exchange *exchange, const struct soap_message *message, struct fault *ret_fault)
{
    const struct options *options = &exchange->request->server->options;
    xmlNode *token = soap_child_require(message->body, SECURITY_NAMESPACE, "BinarySecurityToken", ret_fault);
    if (modes_has(exchange->modes, "strict", "compact") && !compact_check(exchange->request, ret_fault))
        return false;
    if (!token || !token_type_check(message->body, ret_fault) ||
        !credentials_check(exchange->request, message, CREDENTIALS_ENROLLMENT, ret_fault) ||
        !pkcs10_token_read(exchange, token, ret_fault) ||
        !context_check(message->body, exchange->modes, false, &exchange->context, ret_fault) ||
        !pkcs10_check(exchange->pkcs10, exchange->size, options, &exchange->key, ret_fault))
        return false;
    if (!modes_value(exchange->modes, "pending"))
        return true;
    struct pending pending = {
        .full = exchange->context.full, .pkcs10 = exchange->pkcs10, .size = exchange->size};
    (void)snprintf(pending.device, sizeof pending.device, "%s", exchange->context.device);
    pending_keep(exchange->request->server, &pending);
    exchange->pending = pending.identifier;
    return true;
}

static bool renewal_take(struct exchange *exchange, const struct soap_message *message,
                         struct fault *ret_fault)
{
    const struct options *options = &exchange->request->server->options;
    xmlNode *token = soap_child_require(message->body, SECURITY_NAMESPACE, "BinarySecurityToken", ret_fault);
    if (!token || !token_type_check(message->body, ret_fault) ||
        !credentials_check(exchange->request, message, CREDENTIALS_RENEWAL, ret_fault) ||
        !renewal_token_read(exchange->request, token, &exchange->pkcs10, &exchange->size, &exchange->old,
                            ret_fault) ||
        !context_check(message->body, exchange->modes, true, &exchange->context, ret_fault) ||
        !pkcs10_check(exchange->pkcs10, exchange->size, options, &exchange->key, ret_fault) ||
        !renewal_key_check(exchange->old, exchange->key, exchange->context.device, ret_fault))
        return false;
    renewal_device_get(exchange->old, exchange->context.device, sizeof exchange->context.device);
    return true;
}

/* Is it decided? "pending=N": after so many answers that it waits; "denied": never. */
static bool decision_take(struct exchange *exchange, const struct pending *pending, struct fault *ret_fault)
{
    const char *mode = modes_value(exchange->modes, "pending");
    exchange->pending = pending->identifier;
    if (mode && strcmp(mode, "denied") == 0)
        return fault_set(ret_fault, "CertificateRequest", "request %u was denied", pending->identifier);
    bool forever = mode && (strcmp(mode, "nil") == 0 || strcmp(mode, "empty") == 0);
    if (forever || (long)pending->asked < modes_number(exchange->modes, "pending", 0))
        return true;
    exchange->pending = 0;
    return true;
}

static bool query_take(struct exchange *exchange, const struct soap_message *message, struct fault *ret_fault)
{
    const struct server *server = exchange->request->server;
    struct pending pending = {0};
    if (!credentials_check(exchange->request, message, CREDENTIALS_ENROLLMENT, ret_fault))
        return false;
    char *identifier = soap_child_text(message->body, WSTEP_NAMESPACE, "RequestID", ret_fault);
    bool good = identifier && pending_query(server, identifier, &pending, ret_fault);
    free(identifier);
    good = good && decision_take(exchange, &pending, ret_fault);
    if (good && !exchange->pending) {
        (void)snprintf(exchange->context.device, sizeof exchange->context.device, "%s", pending.device);
        exchange->context.full = pending.full;
        good = pkcs10_check(pending.pkcs10, pending.size, &server->options, &exchange->key, ret_fault);
        pending_forget(server, &pending);
    }
    pending_clear(&pending);
    return good;
}

struct kind {
    const char *type;
    const char *step;
    bool (*take)(struct exchange *exchange, const struct soap_message *message, struct fault *ret_fault);
};

static const struct kind kinds[] = {
    {ISSUE_TYPE, "issue", issue_take},
    {RENEW_TYPE, "renew", renewal_take},
    {QUERY_TYPE, "query", query_take},
};

static const struct kind *kind_find(const struct soap_message *message, struct fault *ret_fault)
{
    char *type = NULL;
    const struct kind *kind = NULL;
    if (!soap_name_is(message->body, TRUST_NAMESPACE, "RequestSecurityToken")) {
        fault_set(ret_fault, "MessageFormat", "Body holds %s, not RequestSecurityToken in " TRUST_NAMESPACE,
                  (const char *)message->body->name);
        return NULL;
    }
    if (!trust_text_get(message->body, "RequestType", &type, ret_fault))
        return NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type, kinds[i].type) == 0)
            kind = &kinds[i];
    if (!kind)
        fault_set(ret_fault, "MessageFormat", "RequestType is \"%.200s\", which is not known", type);
    free(type);
    return kind;
}

static void token_write(const struct exchange *exchange, bool renewal, struct text *out)
{
    const struct modes *modes = exchange->modes;
    const char *space = soap_space(modes);
    const char *quote = modes_deviate(modes, "quoted-token") ? "\"" : "";
    const char *type = DOCUMENT_TYPE;
    if (modes_deviate(modes, "value-type-short"))
        type = "http://schemas.microsoft.com/ConfigurationManager/Enrollment/DeviceEnrollmentProvisionDoc";
    else if (modes_deviate(modes, "value-type-unknown"))
        type = "urn:something:else";
    struct provisioning provisioning = {
        .server = exchange->request->server,
        .host = exchange->request->host,
        .device = exchange->context.device,
        .full = exchange->context.full,
        .certificate = exchange->certificate,
        .renewal = renewal,
    };
    struct text document = {0};
    provisioning_document_write(&provisioning, &document);
    text_format(out,
                "<DispositionMessage xmlns=\"" WSTEP_NAMESPACE
                "\"></DispositionMessage><RequestedSecurityToken>"
                "<BinarySecurityToken xmlns=\"" SECURITY_NAMESPACE
                "\" ValueType=\"%s\" EncodingType=\"" BASE64_ENCODING "\">%s%s",
                type, space, quote);
    if (modes_has(modes, "attack", "bad-base64"))
        text_append(out, "%%%%=not-base64=%%%%");
    else
        text_base64_append(out, document.data, document.size);
    text_format(out,
                "%s%s</BinarySecurityToken></RequestedSecurityToken><RequestID xmlns=\"" WSTEP_NAMESPACE
                "\">0</RequestID>",
                quote, space);
    text_clear(&document);
}

static void response_write(const struct exchange *exchange, const char *message_id, bool renewal,
                           struct text *out)
{
    const struct modes *modes = exchange->modes;
    const char *space = soap_space(modes);
    soap_envelope_begin_dated(modes, RESPONSE_ACTION, message_id, out);
    text_format(out,
                "<RequestSecurityTokenResponseCollection xmlns=\"" TRUST_NAMESPACE
                "\"><RequestSecurityTokenResponse><TokenType>%s%s%s</TokenType>",
                space, modes_deviate(modes, "token-type") ? "urn:something:else" : TOKEN_TYPE, space);
    if (exchange->pending)
        pending_write(exchange->request->server, exchange->pending, out);
    else
        token_write(exchange, renewal, out);
    text_append(out, "</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>");
    soap_envelope_end(out);
}

static void exchange_answer(struct exchange *exchange, const char *message_id, struct reply *reply)
{
    bool renewal = exchange->old != NULL;
    if (!exchange->pending)
        exchange->certificate = authority_certificate_issue(
            exchange->request->server->authority, exchange->key, exchange->context.device, exchange->modes);
    response_write(exchange, message_id, renewal, &reply->body);
    reply->content_type = soap_content_type(exchange->modes);
    if (exchange->pending)
        (void)snprintf(reply->outcome, sizeof reply->outcome, "pending as %u", exchange->pending);
    else
        (void)snprintf(reply->outcome, sizeof reply->outcome, "certificate %s for %s",
                       renewal ? "renewed" : "issued", exchange->context.device);
}

void enrollment_answer(const struct request *request, struct reply *reply)
{
    struct exchange exchange = {.request = request, .modes = &request->server->options.modes};
    struct soap_message message;
    struct fault fault = {0};
    const struct kind *kind = NULL;
    struct mode *look = NULL;
    bool good =
        soap_message_read(request, RST_ACTION, &message, &fault) && (kind = kind_find(&message, &fault));
    if (good) {
        (void)snprintf(reply->step, sizeof reply->step, "%s", kind->step);
        good = kind->take(&exchange, &message, &fault);
    }
    if (good && (look = modes_take(exchange.modes, "fault", reply->step, "issue")))
        good = fault_set(&fault, look->value, "asked for by --mode fault");
    struct mode fleet = {.status = 200, .lower_case = true};
    if (!good && !look && kind && kind->take == renewal_take &&
        modes_has(exchange.modes, "renew", "fault-200"))
        look = &fleet;
    if (good)
        exchange_answer(&exchange, message.message_id, reply);
    else
        fault_write(exchange.modes, &fault, message.message_id ? message.message_id : "", look, reply);
    soap_message_clear(&message);
    X509_free(exchange.old);
    X509_free(exchange.certificate);
    EVP_PKEY_free(exchange.key);
    free(exchange.pkcs10);
}
