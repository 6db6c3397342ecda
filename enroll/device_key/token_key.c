/*
 * Why libp11 on our own module, and not something else. The key has to sign a PKCS #10 request, a CMS message
 * and TLS 1.2 and 1.3 handshakes in libcrypto and libcurl.
 * - libp11 is kept up by the OpenSC project and is what curl, stunnel and wpa_supplicant use; the path from
 * here through the module to the TPM is the one that applications take, so every enrolment tries it before
 * they do.
 * - tpm2-openssl would open the TPM a second time, by rules of its own (no PIN, no recovery, its own TCTI),
 * and Debian 12 does not install it with anything else.
 * - A provider of our own would be a third door to the TPM, and some two thousand lines.
 * libp11 is used as a library, not as the engine "pkcs11": the engine is looked up by OpenSSL's
 * configuration, takes whatever module p11-kit or the environment names, and asks for PINs on the terminal.
 * The library's key methods for RSA-PSS, which TLS 1.3 needs, hang on an ENGINE; the one made here is in no
 * list and nobody's default.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "token_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libp11.h>
#include <p11-kit/pkcs11.h>
#include <p11-kit/uri.h>
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

static enum enroll_exit fail(struct enroll_error *ret_error, enum enroll_step step,
                             enum enroll_exit exit_status, const char *advice, const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    enroll_error_set(ret_error, exit_status, step, advice, "%s%s%s%s.", what, reason != NULL ? " (" : "",
                     reason != NULL ? reason : "", reason != NULL ? ")" : "");
    ERR_clear_error();
    return exit_status;
}

/* The module reads the token directory and the TPM's connection from the environment of the process it is in.
 */
static bool environment_set(const struct token_key_options *options)
{
    return setenv("INTUNE_TPM_TOKEN_DIR", options->token_directory, 1) == 0 &&
           (options->tcti == NULL || setenv("INTUNE_TPM_TCTI", options->tcti, 1) == 0);
}

static PKCS11_KEY *private_key_find(struct token_key *key, const struct token_key_options *options,
                                    const char **ret_what)
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

enum enroll_exit token_key_open(const struct token_key_options *options, enum enroll_step step,
                                struct token_key **ret_key, struct enroll_error *ret_error)
{
    struct token_key *key;
    const char *what = NULL;
    PKCS11_KEY *found;

    /* libp11 says on standard error what the dynamic linker has to say. */
    if (access(module_path(options), R_OK) != 0)
        return enroll_error_set(ret_error, ENROLL_TPM, step, "Check the installation: intune-enroll verify.",
                                "The PKCS #11 module %s cannot be read: %s.", module_path(options),
                                strerrordesc_np(errno));
    key = calloc(1, sizeof(*key));
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

/* ---- any token, by URI ---- */

static bool field_is(const unsigned char *wanted, size_t size, const char *have)
{
    /* Fields of a URI are blank-padded as PKCS #11 has them; an empty one is not asked for. */
    while (size > 0 && (wanted[size - 1] == ' ' || wanted[size - 1] == '\0'))
        size--;
    return size == 0 || (have != NULL && strlen(have) == size && memcmp(wanted, have, size) == 0);
}

static bool token_is(const PKCS11_TOKEN *token, P11KitUri *uri)
{
    const CK_TOKEN_INFO *wanted = p11_kit_uri_get_token_info(uri);

    return token != NULL && field_is(wanted->label, sizeof(wanted->label), token->label) &&
           field_is(wanted->manufacturerID, sizeof(wanted->manufacturerID), token->manufacturer) &&
           field_is(wanted->model, sizeof(wanted->model), token->model) &&
           field_is(wanted->serialNumber, sizeof(wanted->serialNumber), token->serialnr);
}

static bool attribute_is(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, const void *have, size_t size)
{
    const CK_ATTRIBUTE *wanted = p11_kit_uri_get_attribute(uri, type);

    return wanted == NULL ||
           (have != NULL && wanted->ulValueLen == size && memcmp(wanted->pValue, have, size) == 0);
}

static PKCS11_KEY *uri_key_find(PKCS11_TOKEN *token, P11KitUri *uri)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    if (PKCS11_enumerate_keys(token, &keys, &count) != 0)
        return NULL;
    for (unsigned i = 0; i < count; i++)
        if (attribute_is(uri, CKA_ID, keys[i].id, keys[i].id_len) &&
            attribute_is(uri, CKA_LABEL, keys[i].label, keys[i].label != NULL ? strlen(keys[i].label) : 0))
            return &keys[i];
    return NULL;
}

