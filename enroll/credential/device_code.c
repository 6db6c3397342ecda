/*
 * OAuth 2 device code (RFC 8628): the code shown is entered in a browser on any machine, and the token is
 * polled for. Client id, scope and tenant come from the operator; none is built in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "oauth.h"
#include "oauth_client.h"
#include "secret.h"
#include "https_client.h"
#include "url.h"

#define TENANT_DEFAULT    "organizations"
#define GRANT_DEVICE_CODE "urn:ietf:params:oauth:grant-type:device_code"
#define INTERVAL_DEFAULT  5
#define EXPIRES_MAX       1800 /* seconds */
#define SLOW_DOWN         5    /* seconds more for each slow_down, RFC 8628 3.5 */
#define ADVICE_CONDITIONAL_ACCESS                                                                            \
    "See the server's message. If a Conditional Access policy forbids device codes, use "                    \
    "--token-file, or --auth broker"
#define FAILURES_MAX 3   /* invalid responses in a row */
#define PAUSE_MAX    120 /* seconds; the longest pause while the service is unreachable */

struct service {
    const struct credential_options *options;
    const struct credential_request *request;
    struct oauth_client client;
    char url[2][HTTPS_URL_MAX]; /* device code, token */
};

enum endpoint { ENDPOINT_DEVICE_CODE, ENDPOINT_TOKEN };

/* State of polling for the token. */
struct polling {
    unsigned interval; /* seconds, set by the service */
    unsigned pause;    /* until the next request: interval, or longer while the service is unreachable */
    unsigned failures; /* invalid responses in a row */
    time_t end;        /* when the code expires */
};

static enum enroll_exit service_find(const struct credential_options *options,
                                     const struct credential_request *request, struct service *ret_service,
                                     struct enroll_error *ret_error)
{
    struct oauth_client *client = &ret_service->client;
    const char *const names[] = {[ENDPOINT_DEVICE_CODE] = "devicecode", [ENDPOINT_TOKEN] = "token"};
    char host[URL_HOST_MAX];

    *ret_service = (struct service){.options = options, .request = request};
    oauth_client_read(options, request, client);
    const char *authority = client->authority != NULL ? client->authority : OAUTH_AUTHORITY_DEFAULT;
    const char *tenant =
        client->tenant == NULL && client->authority == NULL ? TENANT_DEFAULT : client->tenant;
    const char *refusal = url_host(authority, host) ? url_refusal(authority, host) : "is not a URL";
    size_t size = strlen(authority);
    if (refusal != NULL || size > HTTPS_URL_MAX / 2 || (tenant != NULL && strlen(tenant) > 255))
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --authority and --tenant",
                                "the URL of the token service %s", refusal != NULL ? refusal : "is too long");
    if (client->scope == NULL && client->resource == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "give --scope",
                                "authentication by device code requires --scope or --resource");
    while (size > 0 && authority[size - 1] == '/')
        size--;
    for (enum endpoint at = ENDPOINT_DEVICE_CODE; at <= ENDPOINT_TOKEN; at++)
        snprintf(ret_service->url[at], HTTPS_URL_MAX, "%.*s%s%s/oauth2/%s%s%s", (int)size, authority,
                 tenant != NULL ? "/" : "", tenant != NULL ? tenant : "",
                 client->scope != NULL ? "v2.0/" : "", names[at],
                 client->scope != NULL ? "" : "?api-version=1.0");
    return ENROLL_OK;
}

/* name=value pairs of a form, NULL-terminated. malloc()ed. */
static char *form_encode(const char *const pairs[][2])
{
    char *form = strdup("");

    for (size_t i = 0; form != NULL && pairs[i][0] != NULL; i++) {
        char *value = curl_easy_escape(NULL, pairs[i][1], 0);
        char *longer = NULL;

        if (value != NULL && asprintf(&longer, "%s%s%s=%s", form, i > 0 ? "&" : "", pairs[i][0], value) < 0)
            longer = NULL;
        if (value != NULL)
            OPENSSL_cleanse(value, strlen(value));
        curl_free(value);
        secret_free(form);
        form = longer;
    }
    return form;
}

/* Posts a form. *ret_parsed: the response was JSON; *ret_status is HTTP's. */
static enum enroll_exit form_post(const struct service *service, enum endpoint endpoint,
                                  const char *const pairs[][2], struct oauth_answer *ret_answer,
                                  bool *ret_parsed, long *ret_status, struct enroll_error *ret_error)
{
    char *form = form_encode(pairs);
    struct https_request post = {
        .name = endpoint == ENDPOINT_TOKEN ? "polling for the token" : "the request for a device code",
        .url = service->url[endpoint],
        .content_type = "application/x-www-form-urlencoded",
        .credentials = true,
        .retries = 2,
    };
    struct https_response response = {0};
    enum enroll_exit status;

    if (form == NULL)
        return enroll_error_memory(ret_error);
    post.body = (const uint8_t *)form;
    post.body_size = strlen(form);
    status = https_client_send(service->request->client, &post, &response, ret_error);
    secret_free(form);
    if (status != ENROLL_OK)
        return status;
    *ret_status = response.status;
    *ret_parsed = oauth_answer_parse((const char *)response.body, response.body_size, ret_answer);
    https_response_free(&response);
    return ENROLL_OK;
}

