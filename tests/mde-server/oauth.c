/*
 * OAuth 2 device authorization (RFC 8628) with the paths, fields and errors of Entra's endpoints: the second
 * version, and the first, which asks for a resource instead of a scope and calls the device code "code".
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http.h"
#include "server.h"
#include "tokens.h"

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define CODES_MAX    64

struct device_code {
    char code[41];
    char client[128];
    time_t expires;
    double polled; /* when last, 0 for never */
    unsigned polls;
    unsigned stalled; /* polls that got no answer */
    bool slowed;
    bool failed;
    bool redeemed;
};

/* Under the server's lock, as all handlers. */
static struct device_code codes[CODES_MAX];
static unsigned code_count;

static double clock_read(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void error_write(struct reply *reply, unsigned status, const char *error, const char *description,
                        int number)
{
    text_clear(&reply->body);
    text_format(&reply->body, "{\"error\":\"%s\",\"error_description\":\"", error);
    text_json_append(&reply->body, description);
    text_format(&reply->body,
                "\",\"error_codes\":[%d],\"timestamp\":\"2026-01-01 00:00:00Z\",\"trace_id\":"
                "\"0f1e2d3c-0000-4000-8000-000000000000\",\"correlation_id\":\"0f1e2d3c-0000-4000-8000-"
                "000000000001\"}",
                number);
    reply->status = status;
    reply->content_type = "application/json; charset=utf-8";
    (void)snprintf(reply->outcome, sizeof reply->outcome, "oauth %s: %.300s", error, description);
}

static bool first_version(const struct request *request)
{
    return !strstr(request->path, "/v2.0/");
}

/* A form field that must be there; NULL after an error. */
static char *field_require(const struct request *request, const char *name, struct reply *reply)
{
    char *value = http_form_get(request, name);
    if (value && *value)
        return value;
    free(value);
    char why[128];
    (void)snprintf(why, sizeof why,
                   "AADSTS900144: The request body must contain the following parameter: '%s'.", name);
    error_write(reply, 400, "invalid_request", why, 900144);
    return NULL;
}

static bool form_check(const struct request *request, struct reply *reply)
{
    if (request->content_type &&
        strncasecmp(request->content_type, "application/x-www-form-urlencoded", 33) == 0)
        return true;
    error_write(reply, 400, "invalid_request",
                "AADSTS900561: the body is not application/x-www-form-urlencoded", 900561);
    return false;
}

static bool misbehave(const struct modes *modes, struct reply *reply)
{
    if (!modes_has(modes, "oauth", "html"))
        return false;
    text_append(&reply->body, "<!DOCTYPE html><html><body>Sign in to the hotel's network</body></html>");
    reply->content_type = "text/html";
    (void)snprintf(reply->outcome, sizeof reply->outcome, "oauth=html");
    return true;
}

static void device_code_write(const struct request *request, const struct device_code *code,
                              struct reply *reply)
{
    const struct modes *modes = &request->server->options.modes;
    bool first = first_version(request) || modes_has(modes, "oauth", "v1-fields");
    long interval = modes_number(modes, "oauth-interval", 1);
    struct text address = {0};
    text_format(&address, "https://%s/devicelogin", request->host);
    text_append(&reply->body, "{\"user_code\":\"ABCD-EFGH\",\"device_code\":\"");
    text_json_append(&reply->body, code->code);
    text_format(&reply->body, "\",\"%s\":\"", first ? "verification_url" : "verification_uri");
    text_json_append(&reply->body, address.data);
    text_format(&reply->body,
                first ? "\",\"expires_in\":\"%ld\",\"interval\":\"%ld\""
                      : "\",\"expires_in\":%ld,\"interval\":%ld",
                modes_number(modes, "oauth-expires", 900), interval);
    text_append(&reply->body, ",\"message\":\"To sign in, open ");
    text_json_append(&reply->body, address.data);
    text_append(&reply->body, " and enter the code ABCD-EFGH.\"}");
    text_clear(&address);
    reply->content_type = "application/json; charset=utf-8";
    (void)snprintf(reply->outcome, sizeof reply->outcome, "device code given");
}

void oauth_device_code_answer(const struct request *request, struct reply *reply)
{
    const struct modes *modes = &request->server->options.modes;
    if (misbehave(modes, reply) || !form_check(request, reply))
        return;
    char *client = field_require(request, "client_id", reply);
    char *scope =
        client ? field_require(request, first_version(request) ? "resource" : "scope", reply) : NULL;
    if (scope && modes_has(modes, "oauth", "device-code-blocked")) {
        error_write(reply, 400, "access_denied",
                    "AADSTS50199: The device code flow is blocked by your administrator.", 50199);
    } else if (scope) {
        struct device_code *code = &codes[code_count++ % CODES_MAX];
        *code = (struct device_code){.expires = time(NULL) + modes_number(modes, "oauth-expires", 900)};
        text_random_hex(20, code->code);
        (void)snprintf(code->client, sizeof code->client, "%s", client);
        device_code_write(request, code, reply);
    }
    free(client);
    free(scope);
}

static struct device_code *code_find(const char *code)
{
    for (unsigned i = 0; i < CODES_MAX; i++)
        if (*codes[i].code && strcmp(codes[i].code, code) == 0)
            return &codes[i];
    return NULL;
}

static void token_write(const struct request *request, struct reply *reply)
{
    const struct options *options = &request->server->options;
    const struct modes *modes = &options->modes;
    bool wrong = modes_has(modes, "oauth", "wrong-token");
    const char *user = options->user ? options->user : "alice@contoso.test";
    char *token = tokens_issue(request->server->tokens, user, "mde2-test", !wrong);
    text_append(&reply->body, "{\"token_type\":\"Bearer\",\"scope\":\"mdm_delegation\",\"expires_in\":3599,"
                              "\"ext_expires_in\":3599");
    if (!modes_has(modes, "oauth", "no-token"))
        text_format(&reply->body, ",\"access_token\":\"%s\"", token);
    text_append(&reply->body, ",\"refresh_token\":\"never-to-be-shown\"}");
    free(token);
    reply->content_type = "application/json; charset=utf-8";
    (void)snprintf(reply->outcome, sizeof reply->outcome, "token given");
}

/* The answers that a mode forces, in the order in which a client meets them. Returns true when one was given.
 */
static bool forced_answer(const struct modes *modes, struct device_code *code, struct reply *reply)
{
    if (modes_has(modes, "oauth", "server-error") && !code->failed) {
        code->failed = true;
        error_write(reply, 500, "server_error",
                    "AADSTS90033: A transient error has occurred. Please try again.", 90033);
    } else if (modes_has(modes, "oauth", "slow_down") && !code->slowed) {
        code->slowed = true;
        error_write(reply, 400, "slow_down", "Poll more slowly.", 0);
    } else if ((long)code->polls <= modes_number(modes, "oauth-pending", 1)) {
        error_write(reply, 400, "authorization_pending",
                    "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
                    70016);
    } else if (modes_has(modes, "oauth", "expired_token")) {
        error_write(reply, 400, "expired_token", "AADSTS70020: The device code has expired.", 70020);
    } else if (modes_has(modes, "oauth", "authorization_declined")) {
        error_write(reply, 400, "authorization_declined", "AADSTS70017: The user declined the authorization.",
                    70017);
    } else if (modes_has(modes, "oauth", "conditional-access")) {
        error_write(reply, 400, "invalid_grant",
                    "AADSTS530003: Your device is required to be managed to access this resource.", 530003);
    } else {
        return false;
    }
    return true;
}

/* So many polls get no answer. RFC 8628, 3.5: each has to be followed by a longer pause than the one before.
 */
static bool stall(const struct modes *modes, struct device_code *code, double gap, struct reply *reply)
{
    double least = (double)modes_number(modes, "oauth-interval", 1) * (double)(1U << code->stalled);

    if (code->stalled > 0 && gap < least - 0.1) {
        error_write(reply, 400, "invalid_request", "The poll came with no longer pause after a time-out.", 0);
        return true;
    }
    if ((long)code->stalled >= modes_number(modes, "oauth-stall", 0) || code->stalled == 20)
        return false;
    code->stalled++;
    code->polls--;
    reply->delivery = DELIVERY_STALL;
    reply->seconds = 4;
    (void)snprintf(reply->outcome, sizeof reply->outcome, "oauth-stall");
    return true;
}

static void poll_answer(const struct request *request, struct device_code *code, struct reply *reply)
{
    const struct modes *modes = &request->server->options.modes;
    double now = clock_read();
    double interval = (double)modes_number(modes, "oauth-interval", 1);
    double gap = now - code->polled;
    bool early = code->polled > 0 && gap < interval - 0.1;
    code->polled = now;
    code->polls++;
    if (stall(modes, code, gap, reply))
        return;
    if (code->redeemed)
        error_write(reply, 400, "invalid_grant", "AADSTS54005: the device code was already redeemed.", 54005);
    else if (time(NULL) >= code->expires)
        error_write(reply, 400, "expired_token", "AADSTS70020: The device code has expired.", 70020);
    else if (early)
        error_write(reply, 400, "slow_down", "The poll came before the interval was over.", 0);
    else if (!forced_answer(modes, code, reply)) {
        code->redeemed = true;
        token_write(request, reply);
    }
}

void oauth_token_answer(const struct request *request, struct reply *reply)
{
    const struct modes *modes = &request->server->options.modes;
    if (misbehave(modes, reply) || !form_check(request, reply))
        return;
    char *grant = field_require(request, "grant_type", reply);
    char *client = grant ? field_require(request, "client_id", reply) : NULL;
    char *device_code =
        client ? field_require(request, first_version(request) ? "code" : "device_code", reply) : NULL;
    struct device_code *code = device_code ? code_find(device_code) : NULL;
    if (device_code && strcmp(grant, DEVICE_GRANT) != 0)
        error_write(reply, 400, "unsupported_grant_type", "AADSTS70003: this grant type is not supported.",
                    70003);
    else if (device_code && (!code || strcmp(code->client, client) != 0))
        error_write(reply, 400, "bad_verification_code", "AADSTS70019: the device code is not known.", 70019);
    else if (device_code)
        poll_answer(request, code, reply);
    free(grant);
    free(client);
    free(device_code);
}

void oauth_configuration_answer(const struct request *request, struct reply *reply)
{
    size_t length = strlen(request->path) - strlen("/v2.0/.well-known/openid-configuration");
    struct text base = {0};
    text_format(&base, "https://%s", request->host);
    text_bytes_append(&base, request->path, length);
    text_append(&reply->body, "{\"issuer\":\"");
    text_json_append(&reply->body, base.data);
    text_append(&reply->body, "/v2.0\",\"token_endpoint\":\"");
    text_json_append(&reply->body, base.data);
    text_append(&reply->body, "/oauth2/v2.0/token\",\"device_authorization_endpoint\":\"");
    text_json_append(&reply->body, base.data);
    text_append(&reply->body, "/oauth2/v2.0/devicecode\"}");
    text_clear(&base);
    reply->content_type = "application/json; charset=utf-8";
}
