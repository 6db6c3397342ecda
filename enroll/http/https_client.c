#include "https_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "redirect.h"
#include "url.h"

#define CONNECT_TIMEOUT_MAX 20 /* seconds */

struct https_client {
    CURL *curl;
    struct https_client_options options;
    struct curl_slist *resolve;
};

/* One answer while it comes in. */
struct answer {
    CURL *curl;
    long status;
    char *content_type;
    char *location; /* absolute; NULL: none */
    uint8_t *body;
    size_t body_size, body_capacity;
    bool body_too_large;
    long retry_after;
    char tls[16];
    double started, seconds;
    char failure[320];
};

static void answer_clear(struct answer *answer)
{
    free(answer->content_type);
    free(answer->location);
    if (answer->body != NULL)
        OPENSSL_cleanse(answer->body, answer->body_capacity);
    free(answer->body);
    *answer = (struct answer){0};
}

/* ---- what libcurl calls ---- */

static size_t body_receive(char *bytes, size_t one, size_t size, void *context)
{
    struct answer *answer = context;

    (void)one;
    if (size > HTTPS_BODY_MAX - answer->body_size) {
        answer->body_too_large = true;
        return 0;
    }
    if (answer->body == NULL || answer->body_size + size + 1 > answer->body_capacity) {
        size_t capacity = 2 * (answer->body_size + size) + 4096;
        uint8_t *body = malloc(capacity);

        if (body == NULL)
            return 0;
        if (answer->body != NULL) {
            memcpy(body, answer->body, answer->body_size);
            OPENSSL_cleanse(answer->body, answer->body_capacity);
            free(answer->body);
        }
        answer->body = body;
        answer->body_capacity = capacity;
    }
    memcpy(answer->body + answer->body_size, bytes, size);
    answer->body_size += size;
    answer->body[answer->body_size] = '\0';
    return size;
}

/* The TLS session can be asked about only while it lasts. */
static size_t header_receive(char *bytes, size_t one, size_t size, void *context)
{
    struct answer *answer = context;
    struct curl_tlssessioninfo *session = NULL;

    (void)bytes;
    if (answer->tls[0] == '\0' &&
        curl_easy_getinfo(answer->curl, CURLINFO_TLS_SSL_PTR, &session) == CURLE_OK && session != NULL &&
        session->backend == CURLSSLBACKEND_OPENSSL && session->internals != NULL)
        snprintf(answer->tls, sizeof(answer->tls), "%s", SSL_get_version(session->internals));
    return one * size;
}

static int progress_look(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                         curl_off_t up)
{
    const struct https_client *client = context;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return client->options.cancelled != NULL && client->options.cancelled(client->options.cancelled_context)
               ? 1
               : 0;
}

static CURLcode client_certificate_set(CURL *curl, void *ssl_context, void *context)
{
    const struct https_request *request = context;
    SSL_CTX *ssl = ssl_context;

    (void)curl;
    if (SSL_CTX_use_certificate(ssl, request->client_certificate) != 1 ||
        SSL_CTX_use_PrivateKey(ssl, request->client_key) != 1)
        return CURLE_SSL_CERTPROBLEM;
    for (int i = 0; request->client_chain != NULL && i < sk_X509_num(request->client_chain); i++)
        if (SSL_CTX_add1_chain_cert(ssl, sk_X509_value(request->client_chain, i)) != 1)
            return CURLE_SSL_CERTPROBLEM;
    return CURLE_OK;
}

/* ---- setting up ---- */

enum enroll_exit https_client_new(const struct https_client_options *options, struct https_client **ret_net,
                                  struct enroll_error *ret_error)
{
    struct https_client *client;

    if (options->ca_file != NULL && access(options->ca_file, R_OK) != 0)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --ca-file",
                                "cannot read CA file %s: %s", options->ca_file, strerror(errno));
    client = calloc(1, sizeof(*client));
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(client);
        return enroll_error_memory(ret_error);
    }
    client->options = *options;
    client->curl = curl_easy_init();
    for (const char *const *entry = options->resolve; entry != NULL && *entry != NULL; entry++) {
        struct curl_slist *longer = curl_slist_append(client->resolve, *entry);

        if (longer == NULL) {
            https_client_free(client);
            return enroll_error_memory(ret_error);
        }
        client->resolve = longer;
    }
    if (client->curl == NULL) {
        https_client_free(client);
        return enroll_error_memory(ret_error);
    }
    *ret_net = client;
    return ENROLL_OK;
}

void https_client_free(struct https_client *client)
{
    if (client == NULL)
        return;
    curl_slist_free_all(client->resolve);
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    free(client);
}

void https_response_free(struct https_response *response)
{
    free(response->content_type);
    free(response->url);
    if (response->body != NULL)
        OPENSSL_cleanse(response->body, response->body_size);
    free(response->body);
    *response = (struct https_response){0};
}

