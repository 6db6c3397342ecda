/*
 * The identity broker of the desktop session (D-Bus, com.microsoft.identity.broker1), as Microsoft's and
 * himmelblau's both offer it: a token without a question where the user is signed in, else the broker's own
 * window.
 */
#include "auth/ways.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <systemd/sd-bus.h>

#include "auth/broker_message.h"
#include "auth/secret.h"

#define BROKER_NAME         "com.microsoft.identity.broker1"
#define BROKER_PATH         "/com/microsoft/identity/broker1"
#define BROKER_INTERFACE    "com.microsoft.identity.Broker1"
#define PROTOCOL            "0.0"
#define SILENT_SECONDS      60
#define INTERACTIVE_SECONDS 300
#define AUTHORITY_DEFAULT   "https://login.microsoftonline.com"

static bool name_listed(sd_bus *bus, const char *method)
{
    sd_bus_message *reply = NULL;
    char **names = NULL;
    bool found = false;

    if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                           method, NULL, &reply, NULL) >= 0 &&
        sd_bus_message_read_strv(reply, &names) >= 0) {
        for (char **name = names; name != NULL && *name != NULL; name++) {
            found = found || strcmp(*name, BROKER_NAME) == 0;
            free(*name);
        }
        free(names);
    }
    sd_bus_message_unref(reply);
    return found;
}

bool auth_broker_available(void)
{
    sd_bus *bus = NULL;
    bool found = sd_bus_open_user(&bus) >= 0 &&
                 (name_listed(bus, "ListNames") || name_listed(bus, "ListActivatableNames"));

    sd_bus_flush_close_unref(bus);
    return found;
}

static void correlation_make(char ret_id[37])
{
    uint8_t r[16] = {0};

    /* It only ties log lines together; zeros would do. */
    if (RAND_bytes(r, sizeof(r)) != 1)
        memset(r, 0, sizeof(r));
    snprintf(ret_id, 37, "%02x%02x%02x%02x-%02x%02x-4%x%02x-8%x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
             r[2], r[3], r[4], r[5], r[6] & 15, r[7], r[8] & 15, r[9], r[10], r[11], r[12], r[13], r[14],
             r[15]);
}

static enum enroll_exit call_failed(const char *method, int result, const sd_bus_error *error,
                                    struct enroll_error *ret_error)
{
    bool absent = sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                  sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);

    enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN,
                     "Run this as the signed-in user in the desktop session, or use another --auth.",
                     absent ? "No identity broker is installed in this session (%s)."
                            : "The identity broker failed at %s.",
                     method);
    if (!absent)
        snprintf(ret_error->server_text, sizeof(ret_error->server_text), "%s",
                 error->message != NULL ? error->message : strerrordesc_np(-result));
    enroll_text_print(ret_error->server_text, strlen(ret_error->server_text), ret_error->server_text,
                      sizeof(ret_error->server_text));
    return ENROLL_AUTHENTICATION;
}

/* Calls a method with one JSON argument. *ret_answer is a secret. */
static enum enroll_exit broker_call(sd_bus *bus, const char *method, const char *argument, unsigned seconds,
                                    char **ret_answer, struct enroll_error *ret_error)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *call = NULL, *reply = NULL;
    const char *answer = NULL;
    char correlation[37];
    enum enroll_exit status = ENROLL_OK;
    int result;

    correlation_make(correlation);
    result = sd_bus_message_new_method_call(bus, &call, BROKER_NAME, BROKER_PATH, BROKER_INTERFACE, method);
    if (result >= 0)
        result = sd_bus_message_append(call, "sss", PROTOCOL, correlation, argument);
    if (result >= 0)
        result = sd_bus_call(bus, call, (uint64_t)seconds * 1000000, &error, &reply);
    if (result >= 0)
        result = sd_bus_message_read(reply, "s", &answer);
    if (result < 0)
        status = call_failed(method, result, &error, ret_error);
    else if ((*ret_answer = strdup(answer)) == NULL)
        status = enroll_error_memory(ret_error, STEP_TOKEN);
    sd_bus_message_unref(reply);
    sd_bus_message_unref(call);
    sd_bus_error_free(&error);
    return status;
}

