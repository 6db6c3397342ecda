/*
 * Makes a token directory with a real key in a TPM and a certificate of a test authority for it: what the
 * module's tests look at without an enrolment.
 *
 *   make-token --directory DIR [--type rsa|ec] [--bits N] [--curve P-256|P-384] [--pin PIN]
 *              [--persistent] [--pending] [--keep-key] [--new-pin PIN]
 *
 * The TPM is the one of INTUNE_TPM_TCTI. The generation is the one after the present one; label, serial and
 * id are kept. --keep-key: a new certificate for the key that is there already. --new-pin: and another PIN in
 * place of --pin. Prints the token's label, id and generation.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include "configuration.h"
#include "test-authority.h"
#include "token_directory.h"

struct options {
    const char *directory;
    const char *pin, *new_pin;
    struct tpm_key_request request;
    bool persistent, pending, keep_key;
};

static void __attribute__((noreturn)) die(const char *what)
{
    fprintf(stderr, "make-token: %s\n", what);
    exit(1);
}

static void check(bool good, const char *what)
{
    if (!good)
        die(what);
}

static void check_tpm(enum tpm_status status, const char *what)
{
    if (status != TPM_OK) {
        fprintf(stderr, "make-token: %s: %s\n", what, tpm_status_text(status));
        exit(1);
    }
}

static EVP_PKEY *public_key_of(const struct tpm_public_key *key)
{
    uint8_t point[1 + 2 * TPM_EC_MAX] = {4};
    size_t size = (key->bits + 7) / 8;
    EVP_PKEY *result = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(key->modulus, (int)key->bits / 8, NULL), *e = BN_new();
    bool rsa = key->type == TPM_KEY_RSA;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, rsa ? "RSA" : "EC", NULL);

    if (rsa) {
        BN_set_word(e, key->exponent);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e);
    } else {
        memcpy(point + 1, key->x, size);
        memcpy(point + 1 + size, key->y, size);
        OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
                                        key->curve == TPM_CURVE_P256 ? "P-256" : "P-384", 0);
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * size);
    }
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_fromdata_init(context);
    EVP_PKEY_fromdata(context, &result, EVP_PKEY_PUBLIC_KEY, parameters);
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    check(result != NULL, "the public key is not one");
    return result;
}

/* The DER that an i2d function makes. */
#define DER_OF(bytes, function, object)                                                                      \
    do {                                                                                                     \
        unsigned char *der = NULL;                                                                           \
        int der_size = function(object, &der);                                                               \
        check(der_size > 0, #function);                                                                      \
        (bytes)->data = malloc((size_t)der_size);                                                            \
        check((bytes)->data != NULL, "memory");                                                              \
        memcpy((bytes)->data, der, (size_t)der_size);                                                        \
        (bytes)->size = (size_t)der_size;                                                                    \
        OPENSSL_free(der);                                                                                   \
    } while (0)

static void date_of(const ASN1_TIME *time, char ret_date[9])
{
    struct tm parts;
    check(ASN1_TIME_to_tm(time, &parts) == 1, "a date");
    strftime(ret_date, 9, "%Y%m%d", &parts);
}

static void key_hash(X509 *certificate, uint8_t ret_hash[20])
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(certificate);
    SHA1(bits->data, (size_t)bits->length, ret_hash);
}

static void describe(X509 *certificate, X509 *issuer, struct token_certificate *ret_described)
{
    DER_OF(&ret_described->value, i2d_X509, certificate);
    DER_OF(&ret_described->subject, i2d_X509_NAME, X509_get_subject_name(certificate));
    DER_OF(&ret_described->issuer, i2d_X509_NAME, X509_get_issuer_name(certificate));
    DER_OF(&ret_described->serial_number, i2d_ASN1_INTEGER, X509_get_serialNumber(certificate));
    DER_OF(&ret_described->public_key_info, i2d_PUBKEY, X509_get0_pubkey(certificate));
    date_of(X509_get0_notBefore(certificate), ret_described->not_before);
    date_of(X509_get0_notAfter(certificate), ret_described->not_after);
    key_hash(certificate, ret_described->subject_public_key_hash);
    if (issuer != NULL) {
        key_hash(issuer, ret_described->issuer_public_key_hash);
        ret_described->has_issuer_public_key_hash = true;
    }
    memcpy(ret_described->id, ret_described->subject_public_key_hash, 20);
    ret_described->id_size = 20;
}

