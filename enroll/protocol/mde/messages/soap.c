#include "soap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xml_document.h"

#define SOAP_11         "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP_12         "http://www.w3.org/2003/05/soap-envelope"
#define ADDRESSING      "http://www.w3.org/2005/08/addressing"
#define ENCODING_BASE64 WSSE_SECEXT "#base64binary"
#define PASSWORD_TEXT                                                                                        \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
/* MS-MDE2 3.3.4.1: this value and no other. */
#define USERNAME_TOKEN_ID "uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4"

static void user_write(struct xml_text *text, const struct soap_security *security)
{
    xml_text_append(text, "<wsse:UsernameToken u:Id=\"" USERNAME_TOKEN_ID "\">");
    xml_text_append_element(text, "wsse:Username", security->username);
    /* The prefixed attribute is what Windows sends; WSS 1.0 has it without. */
    xml_text_append_element(text, "wsse:Password wsse:Type=\"" PASSWORD_TEXT "\"", security->password);
    xml_text_append(text, "</wsse:UsernameToken>");
}

static void token_write(struct xml_text *text, const struct soap_security *security)
{
    xml_text_append(text, "<wsse:BinarySecurityToken ");
    /* MS-MDE2 3.4.4.1.1: a signature's KeyInfo refers to the certificate by this id. */
    if (security->kind == SECURITY_CERTIFICATE)
        xml_text_append(text, "u:Id=\"" SOAP_CERTIFICATE_ID "\" ");
    xml_text_append(text, "ValueType=\"");
    xml_text_append_escaped(text, security->value_type);
    xml_text_append(text, "\" EncodingType=\"" ENCODING_BASE64 "\">");
    xml_text_append_base64(text, security->token, security->token_size);
    xml_text_append(text, "</wsse:BinarySecurityToken>");
}

static void security_write(struct xml_text *text, const struct soap_security *security)
{
    xml_text_append(text, "<wsse:Security s:mustUnderstand=\"1\">");
    if (security->created != NULL) {
        xml_text_append(text, "<u:Timestamp u:Id=\"_0\">");
        xml_text_append_element(text, "u:Created", security->created);
        xml_text_append_element(text, "u:Expires", security->expires);
        xml_text_append(text, "</u:Timestamp>");
    }
    if (security->kind == SECURITY_USER)
        user_write(text, security);
    else if (security->kind != SECURITY_NONE)
        token_write(text, security);
    xml_text_append(text, "</wsse:Security>");
}

void soap_envelope_begin(struct xml_text *text, const struct soap_request *request, bool namespaces)
{
    const struct soap_security *security = &request->security;

    xml_text_append(text, "<s:Envelope xmlns:s=\"" SOAP_12 "\" xmlns:a=\"" ADDRESSING "\"");
    if (namespaces)
        xml_text_append(text, " xmlns:u=\"" WSSE_UTILITY "\" xmlns:wsse=\"" WSSE_SECEXT
                              "\" xmlns:wst=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\""
                              " xmlns:ac=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\"");
    xml_text_append(text, "><s:Header>");
    xml_text_append_element(text, "a:Action s:mustUnderstand=\"1\"", request->action);
    xml_text_append_element(text, "a:MessageID", request->message_id);
    xml_text_append(text, "<a:ReplyTo><a:Address>" ADDRESSING "/anonymous</a:Address></a:ReplyTo>");
    xml_text_append_element(text, "a:To s:mustUnderstand=\"1\"", request->to);
    if (security->kind != SECURITY_NONE || security->created != NULL)
        security_write(text, security);
    xml_text_append(text, "</s:Header><s:Body");
    if (namespaces)
        xml_text_append(text, " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
                              " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"");
    xml_text_append(text, ">");
}

void soap_envelope_end(struct xml_text *text)
{
    xml_text_append(text, "</s:Body></s:Envelope>");
}

/* One sentence when the document is not one SOAP envelope with one body, else NULL. */
static const char *envelope_refusal(const xmlNode *root)
{
    const char *space = root->ns != NULL ? (const char *)root->ns->href : "";

    if (!xml_element_is(root, "Envelope"))
        return "it is XML, but not a SOAP envelope";
    if (strcmp(space, SOAP_12) != 0 && strcmp(space, SOAP_11) != 0)
        return "its Envelope is of no SOAP version that is known";
    if (xml_descendant(root, "Envelope") != NULL)
        return "it has more than one Envelope";
    if (xml_child_count(root, "Body") != 1)
        return "its Envelope has not exactly one Body";
    if (xml_child_count(xml_child(root, "Body"), NULL) > 1)
        return "its Body holds more than one answer";
    if (xml_child_count(root, "Header") > 1)
        return "its Envelope has more than one Header";
    return NULL;
}

static char *activity_read(const xmlNode *header)
{
    const xmlNode *element = xml_child(header, "ActivityId");
    char *correlation = xml_attribute(element, "CorrelationId");
    char *activity = xml_element_text(element);
    char *result = NULL;

    if (activity != NULL && correlation != NULL && *correlation != '\0') {
        if (asprintf(&result, "%s (correlation %s)", activity, correlation) < 0)
            result = NULL;
        free(activity);
    } else {
        result = activity;
    }
    free(correlation);
    return result;
}

enum enroll_exit soap_reply_parse(const char *xml, size_t size, const char *name,
                                  struct soap_reply *ret_reply, struct enroll_error *ret_error)
{
    struct soap_reply reply = {0};
    char why[256];
    const char *refusal;

    reply.document = xml_document_parse(xml, size, &reply.odd_namespaces, why, sizeof(why));
    if (reply.document == NULL)
        return enroll_error_set(ret_error, ENROLL_PROTOCOL,
                                "check that the address is that of an MDM server that speaks MDE2",
                                "the answer to %s was refused: %s", name, why);
    refusal = envelope_refusal(xmlDocGetRootElement(reply.document));
    if (refusal != NULL) {
        xmlFreeDoc(reply.document);
        return enroll_error_set(ret_error, ENROLL_PROTOCOL,
                                "check that the address is that of an MDM server that speaks MDE2",
                                "the answer to %s was refused: %s", name, refusal);
    }
    reply.header = xml_child(xmlDocGetRootElement(reply.document), "Header");
    reply.body = xml_child(xmlDocGetRootElement(reply.document), "Body");
    reply.content = xml_child(reply.body, NULL);
    reply.action = xml_child_text(reply.header, "Action");
    reply.relates_to = xml_child_text(reply.header, "RelatesTo");
    reply.activity_id = activity_read(reply.header);
    *ret_reply = reply;
    return ENROLL_OK;
}

void soap_reply_clear(struct soap_reply *reply)
{
    xmlFreeDoc(reply->document);
    free(reply->action);
    free(reply->relates_to);
    free(reply->activity_id);
    *reply = (struct soap_reply){0};
}
