#include "flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xml_signature.h"
#include "flow_messages.h"
#include "flow_renewal.h"
#include "token_request.h"

#define REQUEST_VERSION_DEFAULT "4.0"

/* ---- 1: resolve ---- */

/* A GET that answers 200 says that there is an MDM server. MS-MDE2 3.1.4.1; any body is ignored. */
static enum enroll_exit probe(struct flow *flow, const char *url, char **ret_url)
{
    const struct https_redirects redirects = {.accept = flow->options->accept_redirects,
                                              .confirm = flow->callbacks->confirm,
                                              .context = flow->callbacks->context};
    const struct https_request request = {
        .name = "the search for the MDM server", .url = url, .redirects = &redirects, .retries = 2};
    struct https_response response = {0};
    enum enroll_exit status = https_client_send(flow->options->client, &request, &response, flow->error);

    if (status != ENROLL_OK)
        return status;
    if (response.status == 200) {
        *ret_url = response.url;
        response.url = NULL;
    } else {
        status = flow_http_error(request.name, &response, flow->error);
        snprintf(flow->error->advice, sizeof(flow->error->advice),
                 "check the address; if the server is elsewhere, give its full address with --discovery-url");
    }
    https_response_free(&response);
    return status;
}

/* What the operator typed is taken as it is, otherwise the name follows from the address and is tried. */
static enum enroll_exit resolve(struct flow *flow)
{
    const char *typed = flow->options->discovery_url;
    char host[URL_HOST_MAX];
    const char *refusal;
    char *url;
    enum enroll_exit status;

    flow_step(flow, STEP_RESOLVE, "Looking for the MDM server");
    if (typed != NULL) {
        refusal = url_host(typed, flow->typed_host) ? url_refusal(typed, flow->typed_host) : "is no URL";
        if (refusal != NULL)
            return enroll_error_set(flow->error, ENROLL_UNSAFE, "give an address that begins with https://",
                                    "the discovery address %s", refusal);
        flow->result->discovery_url = url_without_default_port(typed);
        flow_tell(flow, PROGRESS_DONE, "discovery address given: %s", typed);
        return flow->result->discovery_url != NULL ? ENROLL_OK : enroll_error_memory(flow->error);
    }
    url = flow->options->address != NULL ? url_discovery(flow->options->address) : NULL;
    if (url == NULL)
        return enroll_error_set(flow->error, ENROLL_USAGE, "it is USER@DOMAIN, or a domain",
                                "the address has no domain in which an MDM server could be looked for");
    status = probe(flow, url, &flow->result->discovery_url);
    free(url);
    if (status == ENROLL_OK && url_host(flow->result->discovery_url, host))
        flow_tell(flow, PROGRESS_DONE, "found %s", host);
    return status;
}

/* ---- 2: Discover ---- */

/* An address with a user in it: the one given, or the user name; "" where there is none. */
static const char *mail_address(const struct flow *flow)
{
    const struct credential_options *auth = flow->options->auth;
    const char *user = auth != NULL ? credential_option_get(auth, "username") : NULL;

    if (flow->options->address != NULL && strchr(flow->options->address, '@') != NULL)
        return flow->options->address;
    return user != NULL && strchr(user, '@') != NULL ? user : "";
}

static enum enroll_exit services_check(struct flow *flow)
{
    struct discovery *discovery = &flow->discovery;
    enum enroll_exit status = flow_url_check(flow, "enrolment service", discovery->enrollment_url);

    if (status == ENROLL_OK && discovery->policy_url != NULL)
        status = flow_url_check(flow, "policy service", discovery->policy_url);
    /* It gets no message of ours; only the browser goes there. */
    if (status == ENROLL_OK && discovery->authentication_url != NULL && flow->only_hosts == NULL)
        status = flow_url_check(flow, "sign-in page", discovery->authentication_url);
    if (status != ENROLL_OK)
        return status;
    if (discovery->policy_url != NULL && !url_same_host(discovery->policy_url, discovery->enrollment_url))
        return enroll_error_set(
            flow->error, ENROLL_UNSAFE, "tell the server's administrator",
            "the server names two hosts for its policy and its enrolment service; MDE2 wants one");
    return ENROLL_OK;
}

