/*
 * The identity broker of the desktop session (D-Bus, com.microsoft.identity.broker1), as Microsoft's and
 * himmelblau's both offer it: a token without interaction if the user is signed in, else through the broker's
 * own dialogue.
 */
#include "source.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-id128.h>

#include "broker_message.h"
#include "oauth_client.h"
#include "secret.h"
#include "https_client.h"
#include "session_user.h"

#define BROKER_NAME         "com.microsoft.identity.broker1"
#define BROKER_PATH         "/com/microsoft/identity/broker1"
#define BROKER_INTERFACE    "com.microsoft.identity.Broker1"
#define PROTOCOL            "0.0"
#define LIST_SECONDS        5
#define WAIT_SLICE          200000 /* microseconds between two checks for cancellation */
#define INTERACTIVE_SECONDS 300
#define SESSION_USERS_MAX   16

struct session {
    sd_bus *bus;
    const struct credential_options *options;
};

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

/* Whether a broker runs on the session bus, or can be started there. */
static bool broker_is_available(void)
{
    sd_bus *bus = NULL;
    bool found = sd_bus_open_user(&bus) >= 0 &&
                 sd_bus_set_method_call_timeout(bus, LIST_SECONDS * UINT64_C(1000000)) >= 0 &&
                 (name_listed(bus, "ListNames") || name_listed(bus, "ListActivatableNames"));

    sd_bus_flush_close_unref(bus);
    return found;
}

static enum enroll_exit call_failed(const char *method, int result, const sd_bus_error *error,
                                    struct enroll_error *ret_error)
{
    bool absent = sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
                  sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER);

    enroll_error_set(ret_error, ENROLL_AUTHENTICATION,
                     "run as the signed-in user in the desktop session, or use another --auth method",
                     absent ? "no identity broker in this session (%s)" : "the identity broker failed in %s",
                     method);
    if (!absent)
        snprintf(ret_error->server_text, sizeof(ret_error->server_text), "%s",
                 error->message != NULL ? error->message : strerrordesc_np(-result));
    enroll_text_print(ret_error->server_text, strlen(ret_error->server_text), ret_error->server_text,
                      sizeof(ret_error->server_text));
    return ENROLL_AUTHENTICATION;
}

/* The reply to one call. */
struct answer {
    bool arrived;
    int result; /* 0, or -errno */
    char *text;
    sd_bus_error error;
};

static int answer_receive(sd_bus_message *reply, void *context, sd_bus_error *error)
{
    struct answer *answer = context;
    const char *text = NULL;

    (void)error;
    answer->arrived = true;
    sd_bus_message_sensitive(reply);
    if (sd_bus_message_is_method_error(reply, NULL) != 0) {
        answer->result = -sd_bus_message_get_errno(reply);
        sd_bus_error_copy(&answer->error, sd_bus_message_get_error(reply));
    } else {
        answer->result = sd_bus_message_read(reply, "s", &text);
    }
    if (answer->result >= 0 && (answer->text = strdup(text)) == NULL)
        answer->result = -ENOMEM;
    return 1;
}

/* Waits for the answer, sd-bus's timeout, or cancellation. False: cancelled. */
static bool answer_wait(const struct session *session, struct answer *answer)
{
    const struct credential_options *options = session->options;
    int result = 0;

    while (!answer->arrived && result >= 0) {
        if (options->cancelled != NULL && options->cancelled(options->context))
            return false;
        result = sd_bus_process(session->bus, NULL);
        if (result == 0)
            result = sd_bus_wait(session->bus, WAIT_SLICE);
        if (result == -EINTR)
            result = 0;
    }
    if (!answer->arrived)
        answer->result = result;
    return true;
}

/* Calls a method with one JSON argument. *ret_answer is a secret. */
static enum enroll_exit broker_call(const struct session *session, const char *method, const char *argument,
                                    unsigned seconds, char **ret_answer, struct enroll_error *ret_error)
{
    struct answer answer = {.error = SD_BUS_ERROR_NULL};
    sd_bus_message *call = NULL;
    sd_bus_slot *slot = NULL;
    sd_id128_t id = SD_ID128_NULL; /* only ties log lines together */
    char correlation[SD_ID128_UUID_STRING_MAX];
    enum enroll_exit status = ENROLL_OK;
    int result;

    (void)sd_id128_randomize(&id);
    result = sd_bus_message_new_method_call(session->bus, &call, BROKER_NAME, BROKER_PATH, BROKER_INTERFACE,
                                            method);
    if (result >= 0)
        result =
            sd_bus_message_append(call, "sss", PROTOCOL, sd_id128_to_uuid_string(id, correlation), argument);
    if (result >= 0)
        result = sd_bus_call_async(session->bus, &slot, call, answer_receive, &answer,
                                   (uint64_t)seconds * 1000000);
    if (result >= 0 && !answer_wait(session, &answer))
        status = enroll_error_set(ret_error, ENROLL_CANCELLED, NULL, "sign-in cancelled");
    if (result >= 0)
        result = answer.result;
    if (status == ENROLL_OK && result < 0)
        status = call_failed(method, result, &answer.error, ret_error);
    if (status == ENROLL_OK)
        *ret_answer = answer.text;
    else
        secret_free(answer.text);
    sd_bus_slot_unref(slot);
    sd_bus_message_unref(call);
    sd_bus_error_free(&answer.error);
    return status;
}

