#include "issued_certificate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* A server's clock may be ahead of ours by this much. */
#define CLOCK_SKEW 300

/* What came, decoded; NULL where it is not X.509. Same indices. */
struct decoded {
    X509 *certificates[RECEIVED_CERTIFICATES_MAX];
};

static X509 *certificate_decode(const struct received_certificate *certificate)
{
    const unsigned char *end = certificate->der;
    X509 *x509 = d2i_X509(NULL, &end, (long)certificate->size);

    if (x509 != NULL && end != certificate->der + certificate->size) {
        X509_free(x509);
        x509 = NULL;
    }
    return x509;
}

static bool key_is(X509 *certificate, const EVP_PKEY *key)
{
    const EVP_PKEY *own = X509_get0_pubkey(certificate);

    return own != NULL && EVP_PKEY_eq(own, key) == 1;
}

static bool time_read(const ASN1_TIME *value, time_t *ret_time)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(value, &tm) != 1)
        return false;
    *ret_time = timegm(&tm);
    return true;
}

static bool is_authority(X509 *certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_CA) != 0 ||
           ((X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) != 0 &&
            (X509_get_key_usage(certificate) & X509v3_KU_KEY_CERT_SIGN) != 0);
}

/* What no application could show to a server: extended key usages without client authentication among them.
 */
static bool is_for_clients(X509 *certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE) == 0 ||
           (X509_get_extended_key_usage(certificate) & (XKU_SSL_CLIENT | XKU_ANYEKU)) != 0;
}

static bool may_sign(X509 *certificate)
{
    return (X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) == 0 ||
           (X509_get_key_usage(certificate) & X509v3_KU_DIGITAL_SIGNATURE) != 0;
}

/* Exactly one certificate is for our key. */
static enum enroll_exit own_find(const struct received_certificates *received, const struct decoded *decoded,
                                 const EVP_PKEY *key, size_t *ret_index, struct enroll_error *ret_error)
{
    size_t matches = 0, mine = 0, index = 0;

    for (size_t i = 0; i < received->count; i++) {
        if (received->list[i].role != RECEIVED_DEVICE)
            continue;
        mine++;
        if (decoded->certificates[i] == NULL || !key_is(decoded->certificates[i], key))
            continue;
        matches++;
        index = i;
    }
    if (matches == 1) {
        *ret_index = index;
        return ENROLL_OK;
    }
    if (matches > 1)
        return enroll_error_set(ret_error, ENROLL_CERTIFICATE, "tell the server's administrator",
                                "the server sent %zu different certificates for this device's key", matches);
    return enroll_error_set(ret_error, ENROLL_CERTIFICATE, "tell the server's administrator",
                            mine == 0 ? "the server sent no certificate for this device"
                                      : "the server sent a certificate for another key than this device's");
}

static enum enroll_exit own_check(X509 *certificate, time_t now, struct issued_certificate *ret_issued,
                                  struct enroll_error *ret_error)
{
    time_t from, to;
    const char *fault = NULL;
    const char *advice = "tell the server's administrator";

    if (!time_read(X509_get0_notBefore(certificate), &from) ||
        !time_read(X509_get0_notAfter(certificate), &to)) {
        fault = "has no readable validity";
    } else if (is_authority(certificate)) {
        fault = "is that of a certification authority";
    } else if (!is_for_clients(certificate)) {
        fault = "is not for client authentication";
    } else if (!may_sign(certificate)) {
        fault = "is not for signatures (its key usage lacks digitalSignature)";
    } else if (to < now) {
        fault = "has expired already";
        advice = "check this machine's clock, then tell the server's administrator";
    } else if (from > now + CLOCK_SKEW) {
        fault = "is not valid yet";
        advice = "check this machine's clock, then tell the server's administrator";
    }
    if (fault != NULL)
        return enroll_error_set(ret_error, ENROLL_CERTIFICATE, advice, "the certificate that was issued %s",
                                fault);
    ret_issued->not_before = from;
    ret_issued->not_after = to;
    return ENROLL_OK;
}

/*
 * As a server would look at it that trusts the highest authority that came (RFC 5280, 6.1): unknown critical
 * extensions, name constraints, path lengths, usages. Without any authority the certificate is looked at
 * alone.
 */
static enum enroll_exit usage_verify(const struct decoded *decoded, size_t own, const size_t *chain,
                                     size_t chain_count, time_t now, time_t not_before,
                                     struct enroll_error *ret_error)
{
    X509 *highest = decoded->certificates[chain_count > 0 ? chain[chain_count - 1] : own];
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    bool prepared =
        store != NULL && context != NULL && between != NULL && X509_STORE_add_cert(store, highest) == 1;
    int reason = X509_V_OK;

