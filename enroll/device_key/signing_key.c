#include "signing_key.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "provider.h"
#include "rsa.h"

struct signing_key {
    struct tpm_public_key public_key;
    struct signing_backend backend;
    void *context;
    const char *failure;
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *provider, *standard;
    EVP_PKEY *pkey;
};

/*
 * A library context for the key alone, with the default provider beside ours: its encoders write our public
 * half. The EVP_PKEY works in libcrypto's default context too, where libcurl and CMS have it: an operation is
 * fetched from the key's own provider.
 */
static bool pkey_make(struct signing_key *key)
{
    bool rsa = key->public_key.type == TPM_KEY_RSA;
    void *address = key;
    OSSL_PARAM parameters[] = {OSSL_PARAM_octet_ptr(PROVIDER_PARAMETER_KEY, &address, sizeof(address)),
                               OSSL_PARAM_END};
    EVP_PKEY_CTX *context = NULL;
    bool made;

    key->library = OSSL_LIB_CTX_new();
    if (key->library == NULL || OSSL_PROVIDER_add_builtin(key->library, PROVIDER_NAME, provider_init) != 1)
        return false;
    key->standard = OSSL_PROVIDER_load(key->library, "default");
    key->provider = OSSL_PROVIDER_load(key->library, PROVIDER_NAME);
    if (key->standard == NULL || key->provider == NULL)
        return false;
    context = EVP_PKEY_CTX_new_from_name(key->library, rsa ? "RSA" : "EC", "provider=" PROVIDER_NAME);
    made = context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
           EVP_PKEY_fromdata(context, &key->pkey, EVP_PKEY_KEYPAIR, parameters) == 1;
    EVP_PKEY_CTX_free(context);
    return made;
}

enum enroll_exit signing_key_new(const struct tpm_public_key *public_key,
                                 const struct signing_backend *backend, void *context,
                                 struct signing_key **ret_key, struct enroll_error *ret_error)
{
    struct signing_key *key = calloc(1, sizeof(*key));
    if (key == NULL) {
        backend->close(context);
        return enroll_error_memory(ret_error);
    }
    key->public_key = *public_key;
    key->backend = *backend;
    key->context = context;
    if (!pkey_make(key)) {
        const char *reason = ERR_reason_error_string(ERR_peek_last_error());
        enroll_error_set(ret_error, ENROLL_FAILED,
                         "check that OpenSSL's libcrypto is the version that this program was built for",
                         "OpenSSL cannot use a key of this machine's TPM: %s",
                         reason != NULL ? reason : "no reason given");
        ERR_clear_error();
        signing_key_close(key);
        return ENROLL_FAILED;
    }
    *ret_key = key;
    return ENROLL_OK;
}

EVP_PKEY *signing_key_pkey(const struct signing_key *key)
{
    return key->pkey;
}

const char *signing_key_failure(const struct signing_key *key)
{
    return key != NULL ? key->failure : NULL;
}

const struct tpm_public_key *signing_key_public(const struct signing_key *key)
{
    return &key->public_key;
}

bool signing_key_sign(struct signing_key *key, const struct signature_parameters *parameters,
                      const uint8_t *digest, uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_size)
{
    const char *reason = "no reason given";
    if (key->backend.sign(key->context, parameters, digest, ret_signature, ret_size, &reason))
        return true;
    key->failure = reason;
    return false;
}

void signing_key_close(struct signing_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    OSSL_PROVIDER_unload(key->provider);
    OSSL_PROVIDER_unload(key->standard);
    OSSL_LIB_CTX_free(key->library);
    key->backend.close(key->context);
    free(key);
}

/* ---- the TPM ---- */

struct tpm_signer {
    struct tpm *tpm;
    const struct tpm_key *key;
    struct tpm_auth auth;
    bool refused; /* the PIN: it is not tried again, each failure counts */
};

static bool tpm_signer_sign(void *context, const struct signature_parameters *parameters,
                            const uint8_t *digest, uint8_t ret_signature[SIGNATURE_SIZE_MAX],
                            size_t *ret_size, const char **ret_reason)
{
    struct tpm_signer *signer = context;
    const struct tpm_auth *auth = signer->key->has_pin ? &signer->auth : NULL;
    enum tpm_status status = sign_digest(signer->tpm, signer->key, auth, parameters, digest,
                                         digest_size(parameters->hash), ret_signature, ret_size);
    if (status != TPM_OK)
        *ret_reason = tpm_status_text(status);
    return status == TPM_OK;
}

static void tpm_signer_close(void *context)
{
    OPENSSL_clear_free(context, sizeof(struct tpm_signer));
}

enum enroll_exit signing_key_open(struct tpm *tpm, const struct tpm_key *key, const char *pin,
                                  struct signing_key **ret_key, struct enroll_error *ret_error)
{
    static const struct signing_backend backend = {tpm_signer_sign, tpm_signer_close};
    struct tpm_signer *signer = calloc(1, sizeof(*signer));
    if (signer == NULL)
        return enroll_error_memory(ret_error);
    signer->tpm = tpm;
    signer->key = key;
    if (key->has_pin &&
        (pin == NULL || !tpm_auth_derive((const uint8_t *)pin, strlen(pin), key->pin_salt, &signer->auth))) {
        tpm_signer_close(signer);
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "give it with --pin-file",
                                pin == NULL ? "the key has a PIN, and none was given"
                                            : "the PIN cannot be this key's: it has %d to %d bytes",
                                TPM_PIN_MIN, TPM_PIN_MAX);
    }
    signer->auth.refused = &signer->refused;
    return signing_key_new(&key->public_key, &backend, signer, ret_key, ret_error);
}