/* CURLcode of the first option that failed: every one of them is a promise of https_client.h. */
static CURLcode options_set(struct https_client *client, const struct https_request *request, const char *url,
                            struct curl_slist *headers, struct answer *answer)
{
    CURL *curl = client->curl;
    long timeout =
        client->options.timeout_seconds != 0 ? (long)client->options.timeout_seconds : HTTPS_TIMEOUT_DEFAULT;
    CURLcode code = CURLE_OK;

#define SET(option, value)                                                                                   \
    if (code == CURLE_OK)                                                                                    \
    code = curl_easy_setopt(curl, option, value)
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_TIMEOUT, timeout);
    SET(CURLOPT_CONNECTTIMEOUT, timeout < CONNECT_TIMEOUT_MAX ? timeout : (long)CONNECT_TIMEOUT_MAX);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, request->user_agent != NULL ? request->user_agent : "ENROLLClient");
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_ERRORBUFFER, answer->failure);
    SET(CURLOPT_WRITEFUNCTION, body_receive);
    SET(CURLOPT_WRITEDATA, answer);
    SET(CURLOPT_HEADERFUNCTION, header_receive);
    SET(CURLOPT_HEADERDATA, answer);
    SET(CURLOPT_XFERINFOFUNCTION, progress_look);
    SET(CURLOPT_XFERINFODATA, client);
    SET(CURLOPT_NOPROGRESS, 0L);
    if (client->options.ca_file != NULL) {
        SET(CURLOPT_CAINFO, client->options.ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (client->resolve != NULL) {
        SET(CURLOPT_RESOLVE, client->resolve);
    }
    if (request->body != NULL) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE, (long)request->body_size);
        SET(CURLOPT_POSTFIELDS, (const char *)request->body);
    }
    if (request->client_key != NULL) {
        /* libcurl does not know about this certificate: no connection of another identity may be used, nor
         * left. */
        SET(CURLOPT_SSL_CTX_FUNCTION, client_certificate_set);
        SET(CURLOPT_SSL_CTX_DATA, (void *)(uintptr_t)request);
        SET(CURLOPT_FRESH_CONNECT, 1L);
        SET(CURLOPT_FORBID_REUSE, 1L);
        SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    }
#undef SET
    return code;
}

/* The token stands in a copy of libcurl's too; headers_free() wipes that one. */
static struct curl_slist *bearer_append(struct curl_slist *headers, const char *bearer)
{
    char *line = NULL;
    int size = asprintf(&line, "Authorization: Bearer %s", bearer);
    struct curl_slist *longer = size > 0 ? curl_slist_append(headers, line) : NULL;

    if (size > 0) {
        OPENSSL_cleanse(line, (size_t)size);
        free(line);
    }
    return longer;
}

static void headers_free(struct curl_slist *headers)
{
    for (const struct curl_slist *at = headers; at != NULL; at = at->next)
        OPENSSL_cleanse(at->data, strlen(at->data));
    curl_slist_free_all(headers);
}

static struct curl_slist *headers_make(const struct https_request *request)
{
    /* "Expect:" alone: MDE2 servers know no 100 Continue. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    struct curl_slist *longer = NULL;
    char type[160];

    if (request->body != NULL) {
        snprintf(type, sizeof(type), "Content-Type: %s", request->content_type);
        longer = headers != NULL ? curl_slist_append(headers, type) : NULL;
    } else {
        longer = headers != NULL ? curl_slist_append(headers, "Cache-Control: no-cache") : NULL;
        longer = longer != NULL ? curl_slist_append(longer, "Pragma: no-cache") : NULL;
    }
    if (longer != NULL && request->bearer != NULL)
        longer = bearer_append(longer, request->bearer);
    if (longer == NULL)
        headers_free(headers);
    return longer;
}

/* ---- what went wrong ---- */

static const struct {
    CURLcode code;
    enum enroll_exit exit_status;
    const char *what; /* NULL: libcurl's message */
    const char *advice;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST, ENROLL_UNREACHABLE, "host not found",
     "check the address and the network, or use --discovery-url"},
    {CURLE_COULDNT_RESOLVE_PROXY, ENROLL_UNREACHABLE, "proxy not found",
     "check https_proxy in the environment"},
    {CURLE_COULDNT_CONNECT, ENROLL_UNREACHABLE, "cannot connect",
     "check the network, firewall, https_proxy, and whether the server is running"},
    {CURLE_OPERATION_TIMEDOUT, ENROLL_UNREACHABLE, "timed out", "try again later, or use a longer --timeout"},
    {CURLE_GOT_NOTHING, ENROLL_UNREACHABLE, "the server closed the connection", "try again later"},
    {CURLE_SEND_ERROR, ENROLL_UNREACHABLE, "connection lost", "try again later"},
    {CURLE_RECV_ERROR, ENROLL_UNREACHABLE, "connection lost", "try again later"},
    {CURLE_PARTIAL_FILE, ENROLL_UNREACHABLE, "incomplete response", "try again later"},
    {CURLE_PEER_FAILED_VERIFICATION, ENROLL_TLS, NULL,
     "if the server's certificate is from a private CA, use --ca-file; otherwise the connection may be "
     "intercepted."},
    {CURLE_SSL_CONNECT_ERROR, ENROLL_TLS, NULL, "the server must support TLS 1.2 or 1.3"},
    {CURLE_SSL_CACERT_BADFILE, ENROLL_CONFIGURATION, "cannot read the CA file", "check --ca-file"},
    {CURLE_SSL_CERTPROBLEM, ENROLL_TLS, "cannot use this device's certificate and key",
     "check the token with intune-enroll verify"},
    {(CURLcode)100, ENROLL_UNREACHABLE, NULL, "Try again later."}, /* CURLE_TOO_LARGE of 8.6: headers */
    {CURLE_OUT_OF_MEMORY, ENROLL_FAILED, "out of memory", NULL},
};

