/*
 * SOAP 1.2 envelopes with WS-Addressing headers: the strict reading of requests and the writing of replies.
 */
#ifndef MDE_SERVER_SOAP_H
#define MDE_SERVER_SOAP_H

#include <stdbool.h>

#include <libxml/tree.h>

#include "faults.h"
#include "text.h"

#define SOAP_CONTENT_TYPE     "application/soap+xml; charset=utf-8"
#define SOAP_NAMESPACE        "http://www.w3.org/2003/05/soap-envelope"
#define ADDRESSING_NAMESPACE  "http://www.w3.org/2005/08/addressing"
#define DISCOVERY_NAMESPACE   "http://schemas.microsoft.com/windows/management/2012/01/enrollment"
#define POLICY_NAMESPACE      "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"
#define WSTEP_NAMESPACE       "http://schemas.microsoft.com/windows/pki/2009/01/enrollment"
#define TRUST_NAMESPACE       "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define AUTHORIZATION_CONTEXT "http://schemas.xmlsoap.org/ws/2006/12/authorization"
#define WSS_PREFIX            "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
#define SECURITY_NAMESPACE    WSS_PREFIX "wssecurity-secext-1.0.xsd"
#define UTILITY_NAMESPACE     WSS_PREFIX "wssecurity-utility-1.0.xsd"
#define BASE64_ENCODING       SECURITY_NAMESPACE "#base64binary"
#define SCHEMA_INSTANCE       "http://www.w3.org/2001/XMLSchema-instance"

struct modes;
struct request;

struct soap_message {
    xmlDoc *document;
    char *message_id;
    xmlNode *security; /* wsse:Security, NULL when the header has none */
    xmlNode *body;     /* the one element in s:Body */
};

/* Reads and checks the envelope of a request whose Action must be the given one. On failure *ret_fault says
 * what is missing or wrong; ret_message->message_id is then set when it could be read. soap_message_clear in
 * either case. */
bool soap_message_read(const struct request *request, const char *action, struct soap_message *ret_message,
                       struct fault *ret_fault);
void soap_message_clear(struct soap_message *message);

/* The one child element of that name: a fault names it when it is missing or there twice. */
xmlNode *soap_child_require(xmlNode *parent, const char *name_space, const char *name,
                            struct fault *ret_fault);
/* The first child element of that name, or any name and namespace for NULL; NULL for none. */
xmlNode *soap_child_find(xmlNode *parent, const char *name_space, const char *name);
xmlNode *soap_sibling_find(xmlNode *node, const char *name_space, const char *name);
bool soap_name_is(const xmlNode *node, const char *name_space, const char *name);

/* The text of a child that must be there and not empty; the caller frees it with free(). NULL after a fault.
 */
char *soap_child_text(xmlNode *parent, const char *name_space, const char *name, struct fault *ret_fault);
/* The attribute of no namespace (name_space NULL) or of one; NULL when it is not there; free() it. */
char *soap_attribute_text(xmlNode *node, const char *name_space, const char *name);
/* An attribute of no namespace that must have this value. */
bool soap_attribute_require(xmlNode *node, const char *name, const char *value, struct fault *ret_fault);

void soap_envelope_begin(const struct modes *modes, const char *action, const char *relates_to,
                         struct text *out);
/* The same with a wsse:Security/u:Timestamp in the header. */
void soap_envelope_begin_dated(const struct modes *modes, const char *action, const char *relates_to,
                               struct text *out);
void soap_envelope_end(struct text *out);

/* The Content-Type of an answer. */
const char *soap_content_type(const struct modes *modes);

/* White space for the deviation of that name, nothing otherwise. */
const char *soap_space(const struct modes *modes);

#endif
