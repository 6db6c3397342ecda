#include "broker_message.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_text.h"

/* The broker's number for a token by OAuth 2. */
#define AUTHORIZATION_TYPE_TOKEN 8
/* What native clients of the broker register. */
#define REDIRECT_URI "https://login.microsoftonline.com/common/oauth2/nativeclient"

char *broker_accounts_request(const struct broker_request *request)
{
    struct json_object *object = json_object_new_object();

    return json_text_take(object, object != NULL && json_text_put(object, "clientId", request->client_id) &&
                                      json_text_put(object, "redirectUri", REDIRECT_URI));
}

static bool account_is(struct json_object *account, const char *user)
{
    char *name = json_text_string(account, "username");
    bool match = user == NULL || (name != NULL && strcasecmp(name, user) == 0);

    free(name);
    return match && json_object_is_type(account, json_type_object);
}

char *broker_account_choose(const char *json, size_t size, const char *user)
{
    struct json_object *object = json_text_parse(json, size), *accounts;
    char *chosen = NULL;

    if (object != NULL && json_object_object_get_ex(object, "accounts", &accounts) &&
        json_object_is_type(accounts, json_type_array)) {
        for (size_t i = 0; chosen == NULL && i < json_object_array_length(accounts); i++) {
            struct json_object *account = json_object_array_get_idx(accounts, i);

            if (account_is(account, user))
                chosen = strdup(json_object_to_json_string_ext(account, JSON_C_TO_STRING_PLAIN));
        }
    }
    json_text_free(object);
    return chosen;
}

static struct json_object *scopes_make(const char *scope)
{
    struct json_object *scopes = json_object_new_array();
    size_t count = 0;

    for (scope += strspn(scope, " "); scopes != NULL && *scope != '\0' && count < BROKER_SCOPES_MAX;
         count++) {
        size_t size = strcspn(scope, " ");
        struct json_object *one = json_object_new_string_len(scope, (int)size);

        if (one == NULL || json_object_array_add(scopes, one) != 0) {
            json_object_put(scopes);
            return NULL;
        }
        scope += size;
        scope += strspn(scope, " ");
    }
    return scopes;
}

static bool parameters_fill(struct json_object *parameters, const struct broker_request *request,
                            const char *account)
{
    struct json_object *scopes = scopes_make(request->scope);
    struct json_object *type = json_object_new_int(AUTHORIZATION_TYPE_TOKEN);
    struct json_object *parsed = account != NULL ? json_text_parse(account, strlen(account)) : NULL;

    if (scopes == NULL || json_object_object_add(parameters, "requestedScopes", scopes) != 0)
        return false;
    if (type == NULL || json_object_object_add(parameters, "authorizationType", type) != 0)
        return false;
    if (parsed != NULL && json_object_object_add(parameters, "account", parsed) != 0)
        return false;
    return json_text_put(parameters, "clientId", request->client_id) &&
           json_text_put(parameters, "redirectUri", REDIRECT_URI) &&
           json_text_put(parameters, "authority", request->authority) &&
           json_text_put(parameters, "username", request->user != NULL ? request->user : "");
}

char *broker_token_request(const struct broker_request *request, const char *account)
{
    struct json_object *object = json_object_new_object();
    struct json_object *parameters = json_object_new_object();
    /* Brokers before 2.0.2 of Microsoft's look for the account beside the parameters. */
    struct json_object *parsed = account != NULL ? json_text_parse(account, strlen(account)) : NULL;
    bool complete = object != NULL && parameters != NULL && parameters_fill(parameters, request, account) &&
                    (parsed == NULL || json_object_object_add(object, "account", parsed) == 0) &&
                    json_object_object_add(object, "authParameters", parameters) == 0;

    if (!complete)
        json_object_put(parameters);
    return json_text_take(object, complete);
}

/* An error is a string, or an object with its words in one of several members. */
static char *error_read(struct json_object *holder)
{
    static const char *const names[] = {"context", "message", "error_description", "errorDescription",
                                        "status"};
    struct json_object *error;
    char *text = json_text_printable(holder, "error");

    if (text != NULL || !json_object_object_get_ex(holder, "error", &error) ||
        !json_object_is_type(error, json_type_object))
        return text;
    for (size_t i = 0; text == NULL && i < sizeof(names) / sizeof(names[0]); i++)
        text = json_text_printable(error, names[i]);
    return text != NULL ? text : strdup("the broker gives no reason");
}

bool broker_token_read(const char *json, size_t size, char **ret_token, char **ret_error)
{
    struct json_object *object = json_text_parse(json, size), *response = NULL;

    *ret_token = NULL;
    *ret_error = NULL;
    if (object == NULL)
        return false;
    if (json_object_object_get_ex(object, "brokerTokenResponse", &response) &&
        json_object_is_type(response, json_type_object)) {
        *ret_token = json_text_string(response, "accessToken");
        if (*ret_token == NULL)
            *ret_error = error_read(response);
    }
    if (*ret_token == NULL && *ret_error == NULL)
        *ret_error = error_read(object);
    json_text_free(object);
    return *ret_token != NULL || *ret_error != NULL;
}
