#include "auth/xml_signature.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <libxml/parser.h>
#include <openssl/err.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include "mde/soap.h"
#include "mde/xml_document.h"

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

static bool message_sign(xmlDoc *document, EVP_PKEY *key)
{
    xmlNode *root = xmlDocGetRootElement(document);
    xmlNode *security = (xmlNode *)(uintptr_t)xml_child(xml_child(root, "Header"), "Security");
    xmlNode *signature = security != NULL ? template_add(document, security, key) : NULL;
    xmlSecDSigCtx *context = signature != NULL ? xmlSecDSigCtxCreate(NULL) : NULL;
    bool done = false;

    if (context != NULL) {
        context->signKey = key_wrap(key);
        done = context->signKey != NULL && xmlSecDSigCtxSign(context, signature) == 0 &&
               context->status == xmlSecDSigStatusSucceeded;
        xmlSecDSigCtxDestroy(context);
    }
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
        return enroll_error_set(ret_error, ENROLL_FAILED, STEP_ENROL, NULL,
                                "The request could not be prepared for signing.");
    }
    done = message_sign(document, key);
    if (done)
        message_write(document, text);
    xmlFreeDoc(document);
    ERR_clear_error();
    if (done)
        return ENROLL_OK;
    return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, STEP_ENROL,
                            "Check that key and certificate belong together.",
                            "The key of the certificate that authenticates this enrolment could not sign.");
}
