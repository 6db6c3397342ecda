/*
 * An existing certificate and its key (AuthPolicy Certificate): PEM files, or pkcs11: URIs of any token that p11-kit knows.
 * For those the engine of libp11 is the right tool, unlike for our own token (see net/token_key.c): it reads the URI.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "auth/ways.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static bool is_uri(const char *name)
{
    return strncmp(name, "pkcs11:", 7) == 0;
}

static enum enroll_exit refuse(const char *what, const char *name, struct enroll_error *ret_error)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    char shown[200];

    /* A URI may carry a PIN. */
    snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(name, "?"), name);
    enroll_error_set(ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Check --auth-certificate and --auth-key.",
                     "The %s that authenticates this enrolment cannot be read from %s%s%s%s.", what, shown,
                     reason != NULL ? " (" : "", reason != NULL ? reason : "", reason != NULL ? ")" : "");
    ERR_clear_error();
    return ENROLL_CONFIGURATION;
}

static void engine_close(void *engine)
{
    ENGINE_finish(engine);
    ENGINE_free(engine);
}

static ENGINE *engine_open(void)
{
    ENGINE *engine;

    ENGINE_load_dynamic();
    engine = ENGINE_by_id("pkcs11");
    if (engine != NULL && ENGINE_init(engine) != 1) {
        ENGINE_free(engine);
        engine = NULL;
    }
    return engine;
}

/* A passphrase is asked for the way every other secret is, not by OpenSSL on the terminal. */
static int passphrase_ask(char *buffer, int size, int writing, void *context)
{
    const struct auth_options *options = context;
    char *answer = NULL;
    int length = 0;

    (void)writing;
    if (options->ask_secret != NULL)
        answer = options->ask_secret(options->context, "Passphrase of the key: ");
    if (answer == NULL)
        return 0;
    length = (int)strlen(answer);
    if (length <= size)
        memcpy(buffer, answer, (size_t)length);
    OPENSSL_cleanse(answer, (size_t)length);
    free(answer);
    return length <= size ? length : 0;
}

static X509 *certificate_read(const char *name, ENGINE *engine)
{
    struct {
        const char *id;
        X509 *certificate;
    } wanted = {name, NULL};
    X509 *certificate = NULL;
    FILE *file;

    if (is_uri(name))
        return engine != NULL && ENGINE_ctrl_cmd(engine, "LOAD_CERT_CTRL", 0, &wanted, NULL, 0) == 1 ? wanted.certificate
                                                                                                       : NULL;
    file = fopen(name, "re");
    if (file != NULL) {
        certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    return certificate;
}

static EVP_PKEY *key_read(const char *name, ENGINE *engine, const struct auth_options *options)
{
    EVP_PKEY *key = NULL;
    FILE *file;

    if (is_uri(name))
        return engine != NULL ? ENGINE_load_private_key(engine, name, NULL, NULL) : NULL;
    file = fopen(name, "re");
    if (file != NULL) {
        key = PEM_read_PrivateKey(file, NULL, passphrase_ask, (void *)(uintptr_t)options);
        fclose(file);
    }
    return key;
}

enum enroll_exit auth_certificate_obtain(const struct auth_options *options, const struct auth_situation *situation,
                                         struct auth_credential *ret_credential, struct enroll_error *ret_error)
{
    const char *key_name = options->certificate_key != NULL ? options->certificate_key : options->certificate;
    ENGINE *engine = NULL;

    (void)situation;
    if (is_uri(options->certificate) || is_uri(key_name)) {
        engine = engine_open();
        if (engine == NULL)
            return enroll_error_set(ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Install libengine-pkcs11-openssl.",
                                    "OpenSSL's engine for pkcs11: addresses could not be loaded.");
        ret_credential->key_source = engine;
        ret_credential->key_source_close = engine_close;
    }
    ret_credential->kind = CREDENTIAL_CERTIFICATE;
    ret_credential->certificate = certificate_read(options->certificate, engine);
    if (ret_credential->certificate == NULL)
        return refuse("certificate", options->certificate, ret_error);
    ret_credential->key = key_read(key_name, engine, options);
    if (ret_credential->key == NULL)
        return refuse("key", key_name, ret_error);
    if (X509_check_private_key(ret_credential->certificate, ret_credential->key) != 1) {
        ERR_clear_error();
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, STEP_TOKEN, "Check --auth-certificate and --auth-key.",
                                "The certificate and the key that authenticate this enrolment do not belong together.");
    }
    return ENROLL_OK;
}
