#include "authority.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "certificate.h"
#include "options.h"
#include "text.h"

#define CHAIN_MAX    8
#define WHY_SIZE     256
#define DAY          86400L
#define ORGANIZATION "MDE2 test server"

struct authority {
    char *directory;
    long validity; /* seconds */
    X509 *root;
    EVP_PKEY *root_key;
    unsigned count;
    X509 *chain[CHAIN_MAX];
    EVP_PKEY *chain_keys[CHAIN_MAX];
};

static char *path_make(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *path_make(const char *format, ...)
{
    char *path = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&path, format, arguments) < 0)
        abort();
    va_end(arguments);
    return path;
}

static void folder_make(const char *directory, const char *name)
{
    char *path = path_make("%s/%s", directory, name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        perror(path);
        exit(1);
    }
    free(path);
}

/* Reads a certificate and its key, or makes and writes them. */
static void pair_open(const char *certificate_path, const char *key_path, struct certificate_demand *demand,
                      bool elliptic, X509 **ret_certificate, EVP_PKEY **ret_key)
{
    X509 *certificate = certificate_file_read(certificate_path);
    EVP_PKEY *key = certificate ? certificate_key_file_read(key_path) : NULL;
    if (!certificate || !key || X509_check_private_key(certificate, key) != 1) {
        X509_free(certificate);
        EVP_PKEY_free(key);
        key = certificate_key_make(elliptic);
        demand->key = key;
        certificate = certificate_make(demand);
        certificate_key_file_write(key_path, key);
        certificate_file_write(certificate_path, certificate);
    }
    *ret_certificate = certificate;
    *ret_key = key;
}

static void root_open(struct authority *authority, bool elliptic)
{
    struct certificate_demand demand = {
        .kind = CERTIFICATE_ROOT,
        .organization = ORGANIZATION,
        .common_name = "MDM Device Root CA",
        .begins = -DAY,
        .ends = 3650 * DAY,
    };
    char *certificate_path = path_make("%s/client-ca.crt", authority->directory);
    char *key_path = path_make("%s/authority/client-ca.key", authority->directory);
    pair_open(certificate_path, key_path, &demand, elliptic, &authority->root, &authority->root_key);
    free(certificate_path);
    free(key_path);
}

static void chain_open(struct authority *authority, unsigned count, bool elliptic)
{
    struct text bundle = {0};
    text_append(&bundle, "");
    for (unsigned i = 0; i < count; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "MDM Device CA %u", i + 1);
        struct certificate_demand demand = {
            .kind = CERTIFICATE_INTERMEDIATE,
            .organization = ORGANIZATION,
            .common_name = name,
            .begins = -DAY,
            .ends = 3650 * DAY,
            .issuer = i ? authority->chain[i - 1] : authority->root,
            .issuer_key = i ? authority->chain_keys[i - 1] : authority->root_key,
        };
        char *certificate_path = path_make("%s/authority/ca-%u.crt", authority->directory, i + 1);
        char *key_path = path_make("%s/authority/ca-%u.key", authority->directory, i + 1);
        pair_open(certificate_path, key_path, &demand, elliptic, &authority->chain[i],
                  &authority->chain_keys[i]);
        char *pem = text_file_read(certificate_path, NULL);
        if (!pem) {
            perror(certificate_path);
            exit(1);
        }
        text_replace(&bundle, 0, 0, pem); /* the issuer of the devices' certificates comes first */
        free(pem);
        free(certificate_path);
        free(key_path);
    }
    authority->count = count;
    char *path = path_make("%s/chain.crt", authority->directory);
    if (!text_file_write(path, bundle.data, bundle.size, 0644)) {
        perror(path);
        exit(1);
    }
    free(path);
    text_clear(&bundle);
}

struct authority *authority_open(const struct options *options)
{
    struct authority *authority = calloc(1, sizeof *authority);
    if (!authority)
        abort();
    authority->directory = path_make("%s", options->directory);
    authority->validity = (long)options->validity * DAY;
    folder_make(options->directory, "authority");
    folder_make(options->directory, "issued");
    root_open(authority, options->key->elliptic);
    chain_open(authority, options->chain, options->key->elliptic);
    return authority;
}

void authority_close(struct authority *authority)
{
    if (!authority)
        return;
    for (unsigned i = 0; i < authority->count; i++) {
        X509_free(authority->chain[i]);
        EVP_PKEY_free(authority->chain_keys[i]);
    }
    X509_free(authority->root);
    EVP_PKEY_free(authority->root_key);
    free(authority->directory);
    free(authority);
}

X509 *authority_root(const struct authority *authority)
{
    return authority->root;
}

