/*
 * The SOAP envelope around every message: written as Windows writes it (SOAP 1.2, compact, the prefixes s, a,
 * u, wsse, wst and ac, because small servers read it with regular expressions); read in SOAP 1.1 and 1.2.
 */
#ifndef ENROLL_MDE_SOAP_H
#define ENROLL_MDE_SOAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "error.h"
#include "xml_text.h"

#define SOAP_CONTENT_TYPE "application/soap+xml; charset=utf-8"

#define WSSE_SECEXT  "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define WSSE_UTILITY "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
#define VALUE_TYPE_USER_TOKEN                                                                                \
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken"
#define VALUE_TYPE_JWT "urn:ietf:params:oauth:token-type:jwt"
#define VALUE_TYPE_X509                                                                                      \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
#define SOAP_CERTIFICATE_ID "uuid-e6fd2c5f-2a53-4a4e-a3b6-38d3a42bd1b2-1"

enum security_kind {
    SECURITY_NONE,
    SECURITY_TOKEN,       /* BinarySecurityToken */
    SECURITY_USER,        /* UsernameToken */
    SECURITY_CERTIFICATE, /* BinarySecurityToken of an X.509 certificate */
};

/* wsse:Security of a request (MS-MDE2 3.2, 3.3, 3.4). */
struct soap_security {
    enum security_kind kind;
    const char *value_type; /* SECURITY_TOKEN, SECURITY_CERTIFICATE */
    const uint8_t *token;   /* SECURITY_TOKEN: its bytes; SECURITY_CERTIFICATE: DER. base64 is done here */
    size_t token_size;
    const char *username; /* SECURITY_USER */
    const char *password; /* "" at renewal */
    const char *created;  /* u:Timestamp, "2026-11-22T17:00:00Z"; NULL: none */
    const char *expires;
};

struct soap_request {
    const char *action;
    const char *message_id; /* "urn:uuid:..." */
    const char *to;         /* the URL posted to */
    struct soap_security security;
};

/* Writes everything up to and including <s:Body...>. With namespaces: those of policy and enrolment messages.
 */
void soap_envelope_begin(struct xml_text *text, const struct soap_request *request, bool namespaces);
void soap_envelope_end(struct xml_text *text);

/* A reply. Freed with soap_reply_clear(). */
struct soap_reply {
    xmlDoc *document;
    const xmlNode *header;  /* may be NULL */
    const xmlNode *body;    /* s:Body */
    const xmlNode *content; /* the first element in it; may be NULL */
    char *action;           /* may be NULL */
    char *relates_to;       /* may be NULL */
    char *activity_id;      /* may be NULL */
    bool odd_namespaces;    /* a prefix was not declared */
};

/*
 * Reads an answer of `size` bytes: one Envelope, one Body. Errors: ENROLL_PROTOCOL, told as an answer to
 * `name`.
 */
enum enroll_exit soap_reply_parse(const char *xml, size_t size, const char *name,
                                  struct soap_reply *ret_reply, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
void soap_reply_clear(struct soap_reply *reply);

#endif
