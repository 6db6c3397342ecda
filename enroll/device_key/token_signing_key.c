#include "token_signing_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "public_key.h"
#include "rsa.h"

#define ID_MAX          256
#define CERTIFICATE_MAX (64 * 1024)

struct token_signer {
    CK_FUNCTION_LIST **modules; /* of p11-kit, NULL-terminated */
    CK_FUNCTION_LIST *module;   /* the one whose token it is */
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    bool has_session;
    bool always_authenticate; /* CKA_ALWAYS_AUTHENTICATE: the PIN goes with each signature */
    char *pin;
};

static void signer_close(void *context)
{
    struct token_signer *signer = context;
    if (signer == NULL)
        return;
    if (signer->has_session)
        signer->module->C_CloseSession(signer->session);
    if (signer->modules != NULL)
        p11_kit_modules_finalize_and_release(signer->modules);
    if (signer->pin != NULL)
        OPENSSL_clear_free(signer->pin, strlen(signer->pin));
    free(signer);
}

/* ---- signing ---- */

static bool pss_fill(const struct signature_parameters *parameters, CK_RSA_PKCS_PSS_PARAMS *ret_pss)
{
    const struct hash_algorithm *hash = hash_algorithm_find(parameters->hash);
    const struct hash_algorithm *mask = hash_algorithm_find(parameters->mask);
    if (hash == NULL || mask == NULL)
        return false;
    *ret_pss = (CK_RSA_PKCS_PSS_PARAMS){hash->mechanism, mask->mgf, parameters->salt_size};
    return true;
}

static bool signer_sign(void *context, const struct signature_parameters *parameters, const uint8_t *digest,
                        uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_size, const char **ret_reason)
{
    struct token_signer *signer = context;
    uint8_t input[RSA_DIGEST_INFO_MAX];
    size_t input_size = digest_size(parameters->hash);
    CK_RSA_PKCS_PSS_PARAMS pss;
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_ULONG size = SIGNATURE_SIZE_MAX;

    memcpy(input, digest, input_size);
    if (parameters->scheme == SIGNATURE_RSA_PKCS1) {
        mechanism.mechanism = CKM_RSA_PKCS;
        input_size = rsa_digest_info(parameters->hash, digest, input);
    } else if (parameters->scheme == SIGNATURE_RSA_PSS) {
        mechanism = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
        *ret_reason = "the token has no such padding";
        if (!pss_fill(parameters, &pss))
            return false;
    }
    CK_RV rv = signer->module->C_SignInit(signer->session, &mechanism, signer->key);
    if (rv == CKR_OK && signer->always_authenticate && signer->pin != NULL)
        rv = signer->module->C_Login(signer->session, CKU_CONTEXT_SPECIFIC, (CK_UTF8CHAR *)signer->pin,
                                     strlen(signer->pin));
    if (rv == CKR_OK)
        rv = signer->module->C_Sign(signer->session, input, input_size, ret_signature, &size);
    *ret_size = size;
    if (rv != CKR_OK)
        *ret_reason = p11_kit_strerror(rv);
    return rv == CKR_OK;
}

/* ---- finding the key ---- */