static enum enroll_exit failure_set(const struct https_request *request, const char *host, CURLcode code,
                                    const struct answer *answer, struct enroll_error *ret_error)
{
    char words[300] = "";
    size_t i = 0;

    if (code == CURLE_ABORTED_BY_CALLBACK) {
        enroll_error_set(ret_error, ENROLL_CANCELLED, NULL, "%s cancelled", request->name);
        ret_error->hresult = HRESULT_CANCELLED;
        return ENROLL_CANCELLED;
    }
    if (answer->body_too_large)
        return enroll_error_set(ret_error, ENROLL_PROTOCOL, "check that the address is that of an MDM server",
                                "response of %s to %s refused: larger than %d bytes", host, request->name,
                                HTTPS_BODY_MAX);
    while (i < sizeof(failures) / sizeof(failures[0]) && failures[i].code != code)
        i++;
    enroll_text_print(answer->failure, strlen(answer->failure), words, sizeof(words));
    if (*words == '\0')
        snprintf(words, sizeof(words), "%s", curl_easy_strerror(code));
    if (i == sizeof(failures) / sizeof(failures[0]))
        return enroll_error_set(ret_error, ENROLL_PROTOCOL, "check that the address is that of an MDM server",
                                "%s at %s failed: %s", request->name, host, words);
    enroll_error_set(ret_error, failures[i].exit_status, failures[i].advice, "%s at %s failed: %s%s%s%s",
                     request->name, host, failures[i].what != NULL ? failures[i].what : words,
                     failures[i].what != NULL ? " (" : "", failures[i].what != NULL ? words : "",
                     failures[i].what != NULL ? ")" : "");
    ret_error->hresult = failures[i].exit_status == ENROLL_UNREACHABLE ? HRESULT_CONNECTIVITY
                         : failures[i].exit_status == ENROLL_TLS       ? HRESULT_TLS_CERTIFICATE
                                                                       : 0;
    return failures[i].exit_status;
}

/* ---- one request, one answer ---- */