/* One attempt at a token. *ret_words gets the broker's refusal when there is no token; ENROLL_OK all the
 * same. */
static enum enroll_exit token_acquire(sd_bus *bus, const char *method, unsigned seconds,
                                      const struct broker_request *request, const char *account,
                                      char **ret_token, char **ret_words, struct enroll_error *ret_error)
{
    char *argument = broker_token_request(request, account), *answer = NULL;
    enum enroll_exit status = argument != NULL
                                  ? broker_call(bus, method, argument, seconds, &answer, ret_error)
                                  : enroll_error_memory(ret_error, STEP_TOKEN);

    if (status == ENROLL_OK && !broker_token_read(answer, strlen(answer), ret_token, ret_words))
        status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN, NULL,
                                  "The identity broker's answer has neither a token nor an error.");
    secret_free(answer);
    free(argument);
    return status;
}

static enum enroll_exit token_get(sd_bus *bus, const struct broker_request *request,
                                  const struct auth_situation *situation, char **ret_token,
                                  struct enroll_error *ret_error)
{
    char *argument = broker_accounts_request(request), *answer = NULL, *account = NULL, *words = NULL;
    enum enroll_exit status =
        argument != NULL ? broker_call(bus, "getAccounts", argument, SILENT_SECONDS, &answer, ret_error)
                         : enroll_error_memory(ret_error, STEP_TOKEN);

    if (status == ENROLL_OK)
        account = broker_account_choose(answer, strlen(answer), request->user);
    if (status == ENROLL_OK && account != NULL)
        status = token_acquire(bus, "acquireTokenSilently", SILENT_SECONDS, request, account, ret_token,
                               &words, ret_error);
    if (status == ENROLL_OK && *ret_token == NULL) {
        free(words);
        words = NULL;
        if (situation->note != NULL)
            situation->note(situation->note_context, "The identity broker asks you to sign in.");
        status = token_acquire(bus, "acquireTokenInteractively", INTERACTIVE_SECONDS, request, account,
                               ret_token, &words, ret_error);
    }
    if (status == ENROLL_OK && *ret_token == NULL) {
        status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN,
                                  "Check --client-id and --scope.", "The identity broker gave no token.");
        snprintf(ret_error->server_text, sizeof(ret_error->server_text), "%s", words != NULL ? words : "");
    }
    free(words);
    free(account);
    secret_free(answer);
    free(argument);
    return status;
}

enum enroll_exit auth_broker_obtain(const struct auth_options *options,
                                    const struct auth_situation *situation,
                                    struct auth_credential *ret_credential, struct enroll_error *ret_error)
{
    char authority[300];
    const struct broker_request request = {.client_id = options->client_id,
                                           .scope = options->scope,
                                           .authority = authority,
                                           .user = situation->user};
    sd_bus *bus = NULL;
    enum enroll_exit status;
    int result;

    if (options->scope == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Give --scope.",
                                "A token from the identity broker needs a scope, and none is configured.");
    snprintf(authority, sizeof(authority), "%s/%s",
             options->authority != NULL ? options->authority : AUTHORITY_DEFAULT,
             options->tenant != NULL ? options->tenant : "common");
    result = sd_bus_open_user(&bus);
    if (result < 0)
        return enroll_error_set(
            ret_error, ENROLL_AUTHENTICATION, STEP_TOKEN,
            "Run this as the signed-in user in the desktop session, or use another --auth.",
            "There is no D-Bus session to find an identity broker in (%s).", strerrordesc_np(-result));
    ret_credential->kind = CREDENTIAL_TOKEN;
    status = token_get(bus, &request, situation, &ret_credential->token, ret_error);
    sd_bus_flush_close_unref(bus);
    return status;
}