/* One attempt at a token. *ret_words gets the broker's refusal when there is no token; ENROLL_OK all the
 * same. */
static enum enroll_exit token_acquire(const struct session *session, const char *method, unsigned seconds,
                                      const struct broker_request *query, const char *account,
                                      char **ret_token, char **ret_words, struct enroll_error *ret_error)
{
    char *argument = broker_token_request(query, account), *answer = NULL;
    enum enroll_exit status = argument != NULL
                                  ? broker_call(session, method, argument, seconds, &answer, ret_error)
                                  : enroll_error_memory(ret_error);

    if (status == ENROLL_OK && !broker_token_read(answer, strlen(answer), ret_token, ret_words))
        status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION, NULL,
                                  "the identity broker's response has neither a token nor an error");
    secret_free(answer);
    free(argument);
    return status;
}

/* What to do about the codes of Microsoft Entra that the broker's words have. */
static const char *refusal_advice(const char *words)
{
    static const struct {
        const char *code, *advice;
    } advices[] = {
        {"AADSTS50078",
         "the multi-factor sign-in has expired: sign in again with the broker's own application"},
        {"AADSTS530003",
         "Conditional Access demands a compliant device before this one can become one: exclude "
         "\"Microsoft Intune Enrollment\" from that policy"},
        {"AADSTS70000",
         "the broker's sign-in is no longer valid: sign in again with the broker's own application"},
    };
    for (size_t i = 0; words != NULL && i < sizeof(advices) / sizeof(advices[0]); i++)
        if (strstr(words, advices[i].code) != NULL)
            return advices[i].advice;
    return "sign in with the broker's own application; check --client-id and --scope";
}

static enum enroll_exit token_get(const struct session *session, const struct broker_request *query,
                                  const struct credential_request *request, char **ret_token,
                                  struct enroll_error *ret_error)
{
    unsigned silent =
        session->options->timeout_seconds != 0 ? session->options->timeout_seconds : HTTPS_TIMEOUT_DEFAULT;
    char *argument = broker_accounts_request(query), *answer = NULL, *account = NULL, *words = NULL;
    enum enroll_exit status = argument != NULL
                                  ? broker_call(session, "getAccounts", argument, silent, &answer, ret_error)
                                  : enroll_error_memory(ret_error);

    if (status == ENROLL_OK)
        account = broker_account_choose(answer, strlen(answer), query->user);
    if (status == ENROLL_OK && account != NULL)
        status = token_acquire(session, "acquireTokenSilently", silent, query, account, ret_token, &words,
                               ret_error);
    if (status == ENROLL_OK && *ret_token == NULL) {
        free(words);
        words = NULL;
        if (request->note != NULL)
            request->note(request->note_context, "the identity broker requires you to sign in");
        status = token_acquire(session, "acquireTokenInteractively", INTERACTIVE_SECONDS, query, account,
                               ret_token, &words, ret_error);
    }
    if (status == ENROLL_OK && *ret_token == NULL) {
        status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION, refusal_advice(words),
                                  "the identity broker returned no token");
        snprintf(ret_error->server_text, sizeof(ret_error->server_text), "%s", words != NULL ? words : "");
    }
    free(words);
    free(account);
    secret_free(answer);
    free(argument);
    return status;
}

/* What one sign-in works with, in this process or in the user's. */
struct sign_in {
    const struct credential_options *options;
    const struct credential_request *request;
    const struct broker_request *query;
};

/* How it ended, from the user's process; the token follows. */
struct sign_in_result {
    enum enroll_exit status;
    struct enroll_error error;
    char token[SECRET_SIZE_MAX];
};