static void make_key(const struct options *options, struct tpm_key *ret_key)
{
    char tcti[CONFIGURATION_TCTI_MAX];
    uint8_t salt[TPM_PIN_SALT_SIZE];
    struct tpm_auth auth;

    check(configuration_tcti(tcti, sizeof tcti), "no TCTI");
    struct tpm *tpm = tpm_new(tcti);
    check(tpm != NULL, "memory");
    if (options->pin != NULL) {
        check(RAND_bytes(salt, sizeof salt) == 1, "random");
        check(tpm_auth_derive((const uint8_t *)options->pin, strlen(options->pin), salt, &auth),
              "the PIN's length");
    }
    check_tpm(tpm_key_create(tpm, &options->request, options->pin == NULL ? NULL : &auth,
                             options->pin == NULL ? NULL : salt, ret_key),
              "making the key");
    if (options->persistent) {
        uint32_t handle;
        check_tpm(tpm_key_persist(tpm, ret_key, &handle), "making the key resident");
        ret_key->persistent_handle = handle;
    }
    tpm_free(tpm);
}

/* The key that is there gets another PIN, also where it is resident. */
static void change_pin(const struct options *options, struct tpm_key *key)
{
    char tcti[CONFIGURATION_TCTI_MAX];
    uint8_t salt[TPM_PIN_SALT_SIZE];
    struct tpm_auth old_auth, new_auth;
    struct tpm_key *changed = calloc(1, sizeof *changed);

    check(configuration_tcti(tcti, sizeof tcti), "no TCTI");
    struct tpm *tpm = tpm_new(tcti);
    check(tpm != NULL && changed != NULL && options->pin != NULL, "memory, or no --pin");
    check(RAND_bytes(salt, sizeof salt) == 1, "random");
    check(tpm_auth_derive((const uint8_t *)options->pin, strlen(options->pin), key->pin_salt, &old_auth) &&
              tpm_auth_derive((const uint8_t *)options->new_pin, strlen(options->new_pin), salt, &new_auth),
          "the PIN's length");
    check_tpm(tpm_key_change_auth(tpm, key, &old_auth, &new_auth, salt, changed), "changing the PIN");
    if (key->persistent_handle != 0) {
        uint32_t handle;
        check_tpm(tpm_key_evict(tpm, key), "evicting the key");
        check_tpm(tpm_key_persist(tpm, changed, &handle), "making the key resident");
        changed->persistent_handle = handle;
    }
    *key = *changed;
    free(changed);
    tpm_free(tpm);
}

static void write_file(const char *directory, const char *name, const char *text, size_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    check(file != NULL && fwrite(text, 1, size, file) == size && fclose(file) == 0, path);
}

static void write_certificates(const char *directory, const char *name, X509 *const *certificates,
                               size_t count)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text;
    for (size_t i = 0; i < count; i++)
        check(PEM_write_bio_X509(memory, certificates[i]) == 1, "PEM");
    long size = BIO_get_mem_data(memory, &text);
    write_file(directory, name, text, (size_t)size);
    BIO_free(memory);
}

static void switch_to(const char *directory, unsigned long number)
{
    char link_path[512], current[512], target[64];
    snprintf(link_path, sizeof link_path, "%s/current.new", directory);
    snprintf(current, sizeof current, "%s/current", directory);
    snprintf(target, sizeof target, "generations/%lu", number);
    check(unlink(link_path) == 0 || errno == ENOENT, "unlink");
    check(symlink(target, link_path) == 0 && rename(link_path, current) == 0, "switching");
}