static enum enroll_exit discovery_keep(struct flow *flow)
{
    struct flow_result *result = flow->result;
    const struct discovery *discovery = &flow->discovery;

    result->enrollment_url = strdup(discovery->enrollment_url);
    result->policy_url = discovery->policy_url != NULL ? strdup(discovery->policy_url) : NULL;
    result->enrollment_version = discovery->version != NULL ? strdup(discovery->version) : NULL;
    result->auth_policy = strdup(auth_policy_name(discovery->auth_policy));
    if (result->enrollment_version != NULL)
        enroll_text_print(discovery->version, strlen(discovery->version), result->enrollment_version,
                          strlen(discovery->version) + 1);
    return result->enrollment_url != NULL && result->auth_policy != NULL ? ENROLL_OK
                                                                         : enroll_error_memory(flow->error);
}

static enum enroll_exit discover_write(const struct flow *flow, const struct flow_message *message,
                                       const char *id, const char *url, struct xml_text *text)
{
    (void)message;
    discover_request_write(text, id, url, &flow->offer);
    return ENROLL_OK;
}

enum enroll_exit flow_step_discover(struct flow *flow)
{
    const struct flow_message message = {.name = "Discover",
                                         .answer_action = "/IDiscoveryService/DiscoverResponse",
                                         .url = flow->result->discovery_url,
                                         .write = discover_write};
    char host[URL_HOST_MAX];
    struct soap_reply reply = {0};
    char *url = NULL;
    enum enroll_exit status;

    flow_step(flow, STEP_DISCOVER, "Asking the server for its services");
    status = flow_message_exchange(flow, &message, &reply, &url);
    if (status == ENROLL_REFUSED && *flow->offer.address == '\0')
        snprintf(flow->error->advice, sizeof(flow->error->advice),
                 "the server may want to know the user: give the user's whole address, or --username "
                 "USER@DOMAIN.");
    if (status != ENROLL_OK)
        return status;
    free(flow->result->discovery_url);
    flow->result->discovery_url = url;
    status = discover_response_parse(&reply, &flow->offer, &flow->discovery, flow->error);
    soap_reply_clear(&reply);
    if (status == ENROLL_OK)
        status = services_check(flow);
    if (status == ENROLL_OK)
        status = discovery_keep(flow);
    if (status == ENROLL_OK && !url_same_host(flow->result->discovery_url, flow->discovery.enrollment_url))
        flow_tell(flow, PROGRESS_NOTE, "the services are on another host than the one that was asked");
    if (status == ENROLL_OK && url_host(flow->discovery.enrollment_url, host))
        flow_tell(flow, PROGRESS_DONE, "%s, authentication %s, version %s", host, flow->result->auth_policy,
                  flow->result->enrollment_version != NULL ? flow->result->enrollment_version : "not said");
    return status;
}

/* ---- 3: the security token ---- */

static void note_forward(void *context, const char *text)
{
    flow_tell(context, PROGRESS_NOTE, "%s", text);
}

static void warning_forward(void *context, const char *text)
{
    flow_tell(context, PROGRESS_WARNING, "%s", text);
}

static unsigned kinds_accepted(enum auth_policy policy)
{
    return policy == AUTH_POLICY_ON_PREMISE  ? CREDENTIAL_PASSWORD
           : policy == AUTH_POLICY_FEDERATED ? CREDENTIAL_TOKEN
                                             : CREDENTIAL_CERTIFICATE;
}

/* The ValueType of a token, by the name that --token-type gives it. */
static enum enroll_exit token_type_find(const char *name, const char **ret_type,
                                        struct enroll_error *ret_error)
{
    if (name == NULL || strcmp(name, "user") == 0)
        *ret_type = VALUE_TYPE_USER_TOKEN;
    else if (strcmp(name, "jwt") == 0)
        *ret_type = VALUE_TYPE_JWT;
    else
        return enroll_error_set(ret_error, ENROLL_USAGE, "use user or jwt", "unknown token type '%s'", name);
    return ENROLL_OK;
}