static enum enroll_exit sign_in_here(const struct sign_in *sign_in, char **ret_token,
                                     struct enroll_error *ret_error)
{
    struct session session = {.options = sign_in->options};
    int result = sd_bus_open_user(&session.bus);
    if (result < 0)
        return enroll_error_set(
            ret_error, ENROLL_AUTHENTICATION,
            "run as the signed-in user in the desktop session, or use another --auth method",
            "cannot connect to the D-Bus session bus: %s", strerrordesc_np(-result));
    enum enroll_exit status = token_get(&session, sign_in->query, sign_in->request, ret_token, ret_error);
    sd_bus_flush_close_unref(session.bus);
    return status;
}

static bool sign_in_work(void *context, int output)
{
    char *token = NULL;
    struct sign_in_result *result = calloc(1, sizeof(*result));
    if (result == NULL)
        return false;
    result->status = sign_in_here(context, &token, &result->error);
    snprintf(result->token, sizeof(result->token), "%s", token != NULL ? token : "");
    for (size_t done = 0; done < sizeof(*result);) {
        ssize_t count = write(output, (const char *)result + done, sizeof(*result) - done);
        if (count < 0 && errno != EINTR)
            return false;
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool available_work(void *context, int output)
{
    (void)context;
    (void)output;
    return broker_is_available();
}

/* The signed-in users whose session has a broker, for root; the broker asks for no password of theirs. */
static size_t users_with_broker(uid_t *ret_users)
{
    uid_t users[SESSION_USERS_MAX];
    size_t count = session_users_list(users, SESSION_USERS_MAX), found = 0, size;
    for (size_t i = 0; i < count; i++)
        if (session_user_run(users[i], available_work, NULL, NULL, 0, &size))
            ret_users[found++] = users[i];
    return found;
}

static enum enroll_exit sign_in_as_user(struct sign_in *sign_in, uid_t user, char **ret_token,
                                        struct enroll_error *ret_error)
{
    size_t size = 0;
    struct sign_in_result *result = calloc(1, sizeof(*result));
    enum enroll_exit status = ENROLL_FAILED;
    if (result == NULL)
        return enroll_error_memory(ret_error);
    if (!session_user_run(user, sign_in_work, sign_in, result, sizeof(*result), &size) ||
        size != sizeof(*result))
        status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION, "run as the signed-in user",
                                  "the identity broker of user %u cannot be used", (unsigned)user);
    else if ((status = result->status) != ENROLL_OK)
        *ret_error = result->error;
    else if ((*ret_token = strdup(result->token)) == NULL)
        status = enroll_error_memory(ret_error);
    OPENSSL_cleanse(result, sizeof(*result));
    free(result);
    return status;
}

/* Each user's broker, until one has a token. */
static enum enroll_exit sign_in_as_users(struct sign_in *sign_in, char **ret_token,
                                         struct enroll_error *ret_error)
{
    uid_t users[SESSION_USERS_MAX];
    size_t count = users_with_broker(users);
    enum enroll_exit status = enroll_error_set(ret_error, ENROLL_AUTHENTICATION,
                                               "sign in to the desktop, or use another --auth method",
                                               "no signed-in user has an identity broker");
    for (size_t i = 0; i < count && status != ENROLL_OK && status != ENROLL_CANCELLED; i++)
        status = sign_in_as_user(sign_in, users[i], ret_token, ret_error);
    return status;
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    char authority[300];
    struct oauth_client client;

    oauth_client_read(options, request, &client);
    if (client.scope == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "give --scope",
                                "authentication by broker requires --scope");
    snprintf(authority, sizeof(authority), "%s/%s",
             client.authority != NULL ? client.authority : OAUTH_AUTHORITY_DEFAULT,
             client.tenant != NULL ? client.tenant : "common");
    const struct broker_request query = {
        .client_id = client.id, .scope = client.scope, .authority = authority, .user = request->user};
    struct sign_in sign_in = {.options = options, .request = request, .query = &query};
    ret_credential->kind = CREDENTIAL_TOKEN;
    return session_user_needed() ? sign_in_as_users(&sign_in, &ret_credential->token, ret_error)
                                 : sign_in_here(&sign_in, &ret_credential->token, ret_error);
}

static const char *suits(const struct credential_options *options, const struct credential_request *request)
{
    uid_t users[SESSION_USERS_MAX];
    return (credential_option_value(options, &oauth_option_client_id) != NULL ||
            request->client_id != NULL) &&
                   (session_user_needed() ? users_with_broker(users) > 0 : broker_is_available())
               ? "an identity broker runs in this session"
               : NULL;
}

const struct credential_source credential_broker = {
    .name = "broker",
    .kinds = CREDENTIAL_TOKEN,
    .needs = &oauth_option_client_id,
    .client_id_suffices = true,
    .options = {OAUTH_OPTIONS},
    .suits = suits,
    .obtain = obtain,
};