/* What is missing, or NULL when the token wants no PIN or took the one it was given. */
static const char *uri_login(PKCS11_SLOT *slot, P11KitUri *uri, const struct token_key_pin *pin)
{
    char *value;
    bool accepted;

    if (!slot->token->loginRequired)
        return NULL;
    value = pin->get(pin->context, p11_kit_uri_get_pin_source(uri));
    if (value == NULL)
        return "its token wants a PIN, and none could be had";
    accepted = PKCS11_login(slot, 0, value) == 0;
    OPENSSL_cleanse(value, strlen(value));
    free(value);
    return accepted ? NULL : "its PIN was not accepted";
}

/* What is missing, or NULL with the key and its certificate. */
static const char *uri_find(struct token_key *key, P11KitUri *uri, const struct token_key_pin *pin,
                            X509 **ret_certificate)
{
    const char *why;
    PKCS11_SLOT *slot = NULL;
    PKCS11_KEY *found;
    PKCS11_CERT *certificate;

    for (unsigned i = 0; i < key->slot_count && slot == NULL; i++)
        if (token_is(key->slots[i].token, uri))
            slot = &key->slots[i];
    if (slot == NULL)
        return "no token is there that it names";
    why = uri_login(slot, uri, pin);
    if (why != NULL)
        return why;
    found = uri_key_find(slot->token, uri);
    if (found == NULL)
        return "no key is there that it names";
    certificate = PKCS11_find_certificate(found);
    if (certificate == NULL || certificate->x509 == NULL)
        return "no certificate belongs to the key that it names";
    key->pkey = PKCS11_get_private_key(found);
    if (key->pkey == NULL || !methods_attach(key))
        return "its key could not be used by OpenSSL";
    *ret_certificate = X509_dup(certificate->x509);
    return *ret_certificate != NULL ? NULL : "memory ran out";
}

enum enroll_exit token_key_open_uri(const char *uri, const struct token_key_pin *pin, enum enroll_step step,
                                    struct token_key **ret_key, X509 **ret_certificate,
                                    struct enroll_error *ret_error)
{
    P11KitUri *parsed = p11_kit_uri_new();
    struct token_key *key = calloc(1, sizeof(*key));
    const char *why = NULL;

    *ret_certificate = NULL;
    if (parsed == NULL || key == NULL || (key->context = PKCS11_CTX_new()) == NULL)
        why = "memory ran out";
    else if (p11_kit_uri_parse(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, parsed) != P11_KIT_URI_OK)
        why = "it is no pkcs11: address of an object";
    else if (p11_kit_uri_get_pin_value(parsed) != NULL)
        why = "it carries a PIN, which a command line shows to everybody; name a file with pin-source, or be "
              "asked";
    else if (PKCS11_CTX_load(key->context, P11_KIT_PROXY_PATH) != 0)
        why = "p11-kit could not be loaded";
    if (why == NULL) {
        key->loaded = true;
        why = PKCS11_enumerate_slots(key->context, &key->slots, &key->slot_count) != 0
                  ? "there is no token"
                  : uri_find(key, parsed, pin, ret_certificate);
    }
    p11_kit_uri_free(parsed);
    ERR_clear_error();
    if (why == NULL) {
        *ret_key = key;
        return ENROLL_OK;
    }
    token_key_close(key);
    return enroll_error_set(ret_error, ENROLL_CONFIGURATION, step, "p11tool --list-all shows what there is.",
                            "The key and certificate at %.*s cannot be used: %s.", (int)strcspn(uri, "?"),
                            uri, why);
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