/* A session with the token that the URI names. */
static bool session_open(struct token_signer *signer, P11KitUri *uri, CK_TOKEN_INFO *ret_token)
{
    for (size_t i = 0; signer->modules[i] != NULL; i++) {
        CK_FUNCTION_LIST *module = signer->modules[i];
        CK_SLOT_ID slots[64];
        CK_ULONG count = sizeof(slots) / sizeof(slots[0]);
        if (module->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
            continue;
        for (CK_ULONG slot = 0; slot < count; slot++) {
            if (module->C_GetTokenInfo(slots[slot], ret_token) != CKR_OK ||
                !p11_kit_uri_match_token_info(uri, ret_token) ||
                module->C_OpenSession(slots[slot], CKF_SERIAL_SESSION, NULL, NULL, &signer->session) !=
                    CKR_OK)
                continue;
            signer->module = module;
            signer->has_session = true;
            return true;
        }
    }
    return false;
}

/* What is missing, or NULL when the token wants no PIN or took the one it was given. */
static const char *log_in(struct token_signer *signer, const CK_TOKEN_INFO *token, P11KitUri *uri,
                          const struct token_pin_source *pin)
{
    if ((token->flags & CKF_LOGIN_REQUIRED) == 0)
        return NULL;
    signer->pin = pin->get(pin->context, p11_kit_uri_get_pin_source(uri));
    if (signer->pin == NULL)
        return "its token wants a PIN, and there is none";
    CK_RV rv =
        signer->module->C_Login(signer->session, CKU_USER, (CK_UTF8CHAR *)signer->pin, strlen(signer->pin));
    return rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN ? NULL : "its PIN was not accepted";
}

/* The first object of a class with these attributes. */
static bool object_find(struct token_signer *signer, CK_OBJECT_CLASS class, const CK_ATTRIBUTE *id,
                        const CK_ATTRIBUTE *label, CK_OBJECT_HANDLE *ret_object)
{
    CK_ATTRIBUTE attributes[3] = {{CKA_CLASS, &class, sizeof(class)}};
    CK_ULONG count = 1, found = 0;
    if (id != NULL)
        attributes[count++] = *id;
    if (label != NULL)
        attributes[count++] = *label;
    if (signer->module->C_FindObjectsInit(signer->session, attributes, count) != CKR_OK)
        return false;
    CK_RV rv = signer->module->C_FindObjects(signer->session, ret_object, 1, &found);
    signer->module->C_FindObjectsFinal(signer->session);
    return rv == CKR_OK && found == 1;
}

static X509 *certificate_read(struct token_signer *signer, CK_OBJECT_HANDLE object)
{
    CK_ATTRIBUTE value = {CKA_VALUE, malloc(CERTIFICATE_MAX), CERTIFICATE_MAX};
    X509 *certificate = NULL;
    if (value.pValue != NULL &&
        signer->module->C_GetAttributeValue(signer->session, object, &value, 1) == CKR_OK) {
        const unsigned char *cursor = value.pValue;
        certificate = d2i_X509(NULL, &cursor, (long)value.ulValueLen);
    }
    free(value.pValue);
    return certificate;
}

/* What is missing, or NULL with the signer's key and its certificate. */
static const char *key_find(struct token_signer *signer, P11KitUri *uri, const struct token_pin_source *pin,
                            X509 **ret_certificate)
{
    CK_TOKEN_INFO token;
    CK_OBJECT_HANDLE object;
    uint8_t id[ID_MAX];
    CK_ATTRIBUTE key_id = {CKA_ID, id, sizeof(id)};
    CK_BBOOL always = CK_FALSE;
    CK_ATTRIBUTE authenticate = {CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always)};

    signer->modules = p11_kit_modules_load_and_initialize(0);
    if (signer->modules == NULL)
        return "p11-kit cannot be loaded";
    if (!session_open(signer, uri, &token))
        return "no such token is present";
    const char *missing = log_in(signer, &token, uri, pin);
    if (missing != NULL)
        return missing;
    if (!object_find(signer, CKO_PRIVATE_KEY, p11_kit_uri_get_attribute(uri, CKA_ID),
                     p11_kit_uri_get_attribute(uri, CKA_LABEL), &signer->key) ||
        signer->module->C_GetAttributeValue(signer->session, signer->key, &key_id, 1) != CKR_OK)
        return "no such key is on the token";
    if (signer->module->C_GetAttributeValue(signer->session, signer->key, &authenticate, 1) == CKR_OK)
        signer->always_authenticate = always == CK_TRUE;
    if (!object_find(signer, CKO_CERTIFICATE, &key_id, NULL, &object))
        return "no certificate belongs to the key";
    *ret_certificate = certificate_read(signer, object);
    return *ret_certificate != NULL ? NULL : "the certificate of the key cannot be read";
}

static const char *uri_read(const char *text, P11KitUri *uri)
{
    if (uri == NULL)
        return "out of memory";
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, uri) != P11_KIT_URI_OK)
        return "not a pkcs11: URI of an object";
    if (p11_kit_uri_get_pin_value(uri) != NULL)
        return "it carries a PIN, which a command line shows to everybody; name a file with pin-source, or "
               "be asked";
    return NULL;
}

enum enroll_exit token_signing_key_open(const char *uri, const struct token_pin_source *pin,
                                        struct signing_key **ret_key, X509 **ret_certificate,
                                        struct enroll_error *ret_error)
{
    static const struct signing_backend backend = {signer_sign, signer_close};
    struct token_signer *signer = calloc(1, sizeof(*signer));
    P11KitUri *parsed = p11_kit_uri_new();
    struct tpm_public_key public_key;
    X509 *certificate = NULL;
    const char *missing = signer == NULL ? "out of memory" : uri_read(uri, parsed);

    if (missing == NULL)
        missing = key_find(signer, parsed, pin, &certificate);
    if (missing == NULL && !public_key_from_pkey(X509_get0_pubkey(certificate), &public_key))
        missing = "only RSA keys and EC keys on P-256, P-384 and P-521 can be used";
    p11_kit_uri_free(parsed);
    ERR_clear_error();
    if (missing != NULL) {
        X509_free(certificate);
        signer_close(signer);
        return enroll_error_set(
            ret_error, ENROLL_CONFIGURATION, "p11tool --list-all shows the tokens and their objects",
            "cannot use the key and certificate at %.*s: %s", (int)strcspn(uri, "?"), uri, missing);
    }
    enum enroll_exit status = signing_key_new(&public_key, &backend, signer, ret_key, ret_error);
    if (status != ENROLL_OK)
        X509_free(certificate);
    else
        *ret_certificate = certificate;
    return status;
}
