#include "renewal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "authority.h"
#include "server.h"
#include "soap.h"

#define PKCS7_MDE2  SECURITY_NAMESPACE "#PKCS7"
#define PKCS7_WSTEP WSTEP_NAMESPACE "#PKCS7"

static bool type_check(const struct modes *modes, xmlNode *token, struct fault *ret_fault)
{
    char *type = soap_attribute_text(token, NULL, "ValueType");
    bool mde2 = type && strcmp(type, PKCS7_MDE2) == 0 && !modes_has(modes, "renew", "wstep-type");
    bool wstep = type && strcmp(type, PKCS7_WSTEP) == 0 && !modes_has(modes, "renew", "mde2-type");
    bool good = (mde2 || wstep) && !modes_has(modes, "renew", "no-type");
    if (!good)
        fault_set(ret_fault, "MessageFormat", "the ValueType of BinarySecurityToken is \"%.200s\", not PKCS7",
                  type ? type : "");
    free(type);
    return good && soap_attribute_require(token, "EncodingType", BASE64_ENCODING, ret_fault);
}

/* The renewal period begins so many days before the end (MS-MDE2 2.2.9.2 RenewPeriod). */
static bool period_check(const struct options *options, X509 *certificate, struct fault *ret_fault)
{
    if (modes_has(&options->modes, "renew", "any-time"))
        return true;
    time_t from = time(NULL) + (time_t)options->renew_period * 86400;
    if (X509_cmp_time(X509_get0_notAfter(certificate), &from) > 0)
        return fault_set(ret_fault, "NotEligibleToRenew", "the renewal period of %u days has not begun",
                         options->renew_period);
    return true;
}

static bool transport_check(const struct request *request, X509 *signer, struct fault *ret_fault)
{
    char why[256] = "";
    if (!request->tls_certificate)
        return modes_has(&request->server->options.modes, "renew", "optional-tls") ||
               fault_set(ret_fault, "Authentication",
                         "a TLS client certificate is missing, which renewal needs");
    if (!authority_certificate_check(request->server->authority, request->tls_certificate, why))
        return fault_set(ret_fault, "Authentication", "the TLS client certificate is not accepted: %s", why);
    if (X509_cmp(request->tls_certificate, signer) != 0)
        return fault_set(ret_fault, "Authentication",
                         "the TLS client certificate is not the one that signed the request");
    return true;
}

/* The one certificate that signed, taken from the message: MDE2 demands that it is there. */
static bool signer_get(CMS_ContentInfo *cms, X509 **ret_signer, struct fault *ret_fault)
{
    STACK_OF(CMS_SignerInfo) *infos = CMS_get0_SignerInfos(cms);
    STACK_OF(X509) *certificates = CMS_get1_certs(cms);
    X509 *signer = NULL;
    if (sk_CMS_SignerInfo_num(infos) != 1)
        fault_set(ret_fault, "CertificateRequest", "the PKCS7 has %d signers, not one",
                  sk_CMS_SignerInfo_num(infos));
    else
        for (int i = 0; i < sk_X509_num(certificates) && !signer; i++)
            if (CMS_SignerInfo_cert_cmp(sk_CMS_SignerInfo_value(infos, 0), sk_X509_value(certificates, i)) ==
                0)
                signer = sk_X509_value(certificates, i);
    if (sk_CMS_SignerInfo_num(infos) == 1 && !signer)
        fault_set(ret_fault, "CertificateRequest", "the PKCS7 does not hold its signer's certificate");
    if (signer && X509_up_ref(signer) != 1)
        abort();
    sk_X509_pop_free(certificates, X509_free);
    *ret_signer = signer;
    return signer != NULL;
}