static enum enroll_exit token(struct flow *flow)
{
    char host[URL_HOST_MAX] = "";
    const char *address = mail_address(flow);
    struct credential_request request = {
        .kinds = kinds_accepted(flow->discovery.auth_policy),
        .user = *address != '\0' ? address : NULL,
        .sign_in_url = flow->discovery.authentication_url,
        .host = host,
        .client = flow->options->client,
        .note = note_forward,
        .warn = warning_forward,
        .note_context = flow,
    };
    const char *user;
    enum enroll_exit status;

    flow_step(flow, STEP_TOKEN, "Getting a security token");
    if (!url_host(flow->discovery.enrollment_url, host))
        host[0] = '\0';
    request.host_was_typed = flow_host_typed(flow, host);
    status = token_type_find(flow->options->token_type, &flow->token_type, flow->error);
    if (status == ENROLL_OK)
        status = credential_obtain(flow->options->auth, &request, &flow->credential, flow->error);
    if (status != ENROLL_OK)
        return status;
    user = flow->credential.username != NULL ? flow->credential.username : request.user;
    if (user != NULL && (flow->result->user = strdup(user)) == NULL)
        return enroll_error_memory(flow->error);
    flow_tell(flow, PROGRESS_DONE, "credential ready (%s)", credential_source_name(flow->credential.source));
    return ENROLL_OK;
}

/* wsse:Security for what was obtained. A certificate's DER is made into *ret_der, to be OPENSSL_free()d. */
static struct soap_security security_make(const struct credential *credential, const char *token_type,
                                          unsigned char **ret_der)
{
    int size;

    *ret_der = NULL;
    switch (credential->kind) {
    case CREDENTIAL_PASSWORD:
        return (struct soap_security){
            .kind = SECURITY_USER, .username = credential->username, .password = credential->password};
    case CREDENTIAL_CERTIFICATE:
        size = i2d_X509(credential->certificate, ret_der);
        return (struct soap_security){.kind = SECURITY_CERTIFICATE,
                                      .value_type = VALUE_TYPE_X509,
                                      .token = *ret_der,
                                      .token_size = size > 0 ? (size_t)size : 0};
    case CREDENTIAL_TOKEN:
        break;
    }
    return (struct soap_security){.kind = SECURITY_TOKEN,
                                  .value_type = token_type,
                                  .token = (const uint8_t *)credential->token,
                                  .token_size = strlen(credential->token)};
}

/* ---- 4: GetPolicies ---- */

static enum enroll_exit policies_write(const struct flow *flow, const struct flow_message *message,
                                       const char *id, const char *url, struct xml_text *text)
{
    bool facts = flow->options->profile->send_tpm_facts;

    policies_request_write(text, id, url, message->security, facts ? flow->options->tpm_manufacturer : NULL,
                           facts ? flow->options->tpm_firmware : NULL);
    return ENROLL_OK;
}

enum enroll_exit flow_policies_ask(struct flow *flow, struct flow_message *message)
{
    struct soap_reply reply = {0};
    enum enroll_exit status;

    message->answer_action = "/IPolicy/GetPoliciesResponse";
    message->name = "GetPolicies";
    message->url = flow->discovery.policy_url;
    message->write = policies_write;
    status = flow_message_exchange(flow, message, &reply, NULL);
    if (status != ENROLL_OK)
        return status;
    certificate_requirements_free(&flow->result->requirements);
    status = policies_response_parse(&reply, &flow->result->requirements, flow->error);
    soap_reply_clear(&reply);
    return status;
}

