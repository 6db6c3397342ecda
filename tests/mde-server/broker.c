/*
 * broker: an identity broker for tests, com.microsoft.identity.broker1 on the session bus of
 * DBUS_SESSION_BUS_ADDRESS.
 *
 *   broker --directory DIR --token-file FILE | --token-key FILE [--user NAME] [--device UUID] [--mode NAME]
 *
 * It answers getAccounts, acquireTokenSilently, acquireTokenInteractively and getLinuxBrokerVersion as
 * broker 2.0.2 and later do: three strings (protocol "0.0", correlation id, JSON) in, one JSON string out, no
 * introspection. It is strict: parameters that lack something get an error that names it. In DIR it writes
 * log (a line a call) and, when the name is its own, ready. SIGTERM ends it.
 *
 * With --token-key (DIR/token.key of the Intune test server) each token is a signed JWT for the audience of
 * the scope that is demanded, which must be one "AUDIENCE/.default", and names the registered device.
 *
 * Modes: no-account         getAccounts finds nobody
 *        interaction        acquireTokenSilently wants interaction, acquireTokenInteractively gives the token
 *        declined           both are refused
 *        mfa-expired        both are refused: AADSTS50078
 *        not-compliant      both are refused: AADSTS530003
 *        bad-grant          both are refused: AADSTS70000
 *        no-token           an answer without accessToken
 *        garbage            an answer that is no JSON
 *        array              an answer that is JSON of another shape
 *        number             an answer that is no string
 *        dbus-error         a D-Bus error
 *        silent             no answer
 *        huge               an answer of 16 MiB
 *        control            an error whose words hold terminal control characters
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>
#include <openssl/evp.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "jwt.h"
#include "text.h"

#define BUS_NAME    "com.microsoft.identity.broker1"
#define BUS_PATH    "/com/microsoft/identity/broker1"
#define INTERFACE   "com.microsoft.identity.Broker1"
#define HUGE_SIZE   (16 * 1024 * 1024)
#define REASON_SIZE 256
#define UUID_LENGTH 36

struct broker {
    const char *user;
    const char *mode;
    const char *device;
    char *token;         /* NULL: signed with the key */
    EVP_PKEY *token_key; /* NULL: the token */
    FILE *log;
};

static const char *const modes[] = {"no-account", "interaction", "declined", "mfa-expired", "not-compliant",
                                    "bad-grant",  "no-token",    "garbage",  "array",       "number",
                                    "dbus-error", "silent",      "huge",     "control"};

struct refusal {
    const char *mode;
    const char *status;
    const char *reason;
};

static const struct refusal refusals[] = {
    {"declined", "UserCanceled", "AADSTS65004: User declined to consent to access the app."},
    {"mfa-expired", "InteractionRequired",
     "UiRequiredException: AADSTS50078: Presented multi-factor authentication has expired due to policies "
     "configured by your administrator, you must refresh your multi-factor authentication."},
    {"not-compliant", "ApiContractViolation",
     "invalid_grant: AADSTS530003: Your device is required to be managed to access this resource."},
    {"bad-grant", "Unexpected", "invalid_grant: AADSTS70000: The provided grant is invalid or malformed."},
};

static bool mode_is(const struct broker *broker, const char *mode)
{
    return strcmp(broker->mode, mode) == 0;
}

static void log_write(const struct broker *broker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void log_write(const struct broker *broker, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vfprintf(broker->log, format, arguments);
    va_end(arguments);
    (void)fputc('\n', broker->log);
    (void)fflush(broker->log);
}

static bool missing(char *ret_reason, const char *what)
{
    (void)snprintf(ret_reason, REASON_SIZE, "%s is missing or not of its type", what);
    return false;
}

static bool text_require(struct json_object *object, const char *name, const char *start, char *ret_reason)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string) ||
        json_object_get_string_len(value) == 0 ||
        strncmp(json_object_get_string(value), start, strlen(start)) != 0)
        return missing(ret_reason, name);
    return true;
}

static bool scopes_require(struct json_object *parameters, char *ret_reason)
{
    struct json_object *scopes = NULL;
    if (!json_object_object_get_ex(parameters, "requestedScopes", &scopes) ||
        !json_object_is_type(scopes, json_type_array) || json_object_array_length(scopes) == 0)
        return missing(ret_reason, "requestedScopes");
    for (size_t i = 0; i < json_object_array_length(scopes); i++)
        if (!json_object_is_type(json_object_array_get_idx(scopes, i), json_type_string))
            return missing(ret_reason, "requestedScopes");
    return true;
}

