/*
 * Renewal (MS-MDE2 3.5): the same steps without a person. The present key signs the request for the new one
 * and proves itself in TLS; only hosts that were accepted at enrolment are spoken to.
 */
#include "flow_renewal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "pkcs7.h"

/* The present certificate, decoded. */
struct present {
    X509 *certificate;
    STACK_OF(X509) * chain;
};

static X509 *certificate_decode(const uint8_t *der, size_t size)
{
    const unsigned char *at = der;

    return d2i_X509(NULL, &at, (long)size);
}

static void present_clear(struct present *present)
{
    X509_free(present->certificate);
    sk_X509_pop_free(present->chain, X509_free);
    *present = (struct present){0};
}

static enum enroll_exit present_read(const struct flow_renewal *renewal, struct present *ret_present,
                                     struct enroll_error *ret_error)
{
    struct present present = {.certificate =
                                  certificate_decode(renewal->certificate, renewal->certificate_size),
                              .chain = sk_X509_new_null()};
    bool good = present.certificate != NULL && present.chain != NULL;

    for (size_t i = 0; good && i < renewal->chain_count; i++) {
        X509 *issuer = certificate_decode(renewal->chain[i], renewal->chain_sizes[i]);

        good = issuer != NULL && sk_X509_push(present.chain, issuer) > 0;
        if (!good)
            X509_free(issuer);
    }
    if (!good) {
        present_clear(&present);
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY,
                                "check the token with intune-enroll verify",
                                "the present certificate cannot be read");
    }
    *ret_present = present;
    return ENROLL_OK;
}

static struct soap_security security_make(const struct flow_renewal *renewal)
{
    struct soap_security security = {.kind = SECURITY_NONE};

    /* MS-MDE2 has a UsernameToken without a password; TLS client authentication is what counts. */
    if (renewal->user != NULL) {
        security.kind = SECURITY_USER;
        security.username = renewal->user;
        security.password = "";
    }
    return security;
}

/* OpenSSL and libcurl say only that a handshake failed; the key knows why. */
static enum enroll_exit key_error(struct flow *flow, const struct signing_key *key)
{
    return enroll_error_set(flow->error, ENROLL_TPM,
                            "check the key with intune-enroll verify; the present certificate stays",
                            "the present key did not sign: %s", signing_key_failure(key));
}

/*
 * A server need not give a policy to a certificate. When it does not, what the present key is remains the
 * blueprint, and the requirements say so with from_policy false.
 */
static enum enroll_exit policies(struct flow *flow, const struct flow_renewal *renewal,
                                 const struct present *present)
{
    struct soap_security security = security_make(renewal);
    struct flow_message message = {
        .security = &security, .client_certificate = present->certificate, .client_chain = present->chain};
    char created[32], expires[32];
    enum enroll_exit status;

    flow_step(flow, STEP_POLICY, "Asking for the certificate policy");
    if (flow->discovery.policy_url == NULL) {
        flow_tell(flow, PROGRESS_DONE, "the server has no policy service; the key stays of the same kind");
        return ENROLL_OK;
    }
    message.client_key = signing_key_pkey(renewal->key);
    flow_timestamp_write(&security, created, expires);
    status = flow_policies_ask(flow, &message);
    if (signing_key_failure(renewal->key) != NULL)
        return key_error(flow, renewal->key);
    if (status == ENROLL_AUTHENTICATION || status == ENROLL_REFUSED || status == ENROLL_PROTOCOL) {
        flow_tell(flow, PROGRESS_WARNING, "%s", flow->error->message);
        flow_tell(flow, PROGRESS_DONE, "no policy for a renewal; the key stays of the same kind");
        return ENROLL_OK;
    }
    if (status == ENROLL_OK)
        flow_tell(flow, PROGRESS_DONE, "%u bits or more", flow->result->requirements.minimum_bits);
    return status;
}

/* The target: ServerURL of the provisioning document, or the enrolment service of a fresh Discover.
 * MS-MDE2 2.2.9.2. */
static const char *target(const struct flow *flow, const struct flow_renewal *renewal)
{
    return renewal->renew_url != NULL ? renewal->renew_url : flow->result->enrollment_url;
}

static enum enroll_exit target_check(struct flow *flow, const struct flow_renewal *renewal)
{
    return flow_url_check(flow, "address for renewals", target(flow, renewal));
}

