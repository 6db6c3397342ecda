#include "request.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* The device's id as a NUL-terminated string; seen in the requests of Windows. */
#define DEVICE_ID_OID "1.3.6.1.4.1.311.66.1.0"
#define KEY_USAGE_OID "2.5.29.37" /* extKeyUsage */

static const EVP_MD *request_hash(enum tpm_hash hash)
{
    switch (hash) {
    case TPM_HASH_SHA384:
        return EVP_sha384();
    case TPM_HASH_SHA512:
        return EVP_sha512();
    default:
        return EVP_sha256(); /* never SHA-1, whatever the policy says */
    }
}

static bool extension_push(STACK_OF(X509_EXTENSION) * extensions, const char *oid, bool critical,
                           const uint8_t *value, size_t size)
{
    bool pushed = false;
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (object && octets && ASN1_OCTET_STRING_set(octets, value, (int)size))
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, octets);
    if (extension && sk_X509_EXTENSION_push(extensions, extension) > 0)
        pushed = true;
    else
        X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    return pushed;
}

/* An extension stands once in a request (RFC 5280 4.2): the policy's own comes before ours. */
static bool policy_names(const struct certificate_requirements *requirements, const char *oid)
{
    for (size_t i = 0; i < requirements->extension_count; i++)
        if (strcmp(requirements->extensions[i].oid, oid) == 0)
            return true;
    return false;
}

static bool extensions_add(X509_REQ *csr, const struct install_request *request)
{
    bool added = false;
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    if (!extensions)
        return false;
    if (request->extensions && !policy_names(request->requirements, KEY_USAGE_OID)) {
        X509_EXTENSION *usage = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, "clientAuth");
        if (!usage || sk_X509_EXTENSION_push(extensions, usage) <= 0) {
            X509_EXTENSION_free(usage);
            goto out;
        }
    }
    if (request->extensions && !policy_names(request->requirements, DEVICE_ID_OID) &&
        !extension_push(extensions, DEVICE_ID_OID, false, (const uint8_t *)request->device_id,
                        strlen(request->device_id) + 1))
        goto out;
    for (size_t i = 0; i < request->requirements->extension_count; i++) {
        const struct requested_extension *wanted = &request->requirements->extensions[i];
        if (!extension_push(extensions, wanted->oid, wanted->critical, wanted->value, wanted->size))
            goto out;
    }
    added = sk_X509_EXTENSION_num(extensions) == 0 || X509_REQ_add_extensions(csr, extensions);
out:
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return added;
}

static const char *library_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "no reason given";
}

/*
 * Its DER, if the signature is that of the public key in it. It is read back for that: what was signed with
 * knows no more than how to sign.
 */
static bool request_encode(X509_REQ *csr, unsigned char **ret_der, size_t *ret_size)
{
    int size = i2d_X509_REQ(csr, ret_der);
    const unsigned char *cursor = *ret_der;
    X509_REQ *read = size > 0 ? d2i_X509_REQ(NULL, &cursor, size) : NULL;
    bool good = read != NULL && X509_REQ_verify(read, X509_REQ_get0_pubkey(read)) == 1;

    X509_REQ_free(read);
    *ret_size = good ? (size_t)size : 0;
    return good;
}

enum enroll_exit install_request_make(const struct install_request *request, uint8_t **ret_request,
                                      size_t *ret_size, struct enroll_error *ret_error)
{
    enum enroll_exit status = ENROLL_FAILED;
    X509_NAME *subject = X509_NAME_new();
    X509_REQ *csr = X509_REQ_new();
    EVP_PKEY *key = request->key;
    unsigned char *der = NULL;
    size_t size = 0;

    ERR_clear_error();
    if (!subject || !csr || !X509_REQ_set_version(csr, X509_REQ_VERSION_1) ||
        !X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                    (const unsigned char *)request->device_id, -1, -1, 0) ||
        !X509_REQ_set_subject_name(csr, subject) || !X509_REQ_set_pubkey(csr, key) ||
        !extensions_add(csr, request)) {
        status = enroll_error_set(ret_error, ENROLL_FAILED, "",
                                  "the certificate request could not be put together: %s", library_reason());
        goto out;
    }
    if (X509_REQ_sign(csr, key, request_hash(request->requirements->hash)) <= 0 ||
        !request_encode(csr, &der, &size)) {
        status = enroll_error_set(ret_error, ENROLL_TPM, "check the TPM with intune-enroll verify",
                                  "the TPM did not sign the certificate request: %s", library_reason());
        goto out;
    }
    *ret_request = malloc(size);
    if (*ret_request == NULL) {
        status = enroll_error_memory(ret_error);
        goto out;
    }
    memcpy(*ret_request, der, size);
    *ret_size = size;
    status = ENROLL_OK;
out:
    OPENSSL_free(der);
    ERR_clear_error();
    X509_REQ_free(csr);
    X509_NAME_free(subject);
    return status;
}
