#include "csr.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "text.h"

#define BEGIN "-----BEGIN CERTIFICATE REQUEST-----\n"
#define END   "-----END CERTIFICATE REQUEST-----"
#define LINE  64

static const char not_pem[] =
    "must be a valid PEM-encoded PKCS#10 certificate signing request with an RSA key of at "
    "least 2048 bits";

/* RFC 7468's strict form: lines of 64 characters but the last, LF at their ends. */
static bool pem_decode(const char *pem, unsigned char **ret_der, size_t *ret_size)
{
    const char *end = strstr(pem, END);
    if (strncmp(pem, BEGIN, strlen(BEGIN)) != 0 || end == NULL || strspn(end + strlen(END), "\n") > 1 ||
        strlen(end + strlen(END)) > 1)
        return false;
    struct text base64 = {0};
    bool good = true;
    bool last = false;
    for (const char *line = pem + strlen(BEGIN); good && line < end;) {
        size_t length = strcspn(line, "\n");
        good = !last && length > 0 && length <= LINE && line[length] == '\n';
        last = length < LINE;
        text_bytes_append(&base64, line, length);
        line += length + 1;
    }
    good = good && base64.size > 0 && text_base64_decode(base64.data, ret_der, ret_size);
    text_clear(&base64);
    return good;
}

/* Steps over one DER element; into it if inside. Returns its tag or -1. */
static int element_pass(const unsigned char **at, const unsigned char *end, bool inside)
{
    long length = 0;
    int tag = 0;
    int class = 0;
    const unsigned char *start = *at;
    if (start >= end || (ASN1_get_object(at, &length, &tag, &class, end - start) & 0x80) != 0)
        return -1;
    if (!inside)
        *at += length;
    return tag;
}

/* CertificationRequestInfo ends with the bytes A0 00. */
static bool attributes_are_empty(const unsigned char *der, size_t size)
{
    const unsigned char *at = der;
    const unsigned char *end = der + size;
    if (element_pass(&at, end, true) != V_ASN1_SEQUENCE)
        return false;
    const unsigned char *info_end = at;
    if (element_pass(&info_end, end, false) != V_ASN1_SEQUENCE ||
        element_pass(&at, end, true) != V_ASN1_SEQUENCE ||
        element_pass(&at, info_end, false) != V_ASN1_INTEGER ||
        element_pass(&at, info_end, false) != V_ASN1_SEQUENCE ||
        element_pass(&at, info_end, false) != V_ASN1_SEQUENCE)
        return false;
    return info_end - at == 2 && at[0] == 0xa0 && at[1] == 0;
}

static bool subject_is(const X509_REQ *request, const char *name)
{
    const X509_NAME *subject = X509_REQ_get_subject_name(request);
    if (X509_NAME_entry_count(subject) != 1)
        return false;
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, 0);
    if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != NID_commonName)
        return false;
    unsigned char *text = NULL;
    int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
    bool same = size >= 0 && (size_t)size == strlen(name) && memcmp(text, name, (size_t)size) == 0;
    OPENSSL_free(text);
    return same;
}

static const char *request_check(X509_REQ *request, EVP_PKEY *key, const char *name)
{
    if (X509_REQ_get_version(request) != X509_REQ_VERSION_1)
        return "the request's version is not 1";
    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(key) < 2048)
        return not_pem;
    if (X509_REQ_get_signature_nid(request) != NID_sha256WithRSAEncryption)
        return "the signature is not sha256WithRSAEncryption";
    if (X509_REQ_verify(request, key) != 1)
        return "the signature does not verify";
    if (!subject_is(request, name))
        return "the subject is not the device's name alone";
    return NULL;
}

const char *csr_check(const char *pem, const char *name, EVP_PKEY **ret_key)
{
    unsigned char *der = NULL;
    size_t size = 0;
    if (!pem_decode(pem, &der, &size))
        return not_pem;
    const unsigned char *next = der;
    X509_REQ *request = d2i_X509_REQ(NULL, &next, (long)size);
    EVP_PKEY *key = request != NULL ? X509_REQ_get_pubkey(request) : NULL;
    const char *wrong = request == NULL || next != der + size ? not_pem : request_check(request, key, name);
    if (wrong == NULL && !attributes_are_empty(der, size))
        wrong = "the attributes are not an empty [0]";
    if (wrong == NULL) {
        *ret_key = key;
        key = NULL;
    }
    EVP_PKEY_free(key);
    X509_REQ_free(request);
    free(der);
    return wrong;
}
