/* What came of it, as pairs of words for the page: the policy and the certificate, decoded. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "trace_events.h"

static void pair_add(char *pairs[16][2], size_t *count, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void pair_add(char *pairs[16][2], size_t *count, const char *what, const char *format, ...)
{
    va_list arguments;
    char *value = NULL;

    va_start(arguments, format);
    if (vasprintf(&value, format, arguments) < 0)
        value = NULL;
    va_end(arguments);
    if (value == NULL || *count == 16) {
        free(value);
        return;
    }
    pairs[*count][0] = strdup(what);
    pairs[*count][1] = value;
    if (pairs[*count][0] != NULL)
        (*count)++;
    else
        free(value);
}

static void pair_add_text(char *pairs[16][2], size_t *count, const char *what, const char *value)
{
    if (value != NULL)
        pair_add(pairs, count, what, "%s", value);
}

static void facts_fill(struct trace_outcome *outcome, const struct protocol *protocol,
                       const struct record *record)
{
    const struct protocol_fact *fact = protocol != NULL ? protocol->facts : NULL;
    const char *request = record_get(record, RECORD_REQUEST_ID),
               *disposition = record_get(record, RECORD_DISPOSITION);
    for (; fact != NULL && fact->section != NULL; fact++)
        pair_add_text(outcome->facts, &outcome->fact_count, fact->title,
                      record_get(record, fact->section, fact->key));
    pair_add_text(outcome->facts, &outcome->fact_count, "User", record_get(record, RECORD_USER));
    if (request != NULL)
        pair_add(outcome->facts, &outcome->fact_count, "Pending", "request %s%s%s", request,
                 disposition != NULL ? ": " : "", disposition != NULL ? disposition : "");
    if (record_get(record, RECORD_PERIOD) != NULL)
        pair_add(outcome->facts, &outcome->fact_count, "Renewal",
                 "%s days before the end, again every %s days", record_get(record, RECORD_PERIOD),
                 record_get(record, RECORD_RETRY));
}

static void policy_fill(struct trace_outcome *outcome, const struct certificate_requirements *wanted)
{
    static const char *const hashes[] = {[TPM_HASH_NONE] = "none",
                                         [TPM_HASH_SHA1] = "SHA-1",
                                         [TPM_HASH_SHA256] = "SHA-256",
                                         [TPM_HASH_SHA384] = "SHA-384",
                                         [TPM_HASH_SHA512] = "SHA-512"};

    pair_add(outcome->policy, &outcome->policy_count, "Source", "%s",
             wanted->from_policy ? "the server's policy" : "the defaults; the server gave no policy");
    pair_add_text(outcome->policy, &outcome->policy_count, "Name", wanted->policy_name);
    pair_add_text(outcome->policy, &outcome->policy_count, "Id", wanted->policy_id);
    pair_add(outcome->policy, &outcome->policy_count, "Key", "%s, %u bits or more",
             wanted->key_type == TPM_KEY_EC ? "elliptic curve" : "RSA", wanted->minimum_bits);
    pair_add(outcome->policy, &outcome->policy_count, "Hash", "%s", hashes[wanted->hash]);
    if (wanted->validity_seconds != 0)
        pair_add(outcome->policy, &outcome->policy_count, "Validity", "%llu days",
                 (unsigned long long)(wanted->validity_seconds / 86400));
    for (size_t i = 0; i < wanted->extension_count; i++)
        pair_add(outcome->policy, &outcome->policy_count, "Extension", "%s%s", wanted->extensions[i].oid,
                 wanted->extensions[i].critical ? ", critical" : "");
}

static char *bio_text(BIO *bio)
{
    char *data = NULL;
    long size = BIO_get_mem_data(bio, &data);
    char *text = size > 0 ? malloc((size_t)size + 1) : NULL;

    if (text != NULL) {
        memcpy(text, data, (size_t)size);
        text[size] = '\0';
    }
    BIO_free(bio);
    return text;
}

static void name_add(struct trace_outcome *outcome, const char *what, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
        text = bio_text(bio);
    else
        BIO_free(bio);
    pair_add_text(outcome->certificate, &outcome->certificate_count, what, text);
    free(text);
}

static void time_add(struct trace_outcome *outcome, const char *what, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;

    if (bio != NULL && ASN1_TIME_print(bio, time) == 1)
        text = bio_text(bio);
    else
        BIO_free(bio);
    pair_add_text(outcome->certificate, &outcome->certificate_count, what, text);
    free(text);
}

static void certificate_fill(struct trace_outcome *outcome, const unsigned char *der, size_t size)
{
    X509 *certificate = d2i_X509(NULL, &der, (long)size);
    const EVP_PKEY *key = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    unsigned char hash[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned hash_size = 0;

    if (certificate == NULL) {
        ERR_clear_error();
        return;
    }
    name_add(outcome, "Subject", X509_get_subject_name(certificate));
    name_add(outcome, "Issuer", X509_get_issuer_name(certificate));
    time_add(outcome, "Valid from", X509_get0_notBefore(certificate));
    time_add(outcome, "Valid until", X509_get0_notAfter(certificate));
    if (key != NULL)
        pair_add(outcome->certificate, &outcome->certificate_count, "Key", "%s %d",
                 EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? "EC" : "RSA", EVP_PKEY_get_bits(key));
    if (X509_digest(certificate, EVP_sha256(), hash, &hash_size) == 1)
        for (unsigned i = 0; i < hash_size; i++)
            snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    pair_add_text(outcome->certificate, &outcome->certificate_count, "SHA-256", hex);
    X509_free(certificate);
}

void trace_outcome_fill(struct trace_outcome *outcome, const struct protocol *protocol,
                        const struct attempt_outcome *attempt, const struct enroll_error *error)
{
    trace_outcome_clear(outcome);
    outcome->known = true;
    if (error == NULL && attempt != NULL) {
        const struct token_generation *generation = attempt->now.generation;
        facts_fill(outcome, protocol, &attempt->now.record);
        if (attempt->described)
            policy_fill(outcome, &attempt->requirements);
        if (generation != NULL && generation->has_certificate)
            certificate_fill(outcome, generation->certificate.value.data, generation->certificate.value.size);
    }
    if (error == NULL)
        return;
    outcome->failure = strdup(error->message);
    outcome->advice = *error->advice != '\0' ? strdup(error->advice) : NULL;
    if (error->hresult != 0)
        pair_add(outcome->facts, &outcome->fact_count, "HRESULT", "0x%08x", error->hresult);
    if (*error->server_text != '\0')
        pair_add_text(outcome->facts, &outcome->fact_count, "The server's words", error->server_text);
    if (*error->trace_id != '\0')
        pair_add_text(outcome->facts, &outcome->fact_count, "Trace id", error->trace_id);
    if (*error->activity_id != '\0')
        pair_add_text(outcome->facts, &outcome->fact_count, "Activity id", error->activity_id);
}

static void pairs_clear(char *pairs[16][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i][0]);
        free(pairs[i][1]);
    }
}

void trace_outcome_clear(struct trace_outcome *outcome)
{
    pairs_clear(outcome->facts, outcome->fact_count);
    pairs_clear(outcome->policy, outcome->policy_count);
    pairs_clear(outcome->certificate, outcome->certificate_count);
    free(outcome->failure);
    free(outcome->advice);
    *outcome = (struct trace_outcome){0};
}
