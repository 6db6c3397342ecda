/*
 * An existing certificate and its key (AuthPolicy Certificate): PEM files, or a pkcs11: URI of any token that
 * p11-kit knows, which names both.
 */
#include "source.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "secret.h"
#include "token_signing_key.h"

static const struct setting certificate_option = {
    "certificate", "FILE|URI", "client certificate, PEM or pkcs11: URI", NULL, 0, 0};
static const struct setting key_option = {
    "certificate-key", "FILE", "its private key; default: in the same file", NULL, 0, 0};

static enum enroll_exit refuse(const char *what, const char *name, struct enroll_error *ret_error)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --certificate and --certificate-key",
                     "cannot read the client %s from %s%s%s%s", what, name, reason != NULL ? " (" : "",
                     reason != NULL ? reason : "", reason != NULL ? ")" : "");
    ERR_clear_error();
    return ENROLL_CONFIGURATION;
}

/* The passphrase is prompted for like other secrets, not by OpenSSL on the terminal. */
static int passphrase_ask(char *buffer, int size, int writing, void *context)
{
    const struct credential_options *options = context;
    char *answer = NULL;
    int length = 0;

    (void)writing;
    if (options->ask_secret != NULL)
        answer = options->ask_secret(options->context, "Passphrase of the key");
    if (answer == NULL)
        return 0;
    length = (int)strlen(answer);
    if (length <= size)
        memcpy(buffer, answer, (size_t)length);
    OPENSSL_cleanse(answer, (size_t)length);
    free(answer);
    return length <= size ? length : 0;
}

static X509 *certificate_read(const char *name)
{
    FILE *file = fopen(name, "re");
    X509 *certificate = NULL;

    if (file != NULL) {
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    return certificate;
}

static EVP_PKEY *key_read(const char *name, const struct credential_options *options)
{
    FILE *file = fopen(name, "re");
    EVP_PKEY *key = NULL;

    if (file != NULL) {
        key = PEM_read_PrivateKey(file, NULL, passphrase_ask, (void *)(uintptr_t)options);
        fclose(file);
    }
    return key;
}

static enum enroll_exit files_read(const struct credential_options *options,
                                   struct credential *ret_credential, struct enroll_error *ret_error)
{
    const char *name = credential_option_value(options, &certificate_option);
    const char *key_name = credential_option_value(options, &key_option);

    if (key_name == NULL)
        key_name = name;
    ret_credential->certificate = certificate_read(name);
    if (ret_credential->certificate == NULL)
        return refuse("certificate", name, ret_error);
    ret_credential->key = key_read(key_name, options);
    return ret_credential->key != NULL ? ENROLL_OK : refuse("key", key_name, ret_error);
}

static void source_close(void *source)
{
    signing_key_close(source);
}

/* RFC 7512, 2.4: pin-source names a file, as a path or a file: URI. Without one the PIN is asked for. */
static char *token_pin_get(void *context, const char *source)
{
    const struct credential_options *options = context;
    const char *why;
    char *pin = NULL;
    int fd;

    if (source == NULL)
        return options->ask_secret != NULL ? options->ask_secret(options->context, "PIN of the token") : NULL;
    if (strncmp(source, "file:", 5) == 0)
        source += strncmp(source, "file://", 7) == 0 ? 7 : 5;
    fd = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NULL;
    pin = secret_read(fd, options->cancelled, options->context, &why);
    close(fd);
    return pin;
}

static enum enroll_exit token_read(const struct credential_options *options,
                                   struct credential *ret_credential, struct enroll_error *ret_error)
{
    const struct token_pin_source pin = {token_pin_get, (void *)(uintptr_t)options};
    struct signing_key *key = NULL;
    enum enroll_exit status = token_signing_key_open(credential_option_value(options, &certificate_option),
                                                     &pin, &key, &ret_credential->certificate, ret_error);

    if (status != ENROLL_OK)
        return status;
    ret_credential->key_source = key;
    ret_credential->key_source_close = source_close;
    ret_credential->key = signing_key_pkey(key);
    return EVP_PKEY_up_ref(ret_credential->key) == 1 ? ENROLL_OK : enroll_error_memory(ret_error);
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    bool on_token = strncmp(credential_option_value(options, &certificate_option), "pkcs11:", 7) == 0;
    enum enroll_exit status;

    (void)request;
    ret_credential->kind = CREDENTIAL_CERTIFICATE;
    status = on_token ? token_read(options, ret_credential, ret_error)
                      : files_read(options, ret_credential, ret_error);
    if (status != ENROLL_OK)
        return status;
    if (X509_check_private_key(ret_credential->certificate, ret_credential->key) != 1) {
        ERR_clear_error();
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --certificate and --certificate-key",
                                "the client certificate and its key do not match");
    }
    return ENROLL_OK;
}

const struct credential_source credential_certificate = {
    .name = "certificate",
    .kinds = CREDENTIAL_CERTIFICATE,
    .needs = &certificate_option,
    .options = {&certificate_option, &key_option},
    .obtain = obtain,
};
