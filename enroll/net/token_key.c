/*
 * Why libp11 on our own module, and not something else. The key has to sign a PKCS #10 request, a CMS message and TLS
 * 1.2 and 1.3 handshakes in libcrypto and libcurl.
 * - libp11 is kept up by the OpenSC project and is what curl, stunnel and wpa_supplicant use; the path from here through
 *   the module to the TPM is the one that applications take, so every enrolment tries it before they do.
 * - tpm2-openssl would open the TPM a second time, by rules of its own (no PIN, no recovery, its own TCTI), and Debian 12
 *   does not install it with anything else.
 * - A provider of our own would be a third door to the TPM, and some two thousand lines.
 * libp11 is used as a library, not as the engine "pkcs11": the engine is looked up by OpenSSL's configuration, takes
 * whatever module p11-kit or the environment names, and asks for PINs on the terminal. The library's key methods for
 * RSA-PSS, which TLS 1.3 needs, hang on an ENGINE; the one made here is in no list and nobody's default.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "net/token_key.h"

#include <stdlib.h>
#include <string.h>

#include <libp11.h>
#include <openssl/engine.h>
#include <openssl/err.h>

struct token_key {
    PKCS11_CTX *context;
    bool loaded;
    PKCS11_SLOT *slots;
    unsigned slot_count;
    ENGINE *engine;
    EVP_PKEY *pkey;
};

static const char *module_path(const struct token_key_options *options)
{
    const char *path = options->module_path;

    if (path == NULL)
        path = secure_getenv("INTUNE_TPM_MODULE");
    return path != NULL ? path : INTUNE_TPM_MODULE_PATH;
}

static enum enroll_exit fail(struct enroll_error *ret_error, enum enroll_step step, enum enroll_exit exit_status,
                             const char *advice, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    enroll_error_set(ret_error, exit_status, step, advice, "%s%s%s%s.", what, reason != NULL ? " (" : "",
                     reason != NULL ? reason : "", reason != NULL ? ")" : "");
    ERR_clear_error();
    return exit_status;
}

/* The module reads the token directory and the TPM's connection from the environment of the process it is in. */
static bool environment_set(const struct token_key_options *options)
{
    return setenv("INTUNE_TPM_TOKEN_DIR", options->token_directory, 1) == 0 &&
           (options->tcti == NULL || setenv("INTUNE_TPM_TCTI", options->tcti, 1) == 0);
}

static PKCS11_KEY *private_key_find(struct token_key *key, const struct token_key_options *options, const char **ret_what)
{
    PKCS11_SLOT *slot = PKCS11_find_token(key->context, key->slots, key->slot_count);
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    *ret_what = "The token with this device's key is not there";
    if (slot == NULL || slot->token == NULL)
        return NULL;
    *ret_what = "The PIN of this device's key was not accepted";
    if (options->pin != NULL && PKCS11_login(slot, 0, options->pin) != 0)
        return NULL;
    *ret_what = "The token does not show exactly one private key";
    if (PKCS11_enumerate_keys(slot->token, &keys, &count) != 0 || count != 1)
        return NULL;
    return keys;
}

static bool methods_attach(struct token_key *key)
{
    key->engine = ENGINE_new();
    return key->engine != NULL && ENGINE_set_id(key->engine, "intune-tpm-key") == 1 &&
           ENGINE_set_name(key->engine, "key of the device token") == 1 &&
           ENGINE_set_pkey_meths(key->engine, PKCS11_pkey_meths) == 1 &&
           EVP_PKEY_set1_engine(key->pkey, key->engine) == 1;
}

enum enroll_exit token_key_open(const struct token_key_options *options, enum enroll_step step, struct token_key **ret_key,
                                struct enroll_error *ret_error)
{
    struct token_key *key = calloc(1, sizeof(*key));
    const char *what = NULL;
    PKCS11_KEY *found;

    if (key == NULL || !environment_set(options) || (key->context = PKCS11_CTX_new()) == NULL) {
        token_key_close(key);
        return enroll_error_memory(ret_error, step);
    }
    if (PKCS11_CTX_load(key->context, module_path(options)) != 0) {
        token_key_close(key);
        return fail(ret_error, step, ENROLL_TPM, "Check the installation: intune-enroll verify.",
                    "The PKCS #11 module of this package could not be loaded");
    }
    key->loaded = true;
    if (PKCS11_enumerate_slots(key->context, &key->slots, &key->slot_count) != 0) {
        token_key_close(key);
        return fail(ret_error, step, ENROLL_TOKEN_DIRECTORY, "Check the token: intune-enroll verify.",
                    "The token with this device's key could not be opened");
    }
    found = private_key_find(key, options, &what);
    if (found == NULL) {
        token_key_close(key);
        return fail(ret_error, step, options->pin != NULL ? ENROLL_TPM : ENROLL_TOKEN_DIRECTORY,
                    "Check the token: intune-enroll verify.", what);
    }
    key->pkey = PKCS11_get_private_key(found);
    if (key->pkey == NULL || !methods_attach(key)) {
        token_key_close(key);
        return fail(ret_error, step, ENROLL_TPM, NULL, "This device's key could not be used by OpenSSL");
    }
    *ret_key = key;
    return ENROLL_OK;
}

EVP_PKEY *token_key_pkey(const struct token_key *key)
{
    return key->pkey;
}

void token_key_close(struct token_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    ENGINE_free(key->engine);
    if (key->slots != NULL)
        PKCS11_release_all_slots(key->context, key->slots, key->slot_count);
    if (key->loaded)
        PKCS11_CTX_unload(key->context);
    if (key->context != NULL)
        PKCS11_CTX_free(key->context);
    free(key);
}
