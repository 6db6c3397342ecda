/*
 * An identity broker on the session bus, for tests: com.microsoft.identity.broker1 as its users know it,
 * written from what is known of the interface and not from our client.
 *
 *   broker MODE TOKEN-FILE
 *   silent       a signed-in account and a token for it
 *   interactive  an account whose token needs a window, which is agreed to at once
 *   declined     no account, and the window is closed
 *   garbage      answers that are no JSON
 *   failing      D-Bus errors
 *   mute         no answer at all
 * It refuses calls that lack what a broker needs. Prints "ready" once it has its name.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <systemd/sd-bus.h>

static const char *mode;
static char token[4096];

static int answer(sd_bus_message *call, const char *json)
{
    return sd_bus_reply_method_return(call, "s", strcmp(mode, "garbage") == 0 ? "this is no JSON" : json);
}

/* The JSON argument, after the protocol version and a correlation id were checked. NULL: an error was
 * answered. */
static struct json_object *argument_read(sd_bus_message *call, int *ret_result)
{
    const char *protocol, *correlation, *json;
    struct json_object *object;

    *ret_result = sd_bus_message_read(call, "sss", &protocol, &correlation, &json);
    if (*ret_result < 0)
        return NULL;
    object = json_tokener_parse(json);
    if (strcmp(mode, "mute") == 0)
        *ret_result = 1;
    else if (strcmp(mode, "failing") == 0)
        *ret_result =
            sd_bus_reply_method_errorf(call, "com.microsoft.identity.Error", "the broker is out of order");
    else if (strcmp(protocol, "0.0") != 0 || strlen(correlation) != 36 || object == NULL)
        *ret_result =
            sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "protocol, correlation id or JSON");
    else
        return object;
    json_object_put(object);
    return NULL;
}

static bool has_string(struct json_object *object, const char *name)
{
    struct json_object *value;

    return json_object_object_get_ex(object, name, &value) && json_object_is_type(value, json_type_string) &&
           json_object_get_string_len(value) > 0;
}

static int accounts(sd_bus_message *call, void *context, sd_bus_error *error)
{
    int result;
    struct json_object *argument = argument_read(call, &result);

    (void)context;
    (void)error;
    if (argument == NULL)
        return result;
    if (!has_string(argument, "clientId"))
        result = sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "clientId");
    else if (strcmp(mode, "declined") == 0)
        result = answer(call, "{\"accounts\":[]}");
    else
        result = answer(call, "{\"accounts\":[{\"username\":\"bob@contoso.test\",\"homeAccountId\":\"b\"},"
                              "{\"username\":\"Alice@contoso.test\",\"homeAccountId\":\"a\"}]}");
    json_object_put(argument);
    return result;
}

static bool parameters_are_whole(struct json_object *argument)
{
    struct json_object *parameters, *scopes;

    return json_object_object_get_ex(argument, "authParameters", &parameters) &&
           has_string(parameters, "clientId") && has_string(parameters, "redirectUri") &&
           has_string(parameters, "authority") &&
           json_object_object_get_ex(parameters, "requestedScopes", &scopes) &&
           json_object_is_type(scopes, json_type_array) && json_object_array_length(scopes) > 0;
}

static bool account_is_alice(struct json_object *argument)
{
    struct json_object *parameters, *account, *id;

    return json_object_object_get_ex(argument, "authParameters", &parameters) &&
           json_object_object_get_ex(parameters, "account", &account) &&
           json_object_object_get_ex(account, "homeAccountId", &id) &&
           strcmp(json_object_get_string(id), "a") == 0;
}

static int acquire(sd_bus_message *call, void *context, sd_bus_error *error)
{
    bool interactive = strcmp(sd_bus_message_get_member(call), "acquireTokenInteractively") == 0;
    bool signed_in = strcmp(mode, "silent") == 0 || strcmp(mode, "interactive") == 0;
    int result;
    struct json_object *argument = argument_read(call, &result);
    char json[8192];

    (void)context;
    (void)error;
    if (argument == NULL)
        return result;
    snprintf(json, sizeof(json), "{\"brokerTokenResponse\":{\"accessToken\":\"%s\",\"expiresOn\":1}}", token);
    if (!parameters_are_whole(argument) || (signed_in && !account_is_alice(argument)))
        result = sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "authParameters");
    else if (strcmp(mode, "declined") == 0)
        result = answer(call,
                        "{\"brokerTokenResponse\":{\"error\":{\"context\":\"the user closed the window\"}}}");
    else if (strcmp(mode, "interactive") == 0 && !interactive)
        result = answer(call, "{\"brokerTokenResponse\":{\"error\":{\"context\":\"interaction_required\"}}}");
    else
        result = answer(call, json);
    json_object_put(argument);
    return result;
}

static const sd_bus_vtable methods[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("getAccounts", "sss", "s", accounts, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("acquireTokenSilently", "sss", "s", acquire, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("acquireTokenInteractively", "sss", "s", acquire, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int main(int count, char **arguments)
{
    sd_bus *bus = NULL;
    FILE *file = count == 3 ? fopen(arguments[2], "r") : NULL;

    if (file == NULL || fgets(token, sizeof(token), file) == NULL)
        return 2;
    fclose(file);
    token[strcspn(token, "\n")] = '\0';
    mode = arguments[1];
    if (sd_bus_open_user(&bus) < 0 ||
        sd_bus_add_object_vtable(bus, NULL, "/com/microsoft/identity/broker1",
                                 "com.microsoft.identity.Broker1", methods, NULL) < 0 ||
        sd_bus_request_name(bus, "com.microsoft.identity.broker1", 0) < 0)
        return 1;
    puts("ready");
    fflush(stdout);
    while (sd_bus_process(bus, NULL) >= 0)
        if (sd_bus_wait(bus, UINT64_MAX) < 0)
            return 1;
    return 1;
}