static void requirements_tell(const struct flow *flow)
{
    const struct certificate_requirements *wanted = &flow->result->requirements;
    static const char *const hashes[] = {
        [TPM_HASH_SHA256] = "SHA-256", [TPM_HASH_SHA384] = "SHA-384", [TPM_HASH_SHA512] = "SHA-512"};

    for (size_t i = 0; i < wanted->warning_count; i++)
        flow_tell(flow, PROGRESS_WARNING, "%s", wanted->warnings[i]);
    flow_tell(flow, PROGRESS_DONE, "%s %u or more, %s%s%s", wanted->key_type == TPM_KEY_RSA ? "RSA" : "EC",
              wanted->minimum_bits, hashes[wanted->hash], wanted->policy_name != NULL ? ", policy " : "",
              wanted->policy_name != NULL ? wanted->policy_name : "");
}

static enum enroll_exit policies(struct flow *flow)
{
    unsigned char *der = NULL;
    const struct soap_security security = security_make(&flow->credential, flow->token_type, &der);
    struct flow_message message = {.security = &security};
    enum enroll_exit status = ENROLL_OK;

    flow_step(flow, STEP_POLICY, "Asking for the certificate policy");
    if (flow->discovery.policy_url == NULL)
        flow_tell(flow, PROGRESS_WARNING, "the server has no policy service; the defaults are used");
    else
        status = flow_policies_ask(flow, &message);
    OPENSSL_free(der);
    if (status == ENROLL_OK)
        requirements_tell(flow);
    return status;
}

/* ---- 5: RequestSecurityToken ---- */

/*
 * The document came over TLS from the server that issues the certificate, and may send renewals elsewhere:
 * that host can do no more than the server itself. But from now on it is spoken to with the device's
 * identity, so it is named, and where it seems to be somebody else's, with a warning.
 */
static void renewal_host_tell(const struct flow *flow, const char *renew_url)
{
    const char *enrollment_url = flow->result->enrollment_url;
    char host[URL_HOST_MAX], enrollment_host[URL_HOST_MAX];

    /* At a renewal it is one that was accepted at enrolment. */
    if (flow->only_hosts != NULL || !url_host(renew_url, host) ||
        !url_host(enrollment_url, enrollment_host) || strcmp(host, enrollment_host) == 0)
        return;
    if (url_same_domain(renew_url, enrollment_url))
        flow_tell(flow, PROGRESS_NOTE, "renewals will go to %s, as the server says", host);
    else
        flow_tell(flow, PROGRESS_WARNING,
                  "renewals will go to %s, as the server says: that is in another domain than %s", host,
                  enrollment_host);
}

/* An address that would be refused when it is needed is not kept: a renewal then discovers its own. */
static void renewal_address_check(struct flow *flow)
{
    struct provisioning_document *document = flow->result->document;

    if (document->renew_url == NULL)
        return;
    if (flow_url_check(flow, "address for renewals", document->renew_url) == ENROLL_OK) {
        renewal_host_tell(flow, document->renew_url);
        return;
    }
    flow_tell(flow, PROGRESS_WARNING, "%s", flow->error->message);
    *flow->error = (struct enroll_error){0};
    free(document->renew_url);
    document->renew_url = NULL;
}

static enum enroll_exit response_take(struct flow *flow, struct token_response *response)
{
    enum enroll_exit status = ENROLL_OK;

    flow->result->pending = response->pending;
    flow->result->request_id = response->request_id;
    flow->result->disposition = response->disposition;
    response->request_id = NULL;
    response->disposition = NULL;
    if (!response->pending)
        status = provisioning_document_parse(response->document, response->document_size,
                                             &flow->result->document, flow->error);
    if (status == ENROLL_OK && !response->pending)
        renewal_address_check(flow);
    return status;
}

static enum enroll_exit token_write(const struct flow *flow, const struct flow_message *message,
                                    const char *id, const char *url, struct xml_text *text)
{
    token_request_write(text, id, url, message->security, message->request);
    if (message->security->kind == SECURITY_CERTIFICATE)
        return xml_signature_add(text, flow->credential.key, flow->error);
    return ENROLL_OK;
}

enum enroll_exit flow_token_ask(struct flow *flow, struct flow_message *message)
{
    struct soap_reply reply = {0};
    struct token_response response = {0};
    enum enroll_exit status;

