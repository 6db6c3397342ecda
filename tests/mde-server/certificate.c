#include "certificate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "text.h"

struct kind_extensions {
    const char *constraints;
    const char *usage;
    const char *usage_rsa; /* for RSA keys */
    const char *purpose;
};

static const struct kind_extensions kinds[] = {
    [CERTIFICATE_ROOT] = {"critical,CA:TRUE", "critical,keyCertSign,cRLSign", "critical,keyCertSign,cRLSign",
                          ""},
    [CERTIFICATE_INTERMEDIATE] = {"critical,CA:TRUE", "critical,keyCertSign,cRLSign",
                                  "critical,keyCertSign,cRLSign", ""},
    [CERTIFICATE_CLIENT] = {"critical,CA:FALSE", "critical,digitalSignature",
                            "critical,digitalSignature,keyEncipherment", "clientAuth"},
    [CERTIFICATE_SERVER] = {"critical,CA:FALSE", "critical,digitalSignature",
                            "critical,digitalSignature,keyEncipherment", "serverAuth"},
};

static _Noreturn void certificate_fail(const char *what)
{
    (void)fprintf(stderr, "mde-server: %s failed\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension || X509_add_ext(certificate, extension, -1) != 1)
        certificate_fail(value);
    X509_EXTENSION_free(extension);
}

/* An extension of a private arc, critical: who does not know it must not take the certificate (RFC
 * 5280, 4.2). */
static void unknown_add(X509 *certificate)
{
    ASN1_OBJECT *object = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (object && value && ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2) == 1)
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    if (!extension || X509_add_ext(certificate, extension, -1) != 1)
        certificate_fail("a critical extension");
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

static void extensions_add(X509 *certificate, const struct certificate_demand *demand)
{
    const struct kind_extensions *kind = &kinds[demand->kind];
    bool rsa = EVP_PKEY_get_base_id(demand->key) == EVP_PKEY_RSA;
    const char *purpose = demand->key_usages ? demand->key_usages : kind->purpose;
    extension_add(certificate, demand->issuer, NID_basic_constraints,
                  demand->authority ? "critical,CA:TRUE" : kind->constraints);
    extension_add(certificate, demand->issuer, NID_key_usage,
                  demand->usage       ? demand->usage
                  : demand->authority ? kinds[CERTIFICATE_ROOT].usage
                  : rsa               ? kind->usage_rsa
                                      : kind->usage);
    if (demand->critical_unknown)
        unknown_add(certificate);
    if (*purpose)
        extension_add(certificate, demand->issuer, NID_ext_key_usage, purpose);
    if (demand->alternatives)
        extension_add(certificate, demand->issuer, NID_subject_alt_name, demand->alternatives);
    extension_add(certificate, demand->issuer, NID_subject_key_identifier, "hash");
    extension_add(certificate, demand->issuer, NID_authority_key_identifier, "keyid:always");
}

static void subject_set(X509 *certificate, const struct certificate_demand *demand)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    size_t size = demand->common_name_size ? demand->common_name_size : strlen(demand->common_name);
    if (X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
                                   (const unsigned char *)demand->organization, -1, -1, 0) != 1 ||
        X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)demand->common_name, (int)size, -1, 0) != 1)
        certificate_fail("a certificate's subject");
}

static void serial_set(X509 *certificate)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        certificate_fail("a certificate's serial number");
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40); /* positive and of one length (RFC 5280 4.1.2.2) */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)))
        certificate_fail("a certificate's serial number");
    BN_free(number);
}

X509 *certificate_make(const struct certificate_demand *demand)
{
    X509 *certificate = X509_new();
    if (!certificate || X509_set_version(certificate, X509_VERSION_3) != 1)
        certificate_fail("a certificate");
    serial_set(certificate);
    subject_set(certificate, demand);
    X509_NAME *issuer = X509_get_subject_name(demand->issuer ? demand->issuer : certificate);
    EVP_PKEY *signer = demand->issuer ? demand->issuer_key : demand->key;
    if (X509_set_issuer_name(certificate, issuer) != 1 || X509_set_pubkey(certificate, demand->key) != 1 ||
        !X509_gmtime_adj(X509_getm_notBefore(certificate), demand->begins) ||
        !X509_time_adj_ex(X509_getm_notAfter(certificate), (int)(demand->ends / 86400), demand->ends % 86400,
                          NULL))
        certificate_fail("a certificate");
    extensions_add(certificate, demand);
    if (X509_sign(certificate, signer, EVP_sha256()) <= 0)
        certificate_fail("a certificate's signature");
    return certificate;
}

EVP_PKEY *certificate_key_make(bool elliptic)
{
    EVP_PKEY *key = elliptic ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    if (!key)
        certificate_fail("a key");
    return key;
}

X509 *certificate_file_read(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    return certificate;
}

EVP_PKEY *certificate_key_file_read(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    return key;
}

static void bio_file_write(const char *path, BIO *bio, unsigned mode)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(bio, &bytes);
    if (!text_file_write(path, bytes, (size_t)size, mode))
        certificate_fail(path);
}

void certificate_file_write(const char *path, X509 *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_X509(bio, certificate) != 1)
        certificate_fail(path);
    bio_file_write(path, bio, 0644);
    BIO_free(bio);
}

void certificate_key_file_write(const char *path, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        certificate_fail(path);
    bio_file_write(path, bio, 0600);
    BIO_free(bio);
}

void certificate_hash_write(X509 *certificate, char ret_hash[41])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha1(), digest, &size) != 1 || size != 20)
        certificate_fail("a certificate's hash");
    for (unsigned i = 0; i < size; i++)
        (void)snprintf(ret_hash + 2 * i, 3, "%02X", digest[i]);
}

char *certificate_serial_text(const X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    if (!hex)
        certificate_fail("a certificate's serial number");
    BN_free(number);
    for (char *character = hex; *character; character++)
        if (*character >= 'A' && *character <= 'F')
            *character = (char)(*character + ('a' - 'A'));
    return hex;
}
