#include "oauth_client.h"

#include <stdio.h>

const struct setting oauth_option_client_id = {
    "client-id", "ID", "OAuth client id, as registered with the tenant", "oauth", 0, 0};
const struct setting oauth_option_scope = {"scope", "SCOPE", "OAuth scope", "oauth", 0, 0};
const struct setting oauth_option_resource = {"resource", "URI", "OAuth resource, for version 1 endpoints",
                                              "oauth",    0,     0};
const struct setting oauth_option_tenant = {"tenant", "TENANT", "OAuth tenant", "oauth", 0, 0};
const struct setting oauth_option_authority = {
    "authority", "URL", "OAuth authority (default " OAUTH_AUTHORITY_DEFAULT ")", "oauth", 0, 0};

void oauth_client_read(const struct credential_options *options, const struct credential_request *request,
                       struct oauth_client *ret_client)
{
    *ret_client = (struct oauth_client){
        .id = credential_option_value(options, &oauth_option_client_id),
        .scope = credential_option_value(options, &oauth_option_scope),
        .resource = credential_option_value(options, &oauth_option_resource),
        .tenant = credential_option_value(options, &oauth_option_tenant),
        .authority = credential_option_value(options, &oauth_option_authority),
    };
    if (ret_client->id == NULL)
        ret_client->id = request->client_id;
    if (request->audience == NULL)
        return;
    snprintf(ret_client->audience_scope, sizeof(ret_client->audience_scope), "%s/.default",
             request->audience);
    ret_client->scope = ret_client->audience_scope;
    ret_client->resource = NULL;
}
