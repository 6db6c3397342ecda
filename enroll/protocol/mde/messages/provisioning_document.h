/* The wap-provisioningdoc that RequestSecurityToken brings. Pure: bytes to struct. MS-MDE2 2.2.9.1. */
#ifndef ENROLL_MDE_PROVISIONING_DOCUMENT_H
#define ENROLL_MDE_PROVISIONING_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "received.h"

/* Everything we read of the document; secrets of APPAUTH are not kept. Strings may be NULL. */
struct provisioning_document {
    struct received_certificates received; /* System and User stores alike */
    unsigned renew_period_days;            /* default 42 */
    unsigned retry_interval_days;          /* default 7 */
    char *renew_url;                       /* WSTEP/Renew/ServerURL */
    char *provider_id;
    char *server_name;
    char *management_url; /* APPLICATION w7 ADDR */
    char *upn;
    char *device_id; /* EntDMID */
    size_t warning_count;
    char *warnings[16]; /* what was odd or ignored, for people */
};

/* Reads a document of `size` bytes (at most 1 MiB). *ret_document is the caller's. */
enum enroll_exit provisioning_document_parse(const char *xml, size_t size,
                                             struct provisioning_document **ret_document,
                                             struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
void provisioning_document_free(struct provisioning_document *document);

#endif
