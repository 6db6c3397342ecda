#include "identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "certificate.h"
#include "modes.h"
#include "options.h"
#include "text.h"

#define DAY 86400L

static char *path_make(const char *directory, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        abort();
    return path;
}

static char *pem_read(const char *path)
{
    char *pem = text_file_read(path, NULL);
    if (!pem) {
        perror(path);
        exit(1);
    }
    return pem;
}

static void authority_open(const char *directory, X509 **ret_certificate, EVP_PKEY **ret_key)
{
    char *certificate_path = path_make(directory, "tls-ca.crt");
    char *key_path = path_make(directory, "authority/tls-ca.key");
    X509 *certificate = certificate_file_read(certificate_path);
    EVP_PKEY *key = certificate_key_file_read(key_path);
    if (!certificate || !key || X509_check_private_key(certificate, key) != 1) {
        X509_free(certificate);
        EVP_PKEY_free(key);
        key = certificate_key_make(true);
        struct certificate_demand demand = {
            .kind = CERTIFICATE_ROOT,
            .organization = "MDE2 test server",
            .common_name = "HTTPS CA",
            .begins = -DAY,
            .ends = 3650 * DAY,
            .key = key,
        };
        certificate = certificate_make(&demand);
        certificate_key_file_write(key_path, key);
        certificate_file_write(certificate_path, certificate);
    }
    free(certificate_path);
    free(key_path);
    *ret_certificate = certificate;
    *ret_key = key;
}

static void names_write(const struct options *options, struct text *out)
{
    if (modes_has(&options->modes, "tls", "wrong-name")) {
        text_append(out, "DNS:www.example.test");
        return;
    }
    text_format(out,
                "DNS:%s,DNS:EnterpriseEnrollment.%s,DNS:mdm.%s,DNS:mdm.fabrikam.test,DNS:localhost,IP:127.0."
                "0.1,IP:::1",
                options->host, options->domain, options->domain);
}

void identity_make(const struct options *options, struct identity *ret_identity)
{
    X509 *authority = NULL;
    EVP_PKEY *authority_key = NULL;
    authority_open(options->directory, &authority, &authority_key);
    struct text names = {0};
    names_write(options, &names);
    EVP_PKEY *key = certificate_key_make(true);
    bool self_signed = modes_has(&options->modes, "tls", "self-signed");
    struct certificate_demand demand = {
        .kind = CERTIFICATE_SERVER,
        .organization = "MDE2 test server",
        .common_name = "HTTPS",
        .alternatives = names.data,
        .begins = modes_has(&options->modes, "tls", "not-yet-valid") ? DAY : -DAY,
        .ends = 365 * DAY,
        .key = key,
        .issuer = self_signed ? NULL : authority,
        .issuer_key = authority_key,
    };
    if (modes_has(&options->modes, "tls", "expired")) {
        demand.begins = -30 * DAY;
        demand.ends = -DAY;
    }
    X509 *certificate = certificate_make(&demand);
    char *certificate_path = path_make(options->directory, "tls.crt");
    char *key_path = path_make(options->directory, "authority/tls.key");
    char *clients_path = path_make(options->directory, "client-ca.crt");
    certificate_file_write(certificate_path, certificate);
    certificate_key_file_write(key_path, key);
    ret_identity->certificate = pem_read(certificate_path);
    ret_identity->key = pem_read(key_path);
    ret_identity->clients = pem_read(clients_path);
    free(certificate_path);
    free(key_path);
    free(clients_path);
    text_clear(&names);
    X509_free(certificate);
    EVP_PKEY_free(key);
    X509_free(authority);
    EVP_PKEY_free(authority_key);
}

void identity_clear(struct identity *identity)
{
    if (identity->key)
        OPENSSL_cleanse(identity->key, strlen(identity->key));
    free(identity->certificate);
    free(identity->key);
    free(identity->clients);
    *identity = (struct identity){0};
}