static bool content_verify(CMS_ContentInfo *cms, unsigned char **ret_content, size_t *ret_size,
                           struct fault *ret_fault)
{
    BIO *out = BIO_new(BIO_s_mem());
    if (!out)
        abort();
    /* The certificate is checked against the authority by the caller, with what it is for. */
    bool good = CMS_verify(cms, NULL, NULL, NULL, out, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) == 1;
    char *bytes = NULL;
    long size = BIO_get_mem_data(out, &bytes);
    if (!good || size <= 0) {
        fault_set(ret_fault, "CertificateRequest",
                  good ? "the PKCS7 has no content" : "the signature of the PKCS7 does not verify");
        good = false;
    } else {
        *ret_content = malloc((size_t)size);
        if (!*ret_content)
            abort();
        memcpy(*ret_content, bytes, (size_t)size);
        *ret_size = (size_t)size;
    }
    BIO_free(out);
    ERR_clear_error();
    return good;
}

static bool cms_read(const unsigned char *der, size_t size, CMS_ContentInfo **ret_cms,
                     struct fault *ret_fault)
{
    const unsigned char *next = der;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &next, (long)size);
    if (!cms || next != der + size || OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed) {
        CMS_ContentInfo_free(cms);
        return fault_set(ret_fault, "CertificateRequest", "the token is no CMS SignedData in DER");
    }
    if (OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data) {
        CMS_ContentInfo_free(cms);
        return fault_set(ret_fault, "CertificateRequest", "the content type of the PKCS7 is not id-data");
    }
    *ret_cms = cms;
    return true;
}

static bool signed_request_read(const struct request *request, CMS_ContentInfo *cms,
                                unsigned char **ret_pkcs10, size_t *ret_size, X509 **ret_certificate,
                                struct fault *ret_fault)
{
    char why[256] = "";
    X509 *signer = NULL;
    bool good = signer_get(cms, &signer, ret_fault);
    if (good && !authority_certificate_check(request->server->authority, signer, why))
        good = fault_set(ret_fault, "NotEligibleToRenew", "the certificate that signed is not accepted: %s",
                         why);
    good = good && transport_check(request, signer, ret_fault) &&
           period_check(&request->server->options, signer, ret_fault) &&
           content_verify(cms, ret_pkcs10, ret_size, ret_fault);
    if (good)
        *ret_certificate = signer;
    else
        X509_free(signer);
    return good;
}

bool renewal_token_read(const struct request *request, xmlNode *token, unsigned char **ret_pkcs10,
                        size_t *ret_size, X509 **ret_certificate, struct fault *ret_fault)
{
    const struct modes *modes = &request->server->options.modes;
    if (modes_has(modes, "renew", "not-eligible"))
        return fault_set(ret_fault, "NotEligibleToRenew", "asked for by --mode renew=not-eligible");
    if (modes_has(modes, "renew", "fault-200"))
        return fault_set(ret_fault, "InternalServiceFault", "this server cannot renew");
    if (!type_check(modes, token, ret_fault))
        return false;
    char *text = (char *)xmlNodeGetContent(token);
    unsigned char *der = NULL;
    size_t size = 0;
    CMS_ContentInfo *cms = NULL;
    bool good = text && text_base64_decode(text, &der, &size);
    if (!good)
        fault_set(ret_fault, "MessageFormat", "BinarySecurityToken is not one line of base64");
    good = good && cms_read(der, size, &cms, ret_fault) &&
           signed_request_read(request, cms, ret_pkcs10, ret_size, ret_certificate, ret_fault);
    CMS_ContentInfo_free(cms);
    free(der);
    free(text);
    return good;
}

void renewal_device_get(X509 *certificate, char *ret_device, size_t size)
{
    *ret_device = '\0';
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, ret_device,
                                    (int)size);
}

bool renewal_key_check(X509 *certificate, EVP_PKEY *key, const char *device, struct fault *ret_fault)
{
    char known[128];
    renewal_device_get(certificate, known, sizeof known);
    if (*device && strncasecmp(device, known, 64) != 0)
        return fault_set(ret_fault, "NotEligibleToRenew", "DeviceID is not the one of the certificate");
    if (EVP_PKEY_eq(X509_get0_pubkey(certificate), key) == 1)
        return fault_set(ret_fault, "CertificateRequest", "the renewal asks for the old key again");
    return true;
}