static enum enroll_exit renew_send(struct flow *flow, const struct flow_renewal *renewal,
                                   const struct present *present, EVP_PKEY *key, struct token_request *ask)
{
    struct soap_security security = security_make(renewal);
    struct flow_message message = {.url = target(flow, renewal),
                                   .security = &security,
                                   .request = ask,
                                   .client_key = key,
                                   .client_certificate = present->certificate,
                                   .client_chain = present->chain};
    char created[32], expires[32];
    enum enroll_exit status;

    flow_timestamp_write(&security, created, expires);
    ask->value_type = VALUE_TYPE_PKCS7;
    status = flow_token_ask(flow, &message);
    if (status != ENROLL_OK && flow->error->hresult == HRESULT_MESSAGE_FORMAT) {
        flow_tell(flow, PROGRESS_NOTE,
                  "the server did not understand; asking once more as MDE version 1 did");
        ask->value_type = VALUE_TYPE_PKCS7_MDE1;
        status = flow_token_ask(flow, &message);
    }
    if (status != ENROLL_OK && flow->error->hresult == HRESULT_MESSAGE_FORMAT) {
        flow->error->exit_status = status = ENROLL_CANNOT_RENEW;
        snprintf(flow->error->advice, sizeof(flow->error->advice),
                 "this server may know no renewal; enrol again: intune-enroll enroll --replace");
    }
    /* Servers that have no renewal at all answer with a general fault, some of them in HTTP 200. */
    if (status == ENROLL_REFUSED &&
        (flow->error->hresult == HRESULT_INTERNAL_SERVICE || flow->error->hresult == HRESULT_UNKNOWN))
        snprintf(
            flow->error->advice, sizeof(flow->error->advice),
            "try again later; if the server knows no renewal, enrol again: intune-enroll enroll --replace");
    return status;
}

static enum enroll_exit request(struct flow *flow, const struct flow_renewal *renewal,
                                const struct present *present)
{
    struct token_request ask = {.type = TOKEN_REQUEST_RENEW, .items = &flow->items};
    uint8_t *pkcs10 = NULL, *pkcs7 = NULL;
    size_t pkcs10_size = 0;
    enum enroll_exit status;

    flow_step(flow, STEP_ENROL, "Making a new key and asking for its certificate");
    status = flow->callbacks->make_request(flow->callbacks->context, &flow->result->requirements, &pkcs10,
                                           &pkcs10_size, flow->error);
    if (status == ENROLL_OK)
        status = pkcs7_renewal_sign(pkcs10, pkcs10_size, present->certificate, signing_key_pkey(renewal->key),
                                    &pkcs7, &ask.request_size, flow->error);
    if (status == ENROLL_OK) {
        ask.request = pkcs7;
        status = renew_send(flow, renewal, present, signing_key_pkey(renewal->key), &ask);
    }
    if (status == ENROLL_OK)
        flow_document_tell(flow);
    else if (signing_key_failure(renewal->key) != NULL)
        status = key_error(flow, renewal->key);
    free(pkcs7);
    free(pkcs10);
    return status;
}

/* The discovery address of the enrolment, no search. */
static enum enroll_exit resolve(struct flow *flow)
{
    flow->result->discovery_url = strdup(flow->options->discovery_url);
    flow->result->user = *flow->offer.address != '\0' ? strdup(flow->offer.address) : NULL;
    if (flow->result->discovery_url == NULL)
        return enroll_error_memory(flow->error);
    return flow_url_check(flow, "discovery address", flow->result->discovery_url);
}

enum enroll_exit flow_renew(const struct flow_options *options, const struct flow_renewal *renewal,
                            const struct flow_callbacks *callbacks, struct flow_result *ret_result,
                            struct enroll_error *ret_error)
{
    static const char *const no_hosts[] = {NULL};
    struct present present = {0};
    struct flow flow;
    enum enroll_exit status;

    flow_begin(&flow, options, callbacks, ret_result, ret_error);
    flow.only_hosts = renewal->accepted_hosts != NULL ? renewal->accepted_hosts : no_hosts;
    flow.offer.address = renewal->user != NULL ? renewal->user : "";
    flow.offer.on_premise = flow.offer.federated = flow.offer.certificate = true;
    status = present_read(renewal, &present, ret_error);
    if (status == ENROLL_OK)
        status = resolve(&flow);
    if (status == ENROLL_OK)
        status = flow_step_discover(&flow);
    if (status == ENROLL_OK)
        status = target_check(&flow, renewal);
    if (status == ENROLL_OK)
        status = policies(&flow, renewal, &present);
    if (status == ENROLL_OK)
        status = request(&flow, renewal, &present);
    present_clear(&present);
    return flow_end(&flow, status);
}
