#include "signature.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/xmltree.h>

#include "authority.h"
#include "server.h"
#include "soap.h"

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define USER_TOKEN                                                                                           \
    "http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken"
#define X509_PROFILE WSS_PREFIX "x509-token-profile-1.0#X509"
#define EXCLUSIVE    "http://www.w3.org/2001/10/xml-exc-c14n#"
#define ENVELOPED    DSIG "enveloped-signature"
#define SHA256       "http://www.w3.org/2001/04/xmlenc#sha256"
#define RSA_SHA256   "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

bool signature_start(void)
{
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(NULL) < 0 || xmlSecCryptoInit() < 0)
        return false;
    xmlSecErrorsSetCallback(NULL); /* what does not verify is said in the fault */
    return true;
}

void signature_stop(void)
{
    (void)xmlSecCryptoShutdown();
    (void)xmlSecCryptoAppShutdown();
    (void)xmlSecShutdown();
}

X509 *signature_certificate_read(xmlNode *token, struct fault *ret_fault)
{
    char *text = (char *)xmlNodeGetContent(token);
    unsigned char *der = NULL;
    size_t size = 0;
    X509 *certificate = NULL;
    if (text && text_base64_decode(text, &der, &size)) {
        const unsigned char *next = der;
        certificate = d2i_X509(NULL, &next, (long)size);
        if (certificate && next != der + size) {
            X509_free(certificate);
            certificate = NULL;
        }
    }
    free(der);
    free(text);
    if (!certificate)
        fault_set(ret_fault, "InvalidSecurity", "BinarySecurityToken in Security holds no certificate");
    return certificate;
}

/* The Algorithm of a child: must be one of two. */
static bool algorithm_check(xmlNode *parent, const char *name, const char *one, const char *other,
                            struct fault *ret_fault)
{
    xmlNode *node = soap_child_require(parent, DSIG, name, ret_fault);
    char *algorithm = node ? soap_attribute_text(node, NULL, "Algorithm") : NULL;
    bool good = algorithm && (strcmp(algorithm, one) == 0 || strcmp(algorithm, other) == 0);
    if (node && !good)
        fault_set(ret_fault, "InvalidSecurity", "%s is \"%.100s\", not %s", name, algorithm ? algorithm : "",
                  one);
    free(algorithm);
    return good;
}

/* The whole envelope without the signature itself, canonical: nothing else may count as signed. */
static bool reference_check(xmlNode *reference, struct fault *ret_fault)
{
    bool enveloped = false;
    xmlNode *transforms = soap_child_require(reference, DSIG, "Transforms", ret_fault);
    if (!transforms || !soap_attribute_require(reference, "URI", "", ret_fault))
        return false;
    for (xmlNode *node = soap_child_find(transforms, NULL, NULL); node;
         node = soap_sibling_find(node, NULL, NULL)) {
        char *algorithm = soap_attribute_text(node, NULL, "Algorithm");
        bool this_one = algorithm && strcmp(algorithm, ENVELOPED) == 0;
        bool known = this_one || (algorithm && strcmp(algorithm, EXCLUSIVE) == 0);
        free(algorithm);
        enveloped = enveloped || this_one;
        if (!known)
            return fault_set(ret_fault, "InvalidSecurity", "a Transform of the signature is not known");
    }
    if (!enveloped)
        return fault_set(ret_fault, "InvalidSecurity", "the Transform enveloped-signature is missing");
    return algorithm_check(reference, "DigestMethod", SHA256, SHA256, ret_fault);
}

static bool key_reference_check(xmlNode *signature, xmlNode *token, struct fault *ret_fault)
{
    xmlNode *information = soap_child_require(signature, DSIG, "KeyInfo", ret_fault);
    xmlNode *outer =
        information ? soap_child_require(information, SECURITY_NAMESPACE, "SecurityTokenReference", ret_fault)
                    : NULL;
    xmlNode *reference = outer ? soap_child_require(outer, SECURITY_NAMESPACE, "Reference", ret_fault) : NULL;
    if (!reference || !soap_attribute_require(reference, "ValueType", X509_PROFILE, ret_fault))
        return false;
    char *uri = soap_attribute_text(reference, NULL, "URI");
    char *identifier = soap_attribute_text(token, UTILITY_NAMESPACE, "Id");
    bool good = uri && identifier && uri[0] == '#' && strcmp(uri + 1, identifier) == 0;
    free(uri);
    free(identifier);
    return good ||
           fault_set(ret_fault, "InvalidSecurity", "KeyInfo does not refer to the BinarySecurityToken's Id");
}