static enum enroll_exit no_answer(long http_status, struct enroll_error *ret_error)
{
    return enroll_error_set(ret_error, ENROLL_AUTHENTICATION,
                            "check --authority and --tenant, or try again later",
                            "invalid response from the token service (HTTP status %ld)", http_status);
}

/* The token service's refusal, in its own words. */
static enum enroll_exit refused(const struct oauth_answer *answer, struct enroll_error *ret_error)
{
    static const struct {
        const char *error;
        const char *meaning;
        const char *advice;
    } refusals[] = {
        {"expired_token", "the code has expired", "try again, and sign in before the code expires"},
        {"code_expired", "the code has expired", "try again, and sign in before the code expires"},
        {"authorization_declined", "the sign-in was declined", "try again, and accept in the browser"},
        {"access_denied", "access was denied", ADVICE_CONDITIONAL_ACCESS},
        {"invalid_client", "the client id is not accepted", "check --client-id and --tenant"},
        {"unauthorized_client", "this client may not use a device code", "check --client-id and --tenant"},
        {"invalid_scope", "the scope is not accepted", "check --scope"},
    };
    const char *meaning = "refused by the token service";
    const char *advice = ADVICE_CONDITIONAL_ACCESS;

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (answer->error == NULL || strcmp(answer->error, refusals[i].error) != 0)
            continue;
        meaning = refusals[i].meaning;
        advice = refusals[i].advice;
    }
    enroll_error_set(ret_error, ENROLL_AUTHENTICATION, advice, "no token: %s", meaning);
    snprintf(ret_error->server_text, sizeof(ret_error->server_text), "%.100s%s%.380s",
             answer->error != NULL ? answer->error : "", answer->error_description != NULL ? ": " : "",
             answer->error_description != NULL ? answer->error_description : "");
    return ENROLL_AUTHENTICATION;
}

static enum enroll_exit code_request(const struct service *service, struct oauth_answer *ret_answer,
                                     struct enroll_error *ret_error)
{
    const struct oauth_client *client = &service->client;
    const char *const pairs[][2] = {{"client_id", client->id},
                                    {client->scope != NULL ? "scope" : "resource",
                                     client->scope != NULL ? client->scope : client->resource},
                                    {NULL, NULL}};
    bool parsed = false;
    long http_status = 0;
    enum enroll_exit status;

    for (unsigned try = 0;; try++) {
        status =
            form_post(service, ENDPOINT_DEVICE_CODE, pairs, ret_answer, &parsed, &http_status, ret_error);
        if (status != ENROLL_OK)
            return status;
        if (http_status < 500 || try == 1)
            break;
        if (parsed)
            oauth_answer_clear(ret_answer);
    }
    if (!parsed)
        return no_answer(http_status, ret_error);
    if (ret_answer->error != NULL)
        status = refused(ret_answer, ret_error);
    else if (ret_answer->device_code == NULL || ret_answer->user_code == NULL ||
             ret_answer->verification_url == NULL || ret_answer->expires_in == 0)
        status = no_answer(http_status, ret_error);
    if (status != ENROLL_OK)
        oauth_answer_clear(ret_answer);
    return status;
}

static time_t now(void)
{
    struct timespec clock;

    clock_gettime(CLOCK_MONOTONIC, &clock);
    return clock.tv_sec;
}

/* Shows the code each second until `until`. Errors: ENROLL_CANCELLED. */
static enum enroll_exit wait_until(const struct service *service, const struct oauth_answer *code,
                                   time_t until, time_t end, struct enroll_error *ret_error)
{
    const struct credential_options *options = service->options;
    const struct timespec second = {.tv_sec = 1};

    for (time_t at = now();; at = now()) {
        const struct credential_instruction instruction = {.url = code->verification_url,
                                                           .code = code->user_code,
                                                           .message = code->message,
                                                           .seconds_left =
                                                               end > at ? (unsigned)(end - at) : 0};

        if (options->show != NULL)
            options->show(options->context, &instruction);
        if (at >= until)
            return ENROLL_OK;
        if (options->cancelled != NULL && options->cancelled(options->context))
            return enroll_error_set(ret_error, ENROLL_CANCELLED, NULL, "sign-in cancelled");
        nanosleep(&second, NULL);
    }
}

/*
 * The service cannot be reached: no reason to give up a code that may be in use. RFC 8628, 3.5: the
 * client has to ask less often, and twice the pause each time is what it recommends. The code's last second
 * is still used.
 */
