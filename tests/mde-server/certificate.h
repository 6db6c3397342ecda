/* Keys and X.509 certificates (RFC 5280), made with OpenSSL. */
#ifndef MDE_SERVER_CERTIFICATE_H
#define MDE_SERVER_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/x509.h>

enum certificate_kind { CERTIFICATE_ROOT, CERTIFICATE_INTERMEDIATE, CERTIFICATE_CLIENT, CERTIFICATE_SERVER };

struct certificate_demand {
    enum certificate_kind kind;
    const char *organization;
    const char *common_name;
    size_t common_name_size;  /* 0 for strlen(common_name) */
    const char *alternatives; /* subjectAltName in OpenSSL's notation, NULL for none */
    const char
        *key_usages;   /* extendedKeyUsage in OpenSSL's notation, NULL for what the kind has, "" for none */
    const char *usage; /* keyUsage in OpenSSL's notation, NULL for what the kind has */
    bool critical_unknown; /* with a critical extension that nobody knows */
    bool authority;        /* basicConstraints CA:TRUE though the kind is none */
    long begins;           /* seconds from now */
    long ends;
    EVP_PKEY *key; /* of the subject, public part enough */
    X509 *issuer;  /* NULL for self-signed */
    EVP_PKEY *issuer_key;
};

/* Never NULL: a certificate that cannot be made ends the program. The caller frees the result. */
X509 *certificate_make(const struct certificate_demand *demand);
EVP_PKEY *certificate_key_make(bool elliptic);

/* PEM files: read returns NULL when there is none; write ends the program when it fails. */
X509 *certificate_file_read(const char *path);
EVP_PKEY *certificate_key_file_read(const char *path);
void certificate_file_write(const char *path, X509 *certificate);
void certificate_key_file_write(const char *path, EVP_PKEY *key);

/* SHA-1 of the DER in upper case hex: how CertificateStore names certificates. */
void certificate_hash_write(X509 *certificate, char ret_hash[41]);

/* The serial number as lower case hex; the caller frees it with OPENSSL_free. */
char *certificate_serial_text(const X509 *certificate);

#endif
