/* The OAuth 2 client that the operator configured; shared by broker and device code. Private to
 * enroll/credential. */
#ifndef ENROLL_CREDENTIAL_OAUTH_CLIENT_H
#define ENROLL_CREDENTIAL_OAUTH_CLIENT_H

#include "source.h"

#define OAUTH_AUTHORITY_DEFAULT "https://login.microsoftonline.com"

extern const struct setting oauth_option_client_id, oauth_option_scope, oauth_option_resource,
    oauth_option_tenant, oauth_option_authority;

#define OAUTH_OPTIONS                                                                                        \
    &oauth_option_client_id, &oauth_option_scope, &oauth_option_resource, &oauth_option_tenant,              \
        &oauth_option_authority

/* Members that were not given are NULL. */
struct oauth_client {
    const char *id;       /* none is built in */
    const char *scope;    /* of the request's audience, if it names one */
    const char *resource; /* of version 1 endpoints; instead of scope */
    const char *tenant;
    const char *authority; /* URL */
    char audience_scope[512];
};

/* Reads the options; *ret_client must stay where it is. */
void oauth_client_read(const struct credential_options *options, const struct credential_request *request,
                       struct oauth_client *ret_client);

#endif