unsigned authority_chain_count(const struct authority *authority)
{
    return authority->count;
}

X509 *authority_chain_get(const struct authority *authority, unsigned index)
{
    return authority->chain[index];
}

/* An authority that appears nowhere else. */
static void foreign_issuer_make(struct certificate_demand *demand)
{
    EVP_PKEY *key = certificate_key_make(true);
    struct certificate_demand root = {
        .kind = CERTIFICATE_ROOT,
        .organization = "Somebody else",
        .common_name = "MDM Device CA 1",
        .begins = -DAY,
        .ends = 3650 * DAY,
        .key = key,
    };
    demand->issuer = certificate_make(&root);
    demand->issuer_key = key;
}

static void modes_apply(const struct modes *modes, struct certificate_demand *demand)
{
    if (modes_has(modes, "certificate", "expired")) {
        demand->begins = -30 * DAY;
        demand->ends = -DAY;
    }
    if (modes_has(modes, "certificate", "not-yet-valid"))
        demand->begins = DAY;
    if (modes_has(modes, "certificate", "back-dated") || modes_deviate(modes, "fleet"))
        demand->begins = -180 * DAY;
    if (modes_has(modes, "certificate", "no-eku"))
        demand->key_usages = "";
    if (modes_has(modes, "certificate", "server-eku"))
        demand->key_usages = "serverAuth";
    if (modes_has(modes, "certificate", "no-signing"))
        demand->usage = "critical,keyEncipherment";
    demand->critical_unknown = modes_has(modes, "certificate", "critical");
    demand->authority = modes_has(modes, "certificate", "ca");
    if (modes_has(modes, "certificate", "nul-subject")) {
        demand->common_name = "alice\0.evil.test";
        demand->common_name_size = 16;
    }
}

X509 *authority_certificate_issue(struct authority *authority, EVP_PKEY *key, const char *device,
                                  const struct modes *modes)
{
    bool foreign = modes_has(modes, "certificate", "foreign-chain");
    bool other_key = modes_has(modes, "certificate", "other-key");
    char name[65];
    (void)snprintf(name, sizeof name, "%.64s", device); /* ub-common-name (RFC 5280 appendix A) */
    struct certificate_demand demand = {
        .kind = CERTIFICATE_CLIENT,
        .organization = ORGANIZATION,
        .common_name = name,
        .begins = -300,
        .ends = authority->validity,
        .key = other_key ? certificate_key_make(EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) : key,
        .issuer = authority->count ? authority->chain[authority->count - 1] : authority->root,
        .issuer_key = authority->count ? authority->chain_keys[authority->count - 1] : authority->root_key,
    };
    modes_apply(modes, &demand);
    if (foreign)
        foreign_issuer_make(&demand);
    X509 *certificate = certificate_make(&demand);
    char *serial = certificate_serial_text(certificate);
    char *path = path_make("%s/issued/%s.crt", authority->directory, serial);
    certificate_file_write(path, certificate);
    free(path);
    OPENSSL_free(serial);
    if (foreign) {
        X509_free(demand.issuer);
        EVP_PKEY_free(demand.issuer_key);
    }
    if (other_key)
        EVP_PKEY_free(demand.key);
    return certificate;
}

static bool chain_verify(const struct authority *authority, X509 *certificate, char *ret_why)
{
    bool good = false;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *untrusted = sk_X509_new_null();
    if (!store || !context || !untrusted || X509_STORE_add_cert(store, authority->root) != 1)
        abort();
    for (unsigned i = 0; i < authority->count; i++)
        if (sk_X509_push(untrusted, authority->chain[i]) <= 0)
            abort();
    if (X509_STORE_CTX_init(context, store, certificate, untrusted) != 1 ||
        X509_STORE_CTX_set_default(context, "ssl_client") != 1)
        abort();
    good = X509_verify_cert(context) == 1;
    if (!good)
        (void)snprintf(ret_why, WHY_SIZE, "%s",
                       X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    sk_X509_free(untrusted);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return good;
}

bool authority_certificate_check(const struct authority *authority, X509 *certificate, char *ret_why)
{
    if (!chain_verify(authority, certificate, ret_why))
        return false;
    char *serial = certificate_serial_text(certificate);
    char *path = path_make("%s/issued/%s.crt", authority->directory, serial);
    X509 *issued = certificate_file_read(path);
    bool known = issued && X509_cmp(issued, certificate) == 0;
    if (!known)
        (void)snprintf(ret_why, WHY_SIZE, "this authority has not issued it");
    X509_free(issued);
    free(path);
    OPENSSL_free(serial);
    return known;
}