/* Label, serial and id of a new token. */
static void name_token(struct token_generation *generation, const uint8_t hash[20])
{
    snprintf(generation->label, sizeof generation->label, "Test device");
    snprintf(generation->object_label, sizeof generation->object_label, "device");
    snprintf(generation->serial, sizeof generation->serial, "%02x%02x%02x%02x%02x%02x%02x%02x", hash[0],
             hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
    memcpy(generation->id, hash, 20);
    generation->id_size = 20;
    snprintf(generation->manufacturer, sizeof generation->manufacturer, "IBM");
    snprintf(generation->model, sizeof generation->model, "SW   TPM");
    generation->firmware_major = 1;
    generation->firmware_minor = 2;
}

static void write_generation(const struct options *options, struct token_generation *generation)
{
    struct authority authority;
    char directory[400];
    char *text;
    size_t size;

    check(authority_open(options->directory, &authority), "the authority");
    EVP_PKEY *public_key = public_key_of(&generation->key.public_key);
    X509 *certificate = authority_issue(&authority, public_key, "device 0001");
    check(certificate != NULL, "issuing");
    X509 *const chain[] = {authority.issuer, authority.root};
    describe(certificate, authority.issuer, &generation->certificate);
    describe(authority.issuer, authority.root, &generation->chain[0]);
    describe(authority.root, authority.root, &generation->chain[1]);
    generation->chain_count = 2;
    generation->has_certificate = !options->pending;
    DER_OF(&generation->public_key_info, i2d_PUBKEY, public_key);
    if (generation->number == 0)
        name_token(generation, generation->certificate.subject_public_key_hash);
    memcpy(generation->certificate.id, generation->id, sizeof generation->id);
    generation->number++;

    snprintf(directory, sizeof directory, "%s/generations", options->directory);
    check(mkdir(directory, 0755) == 0 || errno == EEXIST, directory);
    snprintf(directory, sizeof directory, "%s/generations/%lu", options->directory, generation->number);
    check(mkdir(directory, 0755) == 0, directory);
    check(token_conf_format(generation, &text, &size), "token.conf cannot be written");
    write_file(directory, "token.conf", text, size);
    if (!options->pending) {
        write_certificates(directory, "device.crt", &certificate, 1);
        write_certificates(directory, "chain.crt", chain, 2);
    }
    switch_to(options->directory, generation->number);
    free(text);
    X509_free(certificate);
    EVP_PKEY_free(public_key);
    authority_close(&authority);
}

static void take_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"directory", required_argument, NULL, 'd'}, {"type", required_argument, NULL, 't'},
        {"bits", required_argument, NULL, 'b'},      {"curve", required_argument, NULL, 'c'},
        {"pin", required_argument, NULL, 'p'},       {"persistent", no_argument, NULL, 'r'},
        {"pending", no_argument, NULL, 'n'},         {"keep-key", no_argument, NULL, 'k'},
        {"new-pin", required_argument, NULL, 'w'},   {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            options->directory = optarg;
            break;
        case 't':
            options->request.type = strcmp(optarg, "ec") == 0 ? TPM_KEY_EC : TPM_KEY_RSA;
            break;
        case 'b':
            options->request.bits = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'c':
            options->request.curve = strcmp(optarg, "P-384") == 0 ? TPM_CURVE_P384 : TPM_CURVE_P256;
            break;
        case 'p':
            options->pin = optarg;
            break;
        case 'r':
            options->persistent = true;
            break;
        case 'n':
            options->pending = true;
            break;
        case 'k':
            options->keep_key = true;
            break;
        case 'w':
            options->new_pin = optarg;
            break;
        default:
            die("unknown option");
        }
    }
    check(options->directory != NULL, "--directory is missing");
}

int main(int argc, char **argv)
{
    struct options options = {
        .request = {.type = TPM_KEY_EC, .bits = 2048, .curve = TPM_CURVE_P256, .may_persist = true}};
    struct token_generation *generation;
    struct token_generation *next = calloc(1, sizeof *next);
    char why[256];

    take_options(argc, argv, &options);
    check(next != NULL, "memory");
    check(mkdir(options.directory, 0755) == 0 || errno == EEXIST, options.directory);
    enum token_status status = token_generation_read(options.directory, &generation, why, sizeof why);
    check(status == TOKEN_OK || status == TOKEN_ABSENT, why);
    if (status == TOKEN_OK) {
        next->number = generation->number;
        next->key = generation->key;
        name_token(next, generation->id);
        memcpy(next->serial, generation->serial, sizeof next->serial);
        token_generation_free(generation);
    }
    if (status == TOKEN_ABSENT || !options.keep_key)
        make_key(&options, &next->key);
    else if (options.new_pin != NULL)
        change_pin(&options, &next->key);
    write_generation(&options, next);
    printf("%s\n", next->label);
    for (size_t i = 0; i < next->id_size; i++)
        printf("%02x", next->id[i]);
    printf("\n%lu\n", next->number);
    token_generation_free(next);
    return 0;
}