static void unreachable(const struct service *service, struct polling *polling,
                        const struct enroll_error *error)
{
    const struct credential_request *request = service->request;
    char text[sizeof(error->message) + 64];
    unsigned doubled = 2 * polling->pause;
    time_t at = now();

    if (doubled > PAUSE_MAX)
        doubled = PAUSE_MAX;
    if (polling->pause < doubled)
        polling->pause = doubled;
    if (at + (time_t)polling->pause > polling->end && at + (time_t)polling->interval < polling->end)
        polling->pause = (unsigned)(polling->end - at - 1);
    snprintf(text, sizeof(text), "retrying in %u seconds: %s", polling->pause, error->message);
    if (request->warn != NULL && at + (time_t)polling->pause <= polling->end)
        request->warn(request->note_context, text);
}

/* One request for the token. *ret_token stays NULL while authorization is pending. */
static enum enroll_exit token_poll(const struct service *service, const struct oauth_answer *code,
                                   struct polling *polling, char **ret_token, struct enroll_error *ret_error)
{
    const struct oauth_client *client = &service->client;
    const char *const pairs[][2] = {{"grant_type", GRANT_DEVICE_CODE},
                                    {"client_id", client->id},
                                    {client->scope != NULL ? "device_code" : "code", code->device_code},
                                    {client->scope != NULL ? NULL : "resource", client->resource},
                                    {NULL, NULL}};
    struct oauth_answer answer = {0};
    bool parsed = false;
    long http_status = 0;
    enum enroll_exit status =
        form_post(service, ENDPOINT_TOKEN, pairs, &answer, &parsed, &http_status, ret_error);

    if (status != ENROLL_OK)
        return status;
    polling->pause = polling->interval;
    if (!parsed || http_status >= 500) {
        if (parsed)
            oauth_answer_clear(&answer);
        return ++polling->failures < FAILURES_MAX && http_status >= 500 ? ENROLL_OK
                                                                        : no_answer(http_status, ret_error);
    }
    polling->failures = 0;
    if (answer.access_token != NULL) {
        *ret_token = answer.access_token;
        answer.access_token = NULL;
    } else if (answer.error == NULL) {
        status = no_answer(http_status, ret_error);
    } else if (strcmp(answer.error, "slow_down") == 0) {
        polling->pause = polling->interval += SLOW_DOWN;
    } else if (strcmp(answer.error, "authorization_pending") != 0) {
        status = refused(&answer, ret_error);
    }
    oauth_answer_clear(&answer);
    return status;
}

/* The code's life is over; `last` is why the last question got no answer, if it got none. */
static enum enroll_exit expired(enum enroll_exit last, struct enroll_error *ret_error)
{
    const struct oauth_answer answer = {.error = (char *)(uintptr_t) "expired_token"};
    struct enroll_error why;

    if (last != ENROLL_UNREACHABLE)
        return refused(&answer, ret_error);
    why = *ret_error;
    enroll_error_set(ret_error, last, why.advice,
                     "the code expired while the token service was unreachable: %.600s", why.message);
    ret_error->hresult = why.hresult;
    return last;
}

static enum enroll_exit token_wait(const struct service *service, const struct oauth_answer *code,
                                   char **ret_token, struct enroll_error *ret_error)
{
    struct polling polling = {
        .interval = code->interval != 0 ? code->interval : INTERVAL_DEFAULT,
        .end = now() + (time_t)(code->expires_in < EXPIRES_MAX ? code->expires_in : EXPIRES_MAX)};
    enum enroll_exit status = ENROLL_OK, last = ENROLL_OK;

    polling.pause = polling.interval;
    *ret_token = NULL;
    while (status == ENROLL_OK && *ret_token == NULL) {
        time_t next = now() + (time_t)polling.pause;

        if (next > polling.end)
            return expired(last, ret_error);
        status = wait_until(service, code, next, polling.end, ret_error);
        if (status != ENROLL_OK)
            break;
        status = last = token_poll(service, code, &polling, ret_token, ret_error);
        if (status == ENROLL_UNREACHABLE) {
            unreachable(service, &polling, ret_error);
            status = ENROLL_OK;
        }
    }
    return status;
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    struct service service;
    struct oauth_answer code = {0};
    enum enroll_exit status = service_find(options, request, &service, ret_error);

    if (status == ENROLL_OK)
        status = code_request(&service, &code, ret_error);
    if (status == ENROLL_OK)
        status = token_wait(&service, &code, &ret_credential->token, ret_error);
    oauth_answer_clear(&code);
    ret_credential->kind = CREDENTIAL_TOKEN;
    return status;
}

static const char *suits(const struct credential_options *options, const struct credential_request *request)
{
    (void)request;
    return credential_option_value(options, &oauth_option_client_id) != NULL ? "a client id is configured"
                                                                             : NULL;
}

const struct credential_source credential_device_code = {
    .name = "device-code",
    .kinds = CREDENTIAL_TOKEN,
    .needs = &oauth_option_client_id,
    .options = {OAUTH_OPTIONS},
    .suits = suits,
    .obtain = obtain,
};