    message->answer_action = "/RSTRC/wstep";
    message->name = "RequestSecurityToken";
    message->write = token_write;
    status = flow_message_exchange(flow, message, &reply, NULL);
    if (status != ENROLL_OK)
        return status;
    status = token_response_parse(&reply, &response, flow->error);
    soap_reply_clear(&reply);
    if (status == ENROLL_OK)
        status = response_take(flow, &response);
    token_response_clear(&response);
    return status;
}

void flow_document_tell(const struct flow *flow)
{
    const struct flow_result *result = flow->result;

    if (result->pending) {
        flow_tell(flow, PROGRESS_DONE, "the server decides later: request %s%s%s", result->request_id,
                  result->disposition != NULL ? ", " : "",
                  result->disposition != NULL ? result->disposition : "");
        return;
    }
    for (size_t i = 0; i < result->document->warning_count; i++)
        flow_tell(flow, PROGRESS_WARNING, "%s", result->document->warnings[i]);
    flow_tell(flow, PROGRESS_DONE, "%zu certificates received", result->document->received.count);
}

void flow_timestamp_write(struct soap_security *security, char ret_created[32], char ret_expires[32])
{
    time_t now = time(NULL), end = now + 300;
    struct tm tm;

    strftime(ret_created, 32, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&now, &tm));
    strftime(ret_expires, 32, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&end, &tm));
    security->created = ret_created;
    security->expires = ret_expires;
}

/* The credential once more, for RequestSecurityToken. */
static enum enroll_exit token_send(struct flow *flow, const struct token_request *request)
{
    char created[32], expires[32];
    unsigned char *der = NULL;
    struct soap_security security = security_make(&flow->credential, flow->token_type, &der);
    struct flow_message message = {
        .url = flow->discovery.enrollment_url, .security = &security, .request = request};
    enum enroll_exit status;

    /* MS-MDE2 3.4.4.1.1: here the certificate goes by the type of a token, beside a timestamp, and the
     * message is signed. */
    if (security.kind == SECURITY_CERTIFICATE) {
        security.value_type = VALUE_TYPE_USER_TOKEN;
        flow_timestamp_write(&security, created, expires);
    }
    status = flow_token_ask(flow, &message);
    OPENSSL_free(der);
    if (status == ENROLL_OK)
        flow_document_tell(flow);
    return status;
}

static enum enroll_exit request(struct flow *flow)
{
    struct token_request ask = {
        .type = TOKEN_REQUEST_ISSUE, .value_type = VALUE_TYPE_PKCS10, .items = &flow->items};
    uint8_t *der = NULL;
    enum enroll_exit status;

    flow_step(flow, STEP_ENROL, "Making the key and asking for its certificate");
    status = flow->callbacks->make_request(flow->callbacks->context, &flow->result->requirements, &der,
                                           &ask.request_size, flow->error);
    if (status != ENROLL_OK)
        return status;
    ask.request = der;
    status = token_send(flow, &ask);
    free(der);
    return status;
}

static enum enroll_exit query(struct flow *flow, const struct flow_pending *pending)
{
    const struct token_request ask = {
        .type = TOKEN_REQUEST_QUERY, .request_id = pending->request_id, .items = &flow->items};

    flow_step(flow, STEP_ENROL, "Asking for the decision on request %s", pending->request_id);
    if (!url_same_host(pending->enrollment_url, flow->discovery.enrollment_url))
        return enroll_error_set(
            flow->error, ENROLL_UNSAFE, "enrol again: intune-enroll enroll --replace",
            "the server's enrolment service has moved to another host since the request was made");
    return token_send(flow, &ask);
}

/* ---- the whole ---- */