static bool account_require(const struct broker *broker, struct json_object *parameters, char *ret_reason)
{
    struct json_object *account = NULL;
    struct json_object *user = NULL;
    if (!json_object_object_get_ex(parameters, "account", &account) ||
        !json_object_is_type(account, json_type_object) ||
        !json_object_object_get_ex(account, "username", &user) ||
        !json_object_is_type(user, json_type_string))
        return missing(ret_reason, "account");
    if (strcasecmp(json_object_get_string(user), broker->user) == 0)
        return true;
    (void)snprintf(ret_reason, REASON_SIZE, "the account is not known");
    return false;
}

static bool token_parameters_check(const struct broker *broker, struct json_object *request, bool silent,
                                   char *ret_reason)
{
    struct json_object *parameters = NULL;
    struct json_object *type = NULL;
    if (!json_object_object_get_ex(request, "authParameters", &parameters) ||
        !json_object_is_type(parameters, json_type_object))
        return missing(ret_reason, "authParameters");
    if (!json_object_object_get_ex(parameters, "authorizationType", &type) ||
        !json_object_is_type(type, json_type_int))
        return missing(ret_reason, "authorizationType");
    return text_require(parameters, "clientId", "", ret_reason) &&
           text_require(parameters, "redirectUri", "", ret_reason) &&
           text_require(parameters, "authority", "https://", ret_reason) &&
           text_require(parameters, "username", "", ret_reason) && scopes_require(parameters, ret_reason) &&
           (!silent || account_require(broker, parameters, ret_reason));
}

static void account_write(const struct broker *broker, struct text *out)
{
    text_append(
        out,
        "{\"environment\":\"login.windows.net\",\"homeAccountId\":\"00000000-0000-0000-0000-000000000001."
        "00000000-0000-0000-0000-000000000002\",\"localAccountId\":\"00000000-0000-0000-0000-000000000001\","
        "\"realm\":\"00000000-0000-0000-0000-000000000002\",\"name\":\"Alice\",\"username\":\"");
    text_json_append(out, broker->user);
    text_append(out, "\"}");
}

static void error_write(const char *status, const char *reason, struct text *out)
{
    text_append(out, "{\"brokerTokenResponse\":{\"error\":{\"context\":\"");
    text_json_append(out, reason);
    text_format(out, "\",\"errorCode\":-2,\"subCode\":0,\"status\":\"%s\",\"tag\":508635541}}}", status);
}

/* The audience in the request's only scope; the caller frees it. NULL for another list of scopes. */
static char *audience_get(struct json_object *request)
{
    static const char suffix[] = "/.default";
    struct json_object *scopes =
        json_object_object_get(json_object_object_get(request, "authParameters"), "requestedScopes");
    if (json_object_array_length(scopes) != 1)
        return NULL;
    const char *scope = json_object_get_string(json_object_array_get_idx(scopes, 0));
    size_t length = strlen(scope);
    size_t end = sizeof(suffix) - 1;
    if (length <= end || strcmp(scope + length - end, suffix) != 0)
        return NULL;
    return strndup(scope, length - end);
}

/* What is given for this request; the caller frees it. NULL when the scope is not one that a key signs for.
 */
static char *token_make(const struct broker *broker, struct json_object *request)
{
    if (broker->token)
        return strdup(broker->token);
    char *audience = audience_get(request);
    if (!audience)
        return NULL;
    const struct jwt_claims claims = {
        .audience = audience, .user = broker->user, .device = broker->device, .begins = -60, .ends = 3600};
    char *token = jwt_issue(broker->token_key, &claims);
    free(audience);
    return token;
}

static void token_write(const struct broker *broker, const char *token, struct text *out)
{
    text_append(out, "{\"brokerTokenResponse\":{");
    if (!mode_is(broker, "no-token")) {
        text_append(out, "\"accessToken\":\"");
        text_json_append(out, token);
        text_append(out, "\",");
    }
    text_append(out, "\"accessTokenType\":0,\"account\":");
    account_write(broker, out);
    text_format(out, ",\"expiresOn\":%lld,\"grantedScopes\":\"mdm_delegation\"}}",
                ((long long)time(NULL) + 3600) * 1000);
}

