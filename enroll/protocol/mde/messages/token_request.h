/* RequestSecurityToken and its response: MS-MDE2 3.4 to 3.6, MS-WSTEP 3.1.4.1. Pure. */
#ifndef ENROLL_MDE_TOKEN_REQUEST_H
#define ENROLL_MDE_TOKEN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "context_items.h"
#include "soap.h"

#define TOKEN_REQUEST_ACTION "http://schemas.microsoft.com/windows/pki/2009/01/enrollment/RST/wstep"

#define VALUE_TYPE_PKCS10 "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS10"
/* MDE2 names PKCS #7 by the first, MDE 1 and several servers by the second. */
#define VALUE_TYPE_PKCS7      WSSE_SECEXT "#PKCS7"
#define VALUE_TYPE_PKCS7_MDE1 "http://schemas.microsoft.com/windows/pki/2009/01/enrollment#PKCS7"

enum token_request_type { TOKEN_REQUEST_ISSUE, TOKEN_REQUEST_RENEW, TOKEN_REQUEST_QUERY };

struct token_request {
    enum token_request_type type;
    const uint8_t *request; /* DER: PKCS #10, or CMS around one to renew; NULL to query */
    size_t request_size;
    const char *value_type; /* VALUE_TYPE_...; NULL to query */
    const char *request_id; /* to query */
    const struct context_items *items;
};

/* Appends the whole message. */
void token_request_write(struct xml_text *text, const char *message_id, const char *to,
                         const struct soap_security *security, const struct token_request *request);

/* Freed with token_response_clear(). */
struct token_response {
    bool pending;      /* no certificate yet */
    char *request_id;  /* may be NULL unless pending */
    char *disposition; /* printable; may be NULL */
    char *document;    /* the provisioning document; NULL when pending */
    size_t document_size;
};

/* Errors: ENROLL_PROTOCOL. */
enum enroll_exit token_response_parse(const struct soap_reply *reply, struct token_response *ret_response,
                                      struct enroll_error *ret_error) __attribute__((warn_unused_result));
void token_response_clear(struct token_response *response);

#endif
