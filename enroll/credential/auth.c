#include "auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "secret.h"
#include "ways.h"
#include "soap.h"

static const struct {
    const char *name;
    auth_way_obtain *obtain;
} ways[] = {
    [AUTH_AUTOMATIC] = {"auto", NULL},
    [AUTH_TOKEN_FILE] = {"file", auth_token_file_obtain},
    [AUTH_TOKEN_FD] = {"fd", auth_token_fd_obtain},
    [AUTH_TOKEN_COMMAND] = {"command", auth_token_command_obtain},
    [AUTH_DEVICE_CODE] = {"device-code", auth_device_code_obtain},
    [AUTH_BROKER] = {"broker", auth_broker_obtain},
    [AUTH_BROWSER] = {"browser", auth_browser_obtain},
    [AUTH_PASSWORD] = {"password", auth_password_obtain},
    [AUTH_CERTIFICATE] = {"certificate", auth_certificate_obtain},
};

#define WAY_COUNT (sizeof(ways) / sizeof(ways[0]))

const char *auth_way_name(enum auth_way way)
{
    return ways[way].name;
}

bool auth_way_find(const char *name, enum auth_way *ret_way)
{
    for (size_t i = 0; i < WAY_COUNT; i++) {
        if (strcmp(name, ways[i].name) == 0) {
            *ret_way = (enum auth_way)i;
            return true;
        }
    }
    return false;
}

/* The way by which a token was given; AUTH_AUTOMATIC when none was. */
static enum auth_way given_way(const struct auth_options *options)
{
    if (options->token_file != NULL)
        return AUTH_TOKEN_FILE;
    if (options->token_fd >= 0)
        return AUTH_TOKEN_FD;
    return options->token_command != NULL ? AUTH_TOKEN_COMMAND : AUTH_AUTOMATIC;
}

struct auth_offer auth_options_offer(const struct auth_options *options)
{
    enum auth_way way = options->force != AUTH_AUTOMATIC ? options->force : given_way(options);

    switch (way) {
    case AUTH_TOKEN_FILE:
    case AUTH_TOKEN_FD:
    case AUTH_TOKEN_COMMAND:
        /* A given token goes to the server whichever of the two it says. */
        return (struct auth_offer){.on_premise = true, .federated = true};
    case AUTH_DEVICE_CODE:
    case AUTH_BROKER:
    case AUTH_BROWSER:
        return (struct auth_offer){.federated = true};
    case AUTH_PASSWORD:
        return (struct auth_offer){.on_premise = true};
    case AUTH_CERTIFICATE:
        return (struct auth_offer){.certificate = true};
    case AUTH_AUTOMATIC:
        break;
    }
    return (struct auth_offer){.on_premise = options->password_file != NULL || options->ask_secret != NULL,
                               .federated = true,
                               .certificate = options->certificate != NULL};
}

static void note(const struct auth_situation *situation, enum auth_way way, const char *why)
{
    char text[256];

    snprintf(text, sizeof(text), "Authentication by %s: %s", ways[way].name, why);
    if (situation->note != NULL)
        situation->note(situation->note_context, text);
}

/* The best way for a federated server, and why; AUTH_AUTOMATIC when there is none. */
static enum auth_way federated_way(const struct auth_options *options, const struct auth_situation *situation,
                                   const char **ret_why)
{
    if (options->client_id != NULL && auth_broker_available()) {
        *ret_why = "an identity broker runs in this session";
        return AUTH_BROKER;
    }
    if (options->client_id != NULL) {
        *ret_why = "a client id is configured";
        return AUTH_DEVICE_CODE;
    }
    if (situation->authentication_service_url != NULL) {
        *ret_why = "the server names its sign-in page";
        return AUTH_BROWSER;
    }
    return AUTH_AUTOMATIC;
}

static enum auth_way choose(const struct auth_options *options, const struct auth_situation *situation,
                            const char **ret_why)
{
    enum auth_way given = given_way(options);

    if (options->force != AUTH_AUTOMATIC) {
        *ret_why = "asked for with --auth";
        return options->force;
    }
    if (given != AUTH_AUTOMATIC) {
        *ret_why = "a token was given";
        return given;
    }
    if (strcasecmp(situation->auth_policy, "Federated") == 0)
        return federated_way(options, situation, ret_why);
    *ret_why = "the server asks for it";
    return strcasecmp(situation->auth_policy, "OnPremise") == 0 ? AUTH_PASSWORD : AUTH_CERTIFICATE;
}

/* What an --auth way needs and was not given; NULL when nothing is missing. */
static const char *missing_option(const struct auth_options *options, enum auth_way way)
{
    const char *const needed[WAY_COUNT] = {
        [AUTH_TOKEN_FILE] = options->token_file == NULL ? "--token-file" : NULL,
        [AUTH_TOKEN_FD] = options->token_fd < 0 ? "--token-fd" : NULL,
        [AUTH_TOKEN_COMMAND] = options->token_command == NULL ? "--token-command" : NULL,
        [AUTH_DEVICE_CODE] = options->client_id == NULL ? "--client-id" : NULL,
        [AUTH_BROKER] = options->client_id == NULL ? "--client-id" : NULL,
        [AUTH_CERTIFICATE] = options->certificate == NULL ? "--auth-certificate" : NULL,
    };

    return needed[way];
}

static enum enroll_exit value_type_find(const char *name, const char **ret_type,
                                        struct enroll_error *ret_error)
{
    if (name == NULL || strcmp(name, "user") == 0)
        *ret_type = VALUE_TYPE_USER_TOKEN;
    else if (strcmp(name, "jwt") == 0)
        *ret_type = VALUE_TYPE_JWT;
    else
        return enroll_error_set(ret_error, ENROLL_USAGE, STEP_TOKEN, "It is \"user\" or \"jwt\".",
                                "There is no token type \"%s\".", name);
    return ENROLL_OK;
}

enum enroll_exit auth_obtain(const struct auth_options *options, const struct auth_situation *situation,
                             struct auth_credential *ret_credential, struct enroll_error *ret_error)
{
    struct auth_credential credential = {0};
    const char *why = "", *missing, *value_type = NULL;
    enum auth_way way = choose(options, situation, &why);
    enum enroll_exit status = value_type_find(options->token_type, &value_type, ret_error);

    if (status != ENROLL_OK)
        return status;
    if (way == AUTH_AUTOMATIC)
        return enroll_error_set(
            ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN,
            "Give --token-file, --token-command, or --client-id for a sign-in with a device code.",
            "The server wants a security token, and there is no way to get one.");
    missing = missing_option(options, way);
    if (missing != NULL)
        return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN, NULL,
                                "Authentication by %s needs %s, which was not given.", ways[way].name,
                                missing);
    note(situation, way, why);
    status = ways[way].obtain(options, situation, &credential, ret_error);
    if (status != ENROLL_OK) {
        auth_credential_free(&credential);
        return status;
    }
    credential.way = way;
    credential.value_type = value_type;
    *ret_credential = credential;
    return ENROLL_OK;
}

void auth_credential_free(struct auth_credential *credential)
{
    secret_free(credential->token);
    secret_free(credential->password);
    free(credential->username);
    X509_free(credential->certificate);
    EVP_PKEY_free(credential->key);
    if (credential->key_source != NULL)
        credential->key_source_close(credential->key_source);
    *credential = (struct auth_credential){0};
}