void flow_begin(struct flow *flow, const struct flow_options *options, const struct flow_callbacks *callbacks,
                struct flow_result *result, struct enroll_error *error)
{
    *result = (struct flow_result){0};
    certificate_requirements_default(&result->requirements);
    *flow = (struct flow){.options = options, .callbacks = callbacks, .error = error, .result = result};
    for (enum context_item item = 0; item < CONTEXT_ITEM_COUNT; item++)
        flow->items.values[item] = options->profile->values[item];
    flow->offer = (struct discover_request){
        .address = mail_address(flow),
        .request_version =
            options->request_version != NULL ? options->request_version : REQUEST_VERSION_DEFAULT,
        .items = &flow->items,
    };
    /* MS-MDE2 wants it from EnrollmentVersion 5.0 on; there are servers that want it always, and none that
     * minds it. */
    if (flow->items.values[ITEM_REQUEST_VERSION] == NULL)
        flow->items.values[ITEM_REQUEST_VERSION] = flow->offer.request_version;
    if (options->auth != NULL) {
        unsigned kinds = credential_kinds_offered(options->auth);

        flow->offer.on_premise = (kinds & CREDENTIAL_PASSWORD) != 0;
        flow->offer.federated = (kinds & CREDENTIAL_TOKEN) != 0;
        flow->offer.certificate = (kinds & CREDENTIAL_CERTIFICATE) != 0;
    }
}

/* Servers repeat what they were sent: as it was, and in the base64 of the message. */
static void secrets_cut(const struct credential *credential, struct enroll_error *error)
{
    size_t size = credential->token != NULL ? strlen(credential->token) : 0;
    char *base64 = size > 0 ? malloc(4 * ((size + 2) / 3) + 1) : NULL;

    enroll_error_secret_cut(error, credential->token);
    enroll_error_secret_cut(error, credential->password);
    if (base64 == NULL)
        return;
    EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)credential->token, (int)size);
    enroll_error_secret_cut(error, base64);
    OPENSSL_cleanse(base64, strlen(base64));
    free(base64);
}

enum enroll_exit flow_end(struct flow *flow, enum enroll_exit status)
{
    if (status != ENROLL_OK)
        secrets_cut(&flow->credential, flow->error);
    credential_free(&flow->credential);
    discovery_clear(&flow->discovery);
    if (status == ENROLL_OK)
        return ENROLL_OK;
    flow->error->step = flow->step;
    flow_tell(flow, PROGRESS_FAILED, "%s", flow->error->message);
    flow_result_free(flow->result);
    return status;
}

/* The first three steps. */
static enum enroll_exit sign_in(struct flow *flow)
{
    enum enroll_exit status = resolve(flow);

    if (status == ENROLL_OK)
        status = flow_step_discover(flow);
    if (status == ENROLL_OK)
        status = token(flow);
    return status;
}

enum enroll_exit flow_enroll(const struct flow_options *options, const struct flow_callbacks *callbacks,
                             struct flow_result *ret_result, struct enroll_error *ret_error)
{
    struct flow flow;
    enum enroll_exit status;

    flow_begin(&flow, options, callbacks, ret_result, ret_error);
    status = sign_in(&flow);
    if (status == ENROLL_OK)
        status = policies(&flow);
    if (status == ENROLL_OK && !options->stop_after_policy)
        status = request(&flow);
    return flow_end(&flow, status);
}

enum enroll_exit flow_resume(const struct flow_options *options, const struct flow_pending *pending,
                             const struct flow_callbacks *callbacks, struct flow_result *ret_result,
                             struct enroll_error *ret_error)
{
    struct flow flow;
    enum enroll_exit status;

    flow_begin(&flow, options, callbacks, ret_result, ret_error);
    status = sign_in(&flow);
    if (status == ENROLL_OK)
        status = query(&flow, pending);
    return flow_end(&flow, status);
}

void flow_result_free(struct flow_result *result)
{
    free(result->discovery_url);
    free(result->policy_url);
    free(result->enrollment_url);
    free(result->user);
    free(result->auth_policy);
    free(result->enrollment_version);
    free(result->request_id);
    free(result->disposition);
    certificate_requirements_free(&result->requirements);
    provisioning_document_free(result->document);
    *result = (struct flow_result){0};
}