/* Answers with the mode's refusal; false when it has none. */
static bool refusal_write(const struct broker *broker, struct text *out)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (!mode_is(broker, refusals[i].mode))
            continue;
        error_write(refusals[i].status, refusals[i].reason, out);
        return true;
    }
    return false;
}

static void token_answer(const struct broker *broker, struct json_object *request, bool silent,
                         struct text *out)
{
    char reason[REASON_SIZE];
    if (!token_parameters_check(broker, request, silent, reason)) {
        log_write(broker, "refused: %s", reason);
        error_write("IncorrectConfiguration", reason, out);
    } else if (mode_is(broker, "interaction") && silent) {
        error_write("InteractionRequired",
                    "AADSTS50076: Due to a configuration change you must use multi-factor "
                    "authentication.",
                    out);
    } else if (mode_is(broker, "control")) {
        error_write("Unexpected",
                    "\x1b[2J\x1b[31m owned \xC2\x9B"
                    "2J",
                    out);
    } else if (!refusal_write(broker, out)) {
        char *token = token_make(broker, request);
        if (token)
            token_write(broker, token, out);
        else
            error_write("ApiContractViolation", "AADSTS70011: The provided value for scope is not valid.",
                        out);
        log_write(broker, token ? "token given" : "refused: the scopes");
        free(token);
    }
}

static void accounts_answer(const struct broker *broker, struct text *out)
{
    text_append(out, "{\"accounts\":[");
    if (!mode_is(broker, "no-account"))
        account_write(broker, out);
    text_append(out, "]}");
}

static void huge_write(struct text *out)
{
    text_append(out, "{\"brokerTokenResponse\":{\"accessToken\":\"");
    while (out->size < HUGE_SIZE)
        text_append(out, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    text_append(out, "\"}}");
}

/* What a call of this name is answered with. Returns false when the broker has no such method. */
static bool call_answer(const struct broker *broker, const char *method, struct json_object *request,
                        struct text *out)
{
    if (strcmp(method, "getLinuxBrokerVersion") == 0) {
        text_append(out, "{\"linuxBrokerVersion\":\"2.0.2\"}");
        return true;
    }
    bool silent = strcmp(method, "acquireTokenSilently") == 0;
    bool accounts = strcmp(method, "getAccounts") == 0;
    if (!silent && !accounts && strcmp(method, "acquireTokenInteractively") != 0)
        return false;
    if (mode_is(broker, "garbage"))
        text_append(out, "<html>not now</html>");
    else if (mode_is(broker, "array"))
        text_append(out, "[1,2,{\"accounts\":7}]");
    else if (mode_is(broker, "huge"))
        huge_write(out);
    else if (accounts)
        accounts_answer(broker, out);
    else
        token_answer(broker, request, silent, out);
    return true;
}

/* Protocol, correlation id and parameters of a call. The caller releases *ret_request. */
static bool call_read(sd_bus_message *message, struct json_object **ret_request, char *ret_reason)
{
    const char *protocol = NULL;
    const char *correlation = NULL;
    const char *parameters = NULL;
    if (sd_bus_message_read(message, "sss", &protocol, &correlation, &parameters) < 0)
        return missing(ret_reason, "the signature sss");
    if (strcmp(protocol, "0.0") != 0)
        return missing(ret_reason, "the protocol 0.0");
    if (strlen(correlation) != UUID_LENGTH || strspn(correlation, "0123456789abcdefABCDEF-") != UUID_LENGTH)
        return missing(ret_reason, "the correlation id");
    struct json_object *request = json_tokener_parse(parameters);
    if (!json_object_is_type(request, json_type_object)) {
        json_object_put(request);
        return missing(ret_reason, "the JSON object");
    }
    *ret_request = request;
    return true;
}

static int call_take(sd_bus_message *message, void *context, sd_bus_error *error)
{
    const struct broker *broker = context;
    const char *interface = sd_bus_message_get_interface(message);
    const char *method = sd_bus_message_get_member(message);
    char reason[REASON_SIZE];
    struct json_object *request = NULL;
    if (!sd_bus_message_is_method_call(message, NULL, NULL) || !interface || !method ||
        strcmp(interface, INTERFACE) != 0)
        return 0;
    log_write(broker, "call %s", method);
    if (mode_is(broker, "silent"))
        return 1;
    if (mode_is(broker, "dbus-error"))
        return sd_bus_error_set(error, "com.microsoft.identity.Error", "the broker's service does not run");
    if (mode_is(broker, "number"))
        return sd_bus_reply_method_return(message, "u", 42U);
    if (!call_read(message, &request, reason)) {
        log_write(broker, "refused: %s", reason);
        return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS, reason);
    }
    struct text answer = {0};
    bool known = call_answer(broker, method, request, &answer);
    int result = known ? sd_bus_reply_method_return(message, "s", answer.data) : 0;
    text_clear(&answer);
    json_object_put(request);
    return result;
}

