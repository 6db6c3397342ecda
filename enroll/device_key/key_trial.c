#include "key_trial.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

static enum tpm_status sign(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth)
{
    uint8_t digest[32], signature[TPM_RSA_MAX];
    size_t size;
    _Static_assert(TPM_RSA_MAX >= 2 * TPM_EC_MAX, "one buffer for both");
    if (RAND_bytes(digest, sizeof digest) <= 0)
        return TPM_FAILED;
    if (key->public_key.type == TPM_KEY_RSA)
        return tpm_sign_rsassa(tpm, key, auth, TPM_HASH_SHA256, digest, sizeof digest, signature);
    return tpm_sign_ecdsa(tpm, key, auth, digest, sizeof digest, signature, &size);
}

enum tpm_status key_trial(struct tpm *tpm, const struct tpm_key *key, const char *pin)
{
    struct tpm_auth auth;
    if (!key->has_pin)
        return sign(tpm, key, NULL);
    if (!pin || !tpm_auth_derive((const uint8_t *)pin, strlen(pin), key->pin_salt, &auth))
        return TPM_AUTH_FAILED;
    enum tpm_status status = sign(tpm, key, &auth);
    OPENSSL_cleanse(&auth, sizeof auth);
    return status;
}
