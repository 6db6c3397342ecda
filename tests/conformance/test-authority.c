#include "test-authority.h"

#include <stdio.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* Everything of a certificate but its extensions and signature. issuer NULL: its own. */
static X509 *certificate_begin(X509 *issuer, EVP_PKEY *public_key, const char *common_name, long days)
{
    uint64_t serial;
    X509 *certificate = X509_new();
    X509_NAME *name = X509_NAME_new();

    RAND_bytes((unsigned char *)&serial, sizeof serial);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"intune-tpm test", -1, -1, 0);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
    X509_set_subject_name(certificate, name);
    X509_set_issuer_name(certificate, issuer == NULL ? name : X509_get_subject_name(issuer));
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400);
    X509_set_pubkey(certificate, public_key);
    X509_NAME_free(name);
    return certificate;
}

static bool certificate_end(X509 *certificate, X509 *issuer, EVP_PKEY *issuer_key, const char *constraints,
                            const char *usage, const char *purpose)
{
    X509 *signer = issuer == NULL ? certificate : issuer;
    return add_extension(certificate, signer, NID_basic_constraints, constraints) &&
           add_extension(certificate, signer, NID_key_usage, usage) &&
           (purpose == NULL || add_extension(certificate, signer, NID_ext_key_usage, purpose)) &&
           add_extension(certificate, signer, NID_subject_key_identifier, "hash") &&
           add_extension(certificate, signer, NID_authority_key_identifier, "keyid") &&
           X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
}

static bool make(struct authority *authority)
{
    EVP_PKEY *root_key = EVP_EC_gen("P-256");
    authority->issuer_key = EVP_EC_gen("P-256");
    authority->root = certificate_begin(NULL, root_key, "Test Root", 3650);
    authority->issuer = certificate_begin(authority->root, authority->issuer_key, "Test Issuing CA", 3650);
    bool made = certificate_end(authority->root, NULL, root_key, "critical,CA:TRUE",
                                "critical,keyCertSign,cRLSign", NULL) &&
                certificate_end(authority->issuer, authority->root, root_key, "critical,CA:TRUE,pathlen:0",
                                "critical,keyCertSign,cRLSign", NULL);
    EVP_PKEY_free(root_key);
    return made;
}

static FILE *open_in(const char *directory, const char *name, const char *mode)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return fopen(path, mode);
}

static bool store(const char *directory, const struct authority *authority)
{
    FILE *root = open_in(directory, "root.crt", "w");
    FILE *issuer = open_in(directory, "issuer.crt", "w");
    FILE *key = open_in(directory, "issuer.key", "w");
    bool stored = root != NULL && issuer != NULL && key != NULL &&
                  PEM_write_X509(root, authority->root) == 1 &&
                  PEM_write_X509(issuer, authority->issuer) == 1 &&
                  PEM_write_PrivateKey(key, authority->issuer_key, NULL, NULL, 0, NULL, NULL) == 1;
    FILE *const files[] = {root, issuer, key};
    for (size_t i = 0; i < 3; i++)
        if (files[i] != NULL && fclose(files[i]) != 0)
            stored = false;
    return stored;
}

static bool load(const char *directory, struct authority *authority)
{
    FILE *root = open_in(directory, "root.crt", "r");
    FILE *issuer = open_in(directory, "issuer.crt", "r");
    FILE *key = open_in(directory, "issuer.key", "r");
    if (root != NULL && issuer != NULL && key != NULL) {
        authority->root = PEM_read_X509(root, NULL, NULL, NULL);
        authority->issuer = PEM_read_X509(issuer, NULL, NULL, NULL);
        authority->issuer_key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    }
    FILE *const files[] = {root, issuer, key};
    for (size_t i = 0; i < 3; i++)
        if (files[i] != NULL)
            fclose(files[i]);
    return authority->root != NULL && authority->issuer != NULL && authority->issuer_key != NULL;
}

bool authority_open(const char *directory, struct authority *ret_authority)
{
    *ret_authority = (struct authority){0};
    if (load(directory, ret_authority) || (make(ret_authority) && store(directory, ret_authority)))
        return true;
    fprintf(stderr, "no authority can be made in %s\n", directory);
    authority_close(ret_authority);
    return false;
}

void authority_close(struct authority *authority)
{
    X509_free(authority->root);
    X509_free(authority->issuer);
    EVP_PKEY_free(authority->issuer_key);
}

X509 *authority_issue(const struct authority *authority, EVP_PKEY *public_key, const char *common_name)
{
    X509 *certificate = certificate_begin(authority->issuer, public_key, common_name, 365);
    if (certificate_end(certificate, authority->issuer, authority->issuer_key, "critical,CA:FALSE",
                        "critical,digitalSignature", "clientAuth"))
        return certificate;
    X509_free(certificate);
    return NULL;
}