static double clock_read(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void observe(const struct https_client *client, const struct https_request *request, const char *url,
                    const struct answer *answer, bool failed)
{
    const struct https_exchange exchange = {
        .name = request->name,
        .url = url,
        .request = request->body,
        .request_size = request->body_size,
        .request_type = request->body != NULL ? request->content_type : NULL,
        .status = answer->status,
        .response_type = answer->content_type,
        .response = answer->body,
        .response_size = answer->body_size,
        .location = answer->location,
        .failure = failed ? answer->failure : NULL,
        .tls = answer->tls[0] != '\0' ? answer->tls : NULL,
        .client_certificate = request->client_key != NULL,
        .started = answer->started,
        .seconds = answer->seconds,
    };

    if (client->options.observe != NULL)
        client->options.observe(client->options.observe_context, &exchange);
}

static bool answer_read(struct answer *answer)
{
    const char *type = NULL, *location = NULL;
    curl_off_t retry_after = 0;

    curl_easy_getinfo(answer->curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(answer->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(answer->curl, CURLINFO_REDIRECT_URL, &location);
    curl_easy_getinfo(answer->curl, CURLINFO_RETRY_AFTER, &retry_after);
    answer->retry_after = (long)retry_after;
    answer->content_type = type != NULL ? strdup(type) : NULL;
    answer->location = location != NULL ? strdup(location) : NULL;
    if (answer->body == NULL)
        answer->body = calloc(1, answer->body_capacity = 1);
    return answer->body != NULL && (type == NULL) == (answer->content_type == NULL) &&
           (location == NULL) == (answer->location == NULL);
}

static enum enroll_exit exchange(struct https_client *client, const struct https_request *request,
                                 const char *url, struct answer *ret_answer, struct enroll_error *ret_error)
{
    struct answer answer = {.curl = client->curl};
    struct curl_slist *headers = headers_make(request);
    char host[URL_HOST_MAX] = "?";
    double begin = clock_read(CLOCK_MONOTONIC);
    CURLcode code = CURLE_OUT_OF_MEMORY;
    enum enroll_exit status = ENROLL_OK;

    if (!url_host(url, host))
        snprintf(host, sizeof(host), "?");
    answer.started = clock_read(CLOCK_REALTIME);
    curl_easy_reset(client->curl);
    if (headers != NULL)
        code = options_set(client, request, url, headers, &answer);
    if (code == CURLE_OK)
        code = curl_easy_perform(client->curl);
    answer.seconds = clock_read(CLOCK_MONOTONIC) - begin;
    if (code == CURLE_OK && !answer_read(&answer))
        code = CURLE_OUT_OF_MEMORY;
    if (code != CURLE_OK)
        status = failure_set(request, host, code, &answer, ret_error);
    if (code != CURLE_OK)
        snprintf(answer.failure, sizeof(answer.failure), "%.300s", ret_error->message);
    observe(client, request, url, &answer, code != CURLE_OK);
    /* The handle outlives what its options point to: the body with its secrets, and this frame. */
    curl_easy_reset(client->curl);
    headers_free(headers);
    if (status == ENROLL_OK)
        *ret_answer = answer;
    else
        answer_clear(&answer);
    return status;
}

static enum enroll_exit wait_seconds(const struct https_client *client, const struct https_request *request,
                                     long seconds, struct enroll_error *ret_error)
{
    const struct timespec slice = {.tv_nsec = 100 * 1000 * 1000};

    for (long i = 0; i < 10 * seconds; i++) {
        if (client->options.cancelled != NULL &&
            client->options.cancelled(client->options.cancelled_context)) {
            enroll_error_set(ret_error, ENROLL_CANCELLED, NULL, "%s cancelled", request->name);
            ret_error->hresult = HRESULT_CANCELLED;
            return ENROLL_CANCELLED;
        }
        nanosleep(&slice, NULL);
    }
    return ENROLL_OK;
}

static bool worth_retrying(const struct answer *answer)
{
    return (answer->status == 429 || answer->status == 503) && answer->retry_after > 0 &&
           answer->retry_after <= HTTPS_RETRY_AFTER_MAX;
}

/* Goes on to where the answer sends us, if that is allowed. *url is replaced. */
static enum enroll_exit redirect_follow(struct https_request *request, struct answer *answer, unsigned count,
                                        char **url, struct enroll_error *ret_error)
{
    enum enroll_exit status;

    if (count == HTTPS_REDIRECTS_MAX)
        return enroll_error_set(ret_error, ENROLL_UNSAFE, "contact the server's administrator",
                                "%s: more than %d redirects", request->name, HTTPS_REDIRECTS_MAX);
    status = redirect_judge(request, *url, answer->location, ret_error);
    if (status != ENROLL_OK)
        return status;
    free(*url);
    *url = answer->location;
    answer->location = NULL;
    if (request->readdress == NULL)
        return ENROLL_OK;
    return request->readdress(request->readdress_context, *url, &request->body, &request->body_size);
}

enum enroll_exit https_client_send(struct https_client *client, const struct https_request *original,
                                   struct https_response *ret_response, struct enroll_error *ret_error)
{
    struct https_request copy = *original, *request = &copy;
    char *url = strdup(request->url);
    struct answer answer = {0};
    unsigned redirects = 0, retries = 0;
    enum enroll_exit status;

    if (url == NULL)
        return enroll_error_memory(ret_error);
    while ((status = exchange(client, request, url, &answer, ret_error)) == ENROLL_OK) {
        if (worth_retrying(&answer) && retries++ < request->retries) {
            status = wait_seconds(client, request, answer.retry_after, ret_error);
        } else if (redirect_status(answer.status) && answer.location != NULL) {
            status = redirect_follow(request, &answer, redirects++, &url, ret_error);
        } else {
            break;
        }
        answer_clear(&answer);
        if (status != ENROLL_OK)
            break;
    }
    if (status != ENROLL_OK) {
        free(url);
        return status;
    }
    *ret_response = (struct https_response){.status = answer.status,
                                            .content_type = answer.content_type,
                                            .url = url,
                                            .retry_after = answer.retry_after,
                                            .body = answer.body,
                                            .body_size = answer.body_size};
    free(answer.location);
    return ENROLL_OK;
}