static bool mode_known(const char *mode)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i], mode) == 0)
            return true;
    return false;
}

static char *path_make(const char *directory, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        abort();
    return path;
}

static bool options_read(int argc, char **argv, struct broker *broker, const char **ret_directory)
{
    static const struct option long_options[] = {
        {"directory", required_argument, NULL, 'd'},
        {"token-file", required_argument, NULL, 't'},
        {"token-key", required_argument, NULL, 'k'},
        {"device", required_argument, NULL, 'D'},
        {"user", required_argument, NULL, 'u'},
        {"mode", required_argument, NULL, 'm'},
        {NULL, 0, NULL, 0},
    };
    const char *token_file = NULL;
    const char *token_key = NULL;
    int option = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'd')
            *ret_directory = optarg;
        else if (option == 't')
            token_file = optarg;
        else if (option == 'k')
            token_key = optarg;
        else if (option == 'D')
            broker->device = optarg;
        else if (option == 'u')
            broker->user = optarg;
        else if (option == 'm' && mode_known(optarg))
            broker->mode = optarg;
        else
            return false;
    }
    size_t size = 0;
    broker->token = token_file ? text_file_read(token_file, &size) : NULL;
    while (broker->token && size > 0 && broker->token[size - 1] == '\n')
        broker->token[--size] = '\0';
    broker->token_key = token_key ? jwt_key_open(token_key) : NULL;
    return *ret_directory && !broker->token != !broker->token_key && optind == argc;
}

/* Serves until SIGTERM. Returns a negative errno when the bus cannot be used. */
static int serve(struct broker *broker, const char *ready)
{
    sd_bus *bus = NULL;
    sd_event *event = NULL;
    int result = sd_event_default(&event);
    if (result >= 0)
        result = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
    if (result >= 0)
        result = sd_bus_open_user(&bus);
    if (result >= 0)
        result = sd_bus_add_object(bus, NULL, BUS_PATH, call_take, broker);
    if (result >= 0)
        result = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
    if (result >= 0)
        result = sd_bus_request_name(bus, BUS_NAME, 0);
    if (result >= 0 && !text_file_write(ready, "ready\n", 6, 0600))
        result = -EIO;
    if (result >= 0)
        result = sd_event_loop(event);
    sd_bus_flush_close_unref(bus);
    sd_event_unref(event);
    return result;
}

int main(int argc, char **argv)
{
    struct broker broker = {
        .user = "alice@contoso.test", .device = "5f8e2d6c-0000-4000-8000-000000000001", .mode = ""};
    const char *directory = NULL;
    if (!options_read(argc, argv, &broker, &directory)) {
        (void)fputs("usage: broker --directory DIR --token-file FILE | --token-key FILE [--user NAME] "
                    "[--device UUID]\n"
                    "              [--mode NAME]\n",
                    stderr);
        EVP_PKEY_free(broker.token_key);
        free(broker.token);
        return 2;
    }
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL); /* sd-event takes it */
    char *log = path_make(directory, "log");
    char *ready = path_make(directory, "ready");
    int result = -errno;
    broker.log = fopen(log, "ae");
    if (broker.log) {
        result = serve(&broker, ready);
        (void)fclose(broker.log);
    }
    if (result < 0)
        (void)fprintf(stderr, "broker: %s\n", strerror(-result));
    (void)remove(ready);
    free(log);
    free(ready);
    EVP_PKEY_free(broker.token_key);
    free(broker.token);
    return result < 0 ? 1 : 0;
}
