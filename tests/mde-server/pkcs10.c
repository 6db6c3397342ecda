#include "pkcs10.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include "faults.h"
#include "options.h"
#include "policies.h"

static bool hash_check(const X509_REQ *request, struct fault *ret_fault)
{
    static const int allowed[] = {NID_sha256, NID_sha384, NID_sha512};
    int hash = NID_undef;
    int algorithm = X509_REQ_get_signature_nid(request);
    if (algorithm == NID_rsassaPss)
        return fault_set(ret_fault, "CertificateRequest", "the PKCS #10 request is signed with RSASSA-PSS");
    if (OBJ_find_sigid_algs(algorithm, &hash, NULL) == 1)
        for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
            if (hash == allowed[i])
                return true;
    return fault_set(ret_fault, "CertificateRequest",
                     "the hash of the PKCS #10 request's signature is not SHA-2");
}

static bool key_check(const EVP_PKEY *key, const struct key_demand *demand, struct fault *ret_fault)
{
    int type = EVP_PKEY_get_base_id(key);
    int bits = EVP_PKEY_get_bits(key);
    if (!demand->elliptic) {
        if (type != EVP_PKEY_RSA)
            return fault_set(ret_fault, "CertificateRequest", "the key is not RSA, as the policy demands");
        if (bits < demand->bits)
            return fault_set(ret_fault, "CertificateRequest",
                             "the RSA key has %d bits, the policy demands %d", bits, demand->bits);
        return true;
    }
    char group[64] = "";
    if (type != EVP_PKEY_EC || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1 ||
        strcmp(group, demand->group) != 0)
        return fault_set(ret_fault, "CertificateRequest",
                         "the key is not on the curve %s, as the policy demands", demand->group);
    return true;
}

static bool extension_check(X509_REQ *request, struct fault *ret_fault)
{
    ASN1_OBJECT *oid = OBJ_txt2obj(POLICIES_EXTENSION_OID, 1);
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    int index = oid ? X509v3_get_ext_by_OBJ(extensions, oid, -1) : -1;
    const ASN1_OCTET_STRING *value =
        index >= 0 ? X509_EXTENSION_get_data(X509v3_get_ext(extensions, index)) : NULL;
    bool good = value && ASN1_STRING_length(value) == POLICIES_EXTENSION_SIZE &&
                memcmp(ASN1_STRING_get0_data(value), policies_extension_value, POLICIES_EXTENSION_SIZE) == 0;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ASN1_OBJECT_free(oid);
    return good ||
           fault_set(ret_fault, "CertificateRequest",
                     "the PKCS #10 request lacks the extension " POLICIES_EXTENSION_OID " of the policy");
}

bool pkcs10_check(const unsigned char *der, size_t size, const struct options *options, EVP_PKEY **ret_key,
                  struct fault *ret_fault)
{
    const unsigned char *next = der;
    X509_REQ *request = d2i_X509_REQ(NULL, &next, (long)size);
    bool good = false;
    EVP_PKEY *key = NULL;
    if (!request || next != der + size) {
        fault_set(ret_fault, "CertificateRequest", "the token holds no PKCS #10 request in DER");
        goto end;
    }
    if (X509_REQ_get_version(request) != 0 || X509_NAME_entry_count(X509_REQ_get_subject_name(request)) < 1) {
        fault_set(ret_fault, "CertificateRequest",
                  "the PKCS #10 request has another version than 1, or no subject");
        goto end;
    }
    key = X509_REQ_get_pubkey(request);
    if (!key || X509_REQ_verify(request, key) != 1) {
        fault_set(ret_fault, "CertificateRequest", "the signature of the PKCS #10 request does not verify");
        goto end;
    }
    good = hash_check(request, ret_fault) && key_check(key, options->key, ret_fault) &&
           (!modes_has(&options->modes, "strict", "extensions") || extension_check(request, ret_fault));
end:
    if (good) {
        *ret_key = key;
        key = NULL;
    }
    EVP_PKEY_free(key);
    X509_REQ_free(request);
    return good;
}