static bool structure_check(xmlNode *signature, xmlNode *token, struct fault *ret_fault)
{
    xmlNode *information = soap_child_require(signature, DSIG, "SignedInfo", ret_fault);
    xmlNode *reference = information ? soap_child_require(information, DSIG, "Reference", ret_fault) : NULL;
    return reference &&
           algorithm_check(information, "CanonicalizationMethod", EXCLUSIVE, EXCLUSIVE, ret_fault) &&
           algorithm_check(information, "SignatureMethod", RSA_SHA256, ECDSA_SHA256, ret_fault) &&
           reference_check(reference, ret_fault) && key_reference_check(signature, token, ret_fault);
}

static bool timestamp_check(xmlNode *security, struct fault *ret_fault)
{
    xmlNode *timestamp = soap_child_require(security, UTILITY_NAMESPACE, "Timestamp", ret_fault);
    char *created = timestamp ? soap_child_text(timestamp, UTILITY_NAMESPACE, "Created", ret_fault) : NULL;
    char *expires = created ? soap_child_text(timestamp, UTILITY_NAMESPACE, "Expires", ret_fault) : NULL;
    char now_text[32];
    time_t now = time(NULL);
    struct tm broken_down;
    (void)strftime(now_text, sizeof now_text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&now, &broken_down));
    bool good = expires && strlen(expires) >= 19 && strncmp(expires, now_text, 19) >= 0;
    if (expires && !good)
        fault_set(ret_fault, "InvalidSecurity", "the Timestamp expired at %.40s", expires);
    free(created);
    free(expires);
    return good;
}

static bool signature_verify(xmlNode *signature, X509 *certificate, struct fault *ret_fault)
{
    bool good = false;
    EVP_PKEY *public_key = X509_get_pubkey(certificate);
    xmlSecKeyData *data = public_key ? xmlSecOpenSSLEvpKeyAdopt(public_key) : NULL;
    if (!data) {
        EVP_PKEY_free(public_key);
        return fault_set(ret_fault, "InvalidSecurity", "the key of the certificate cannot be used");
    }
    xmlSecDSigCtx *context = xmlSecDSigCtxCreate(NULL);
    xmlSecKey *key = xmlSecKeyCreate();
    if (!context || !key || xmlSecKeySetValue(key, data) < 0)
        abort();
    context->signKey = key; /* of the certificate, whatever KeyInfo says */
    context->enabledReferenceUris = xmlSecTransformUriTypeEmpty;
    good = xmlSecDSigCtxVerify(context, signature) >= 0 && context->status == xmlSecDSigStatusSucceeded;
    xmlSecDSigCtxDestroy(context);
    return good || fault_set(ret_fault, "InvalidSecurity", "the XML signature does not verify");
}

bool signature_check(const struct server *server, const struct soap_message *message, struct fault *ret_fault)
{
    char why[256] = "";
    xmlNode *token =
        soap_child_require(message->security, SECURITY_NAMESPACE, "BinarySecurityToken", ret_fault);
    xmlNode *signature = token ? soap_child_require(message->security, DSIG, "Signature", ret_fault) : NULL;
    if (!signature || !timestamp_check(message->security, ret_fault) ||
        !soap_attribute_require(token, "ValueType", USER_TOKEN, ret_fault) ||
        !soap_attribute_require(token, "EncodingType", BASE64_ENCODING, ret_fault) ||
        !structure_check(signature, token, ret_fault)) {
        (void)snprintf(ret_fault->name, sizeof ret_fault->name, "InvalidSecurity");
        return false;
    }
    X509 *certificate = signature_certificate_read(token, ret_fault);
    if (!certificate)
        return false;
    bool good = signature_verify(signature, certificate, ret_fault);
    if (good && !authority_certificate_check(server->authority, certificate, why))
        good = fault_set(ret_fault, "Authentication", "the certificate is not accepted: %s", why);
    X509_free(certificate);
    return good;
}
