#include "xml_signature.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <libxml/parser.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include "soap.h"
#include "xml_document.h"

#define VALUE_TYPE_X509_REFERENCE                                                                            \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509"

static bool library_start(void)
{
    static bool started;

    if (!started) {
        xmlSecErrorsDefaultCallbackEnableOutput(0);
        started = xmlSecInit() == 0 && xmlSecCryptoInit() == 0;
    }
    return started;
}

/* KeyInfo/wsse:SecurityTokenReference/wsse:Reference: the certificate stands in this very message. */
static bool reference_add(xmlNode *signature, xmlNode *security)
{
    xmlNode *info = xmlSecTmplSignatureEnsureKeyInfo(signature, NULL);
    xmlNode *token =
        info != NULL ? xmlNewChild(info, security->ns, BAD_CAST "SecurityTokenReference", NULL) : NULL;
    xmlNode *reference = token != NULL ? xmlNewChild(token, security->ns, BAD_CAST "Reference", NULL) : NULL;

    return reference != NULL &&
           xmlNewProp(reference, BAD_CAST "URI", BAD_CAST "#" SOAP_CERTIFICATE_ID) != NULL &&
           xmlNewProp(reference, BAD_CAST "ValueType", BAD_CAST VALUE_TYPE_X509_REFERENCE) != NULL;
}

static xmlNode *template_add(xmlDoc *document, xmlNode *security, const EVP_PKEY *key)
{
    xmlSecTransformId method =
        EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? xmlSecTransformEcdsaSha256Id : xmlSecTransformRsaSha256Id;
    xmlNode *signature =
        xmlSecTmplSignatureCreateNsPref(document, xmlSecTransformExclC14NId, method, NULL, BAD_CAST "ds");
    xmlNode *reference;

    if (signature == NULL || xmlAddChild(security, signature) == NULL)
        return NULL;
    reference = xmlSecTmplSignatureAddReference(signature, xmlSecTransformSha256Id, NULL, BAD_CAST "", NULL);
    if (reference == NULL || xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId) == NULL ||
        xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId) == NULL ||
        !reference_add(signature, security))
        return NULL;
    return signature;
}

static xmlSecKey *key_wrap(EVP_PKEY *key)
{
    xmlSecKey *wrapped = xmlSecKeyCreate();
    xmlSecKeyData *data;

    if (wrapped == NULL || EVP_PKEY_up_ref(key) != 1) {
        xmlSecKeyDestroy(wrapped);
        return NULL;
    }
    data = xmlSecOpenSSLEvpKeyAdopt(key);
    if (data == NULL || xmlSecKeySetValue(wrapped, data) != 0) {
        if (data != NULL)
            xmlSecKeyDataDestroy(data);
        else
            EVP_PKEY_free(key);
        xmlSecKeyDestroy(wrapped);
        return NULL;
    }
    return wrapped;
}

/*
 * A key on a token has no private numbers, and xmlsec 1.2 takes it for a public key. xmlsec then works with a
 * key made for the moment, keeps the octets that are signed, and the token's signature of these takes the
 * place of the other.
 */
static bool key_is_on_token(const EVP_PKEY *key)
{
    BIGNUM *number = NULL;
    bool ec = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
    bool there =
        EVP_PKEY_get_bn_param(key, ec ? OSSL_PKEY_PARAM_PRIV_KEY : OSSL_PKEY_PARAM_RSA_D, &number) == 1;

    BN_clear_free(number);
    ERR_clear_error();
    return !there;
}

/* XML Signature 6.4.3: r and s side by side, not the DER of X9.62. ret_value holds 2 * half bytes. */
static bool ecdsa_value_make(const unsigned char *der, size_t size, int half, unsigned char *ret_value)
{
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)size);
    bool made = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), ret_value, half) == half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(signature), ret_value + half, half) == half;

    ECDSA_SIG_free(signature);
    return made;
}

static bool value_replace(xmlNode *signature, xmlSecBuffer *octets, EVP_PKEY *key)
{
    xmlNode *node = (xmlNode *)(uintptr_t)xml_child(signature, "SignatureValue");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    unsigned char value[1024], wide[256];
    size_t size = sizeof(value);
    struct xml_text base64 = {0};
    int half = (EVP_PKEY_get_bits(key) + 7) / 8;
    bool done =
        node != NULL && octets != NULL && context != NULL &&
        EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(context, value, &size, xmlSecBufferGetData(octets), xmlSecBufferGetSize(octets)) == 1;

    if (done && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        done = 2 * (size_t)half <= sizeof(wide) && ecdsa_value_make(value, size, half, wide);
        xml_text_append_base64(&base64, wide, 2 * (size_t)half);
    } else if (done) {
        xml_text_append_base64(&base64, value, size);
    }
    if (done && !base64.failed)
        xmlNodeSetContent(node, BAD_CAST base64.data);
    done = done && !base64.failed;
    xml_text_clear(&base64);
    EVP_MD_CTX_free(context);
    return done;
}

static bool message_sign(xmlDoc *document, EVP_PKEY *key)
{
    xmlNode *root = xmlDocGetRootElement(document);
    xmlNode *security = (xmlNode *)(uintptr_t)xml_child(xml_child(root, "Header"), "Security");
    xmlNode *signature = security != NULL ? template_add(document, security, key) : NULL;
    xmlSecDSigCtx *context = signature != NULL ? xmlSecDSigCtxCreate(NULL) : NULL;
    bool on_token = key_is_on_token(key), done = false;
    EVP_PKEY *momentary = NULL;

    if (on_token)
        momentary = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    if (context != NULL && (!on_token || momentary != NULL)) {
        context->flags |= XMLSEC_DSIG_FLAGS_STORE_SIGNATURE;
        context->signKey = key_wrap(on_token ? momentary : key);
        done = context->signKey != NULL && xmlSecDSigCtxSign(context, signature) == 0 &&
               context->status == xmlSecDSigStatusSucceeded &&
               (!on_token || value_replace(signature, xmlSecDSigCtxGetPreSignBuffer(context), key));
    }
    if (context != NULL)
        xmlSecDSigCtxDestroy(context);
    EVP_PKEY_free(momentary);
    return done;
}

static void message_write(xmlDoc *document, struct xml_text *text)
{
    xmlBuffer *buffer = xmlBufferCreate();

    xml_text_clear(text);
    if (buffer == NULL || xmlNodeDump(buffer, document, xmlDocGetRootElement(document), 0, 0) < 0)
        text->failed = true;
    else
        xml_text_append(text, (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
}

enum enroll_exit xml_signature_add(struct xml_text *text, EVP_PKEY *key, struct enroll_error *ret_error)
{
    char why[160];
    xmlDoc *document;
    bool done;

    if (text->failed)
        return ENROLL_OK; /* said where the message is sent */
    document = xml_document_parse(text->data, text->size, NULL, why, sizeof(why));
    if (document == NULL || !library_start()) {
        xmlFreeDoc(document);
        return enroll_error_set(ret_error, ENROLL_FAILED, NULL,
                                "the request could not be prepared for signing");
    }
    done = message_sign(document, key);
    if (done)
        message_write(document, text);
    xmlFreeDoc(document);
    ERR_clear_error();
    if (done)
        return ENROLL_OK;
    return enroll_error_set(ret_error, ENROLL_AUTHENTICATION,
                            "check that key and certificate belong together",
                            "the key of the certificate that authenticates this enrolment could not sign");
}