    for (size_t i = 0; prepared && i + 1 < chain_count; i++)
        prepared = sk_X509_push(between, decoded->certificates[chain[i]]) > 0;
    prepared = prepared && X509_STORE_CTX_init(context, store, decoded->certificates[own], between) == 1;
    if (prepared) {
        X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
        X509_VERIFY_PARAM_set_time(parameters, now > not_before ? now : not_before);
        if (X509_verify_cert(context) != 1)
            reason = X509_STORE_CTX_get_error(context);
    }
    sk_X509_free(between);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    if (!prepared)
        return enroll_error_memory(ret_error);
    if (reason != X509_V_OK)
        return enroll_error_set(ret_error, ENROLL_CERTIFICATE, "tell the server's administrator",
                                "no server would take the certificate that was issued: %s",
                                X509_verify_cert_error_string(reason));
    return ENROLL_OK;
}

/* The index of the certificate that issued `certificate`, by name and signature; certificate_count if none
 * did. */
static size_t issuer_find(const struct received_certificates *received, const struct decoded *decoded,
                          X509 *certificate, const bool *used)
{
    for (size_t i = 0; i < received->count; i++) {
        X509 *candidate = decoded->certificates[i];

        if (used[i] || candidate == NULL || X509_check_ca(candidate) == 0)
            continue;
        if (X509_check_issued(candidate, certificate) == X509_V_OK &&
            X509_verify(certificate, X509_get0_pubkey(candidate)) == 1)
            return i;
    }
    return received->count;
}

static bool has_authorities(const struct received_certificates *received)
{
    for (size_t i = 0; i < received->count; i++)
        if (received->list[i].role != RECEIVED_DEVICE)
            return true;
    return false;
}

static enum enroll_exit chain_build(const struct received_certificates *received,
                                    const struct decoded *decoded, size_t own, time_t now,
                                    struct issued_certificate *ret_issued, struct enroll_error *ret_error)
{
    bool used[RECEIVED_CERTIFICATES_MAX] = {false};
    size_t at = own, indices[ISSUED_CHAIN_MAX];
    time_t end;

    used[own] = true;
    ret_issued->chain_count = 0;
    while (ret_issued->chain_count < ISSUED_CHAIN_MAX) {
        at = issuer_find(received, decoded, decoded->certificates[at], used);
        if (at == received->count)
            break;
        if (!time_read(X509_get0_notAfter(decoded->certificates[at]), &end) || end < now)
            return enroll_error_set(ret_error, ENROLL_CERTIFICATE, "tell the server's administrator",
                                    "the certification authority that issued the certificate has expired");
        used[at] = true;
        indices[ret_issued->chain_count] = at;
        ret_issued->chain[ret_issued->chain_count++] = &received->list[at];
    }
    if (ret_issued->chain_count == 0 && has_authorities(received))
        return enroll_error_set(
            ret_error, ENROLL_CERTIFICATE, "tell the server's administrator",
            "the certificate was issued by none of the certification authorities that the server sent");
    return usage_verify(decoded, own, indices, ret_issued->chain_count, now, ret_issued->not_before,
                        ret_error);
}

enum enroll_exit issued_certificate_choose(const struct received_certificates *received,
                                           const uint8_t *public_key_info, size_t public_key_info_size,
                                           time_t now, struct issued_certificate *ret_issued,
                                           struct enroll_error *ret_error)
{
    const unsigned char *end = public_key_info;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &end, (long)public_key_info_size);
    struct decoded decoded = {{NULL}};
    struct issued_certificate issued = {0};
    enum enroll_exit status;
    size_t own = 0;

    if (key == NULL)
        return enroll_error_set(ret_error, ENROLL_FAILED, NULL,
                                "this device's own public key cannot be read");
    for (size_t i = 0; i < received->count; i++)
        decoded.certificates[i] = certificate_decode(&received->list[i]);
    status = own_find(received, &decoded, key, &own, ret_error);
    if (status == ENROLL_OK)
        status = own_check(decoded.certificates[own], now, &issued, ret_error);
    if (status == ENROLL_OK)
        status = chain_build(received, &decoded, own, now, &issued, ret_error);
    issued.certificate = &received->list[own];
    for (size_t i = 0; i < received->count; i++)
        X509_free(decoded.certificates[i]);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (status == ENROLL_OK)
        *ret_issued = issued;
    return status;
}
