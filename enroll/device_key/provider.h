/* The OpenSSL provider of signing keys (provider(7)): key management and signatures of RSA and EC, private to
 * this folder. */
#ifndef ENROLL_DEVICE_KEY_PROVIDER_H
#define ENROLL_DEVICE_KEY_PROVIDER_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>

#include "signing_backend.h"

#define PROVIDER_NAME "intune-tpm-key"
/* The import parameter that carries the signing key of this process: an octet pointer. */
#define PROVIDER_PARAMETER_KEY "intune-tpm-signing-key"

/* The provider's key object. An imported public key, which OpenSSL makes to compare it with ours, has no
 * `signer`. */
struct provider_key {
    struct tpm_public_key public_key;
    struct signing_key *signer;
};

/* What signing_key.c has for the provider. */
const struct tpm_public_key *signing_key_public(const struct signing_key *key);
bool signing_key_sign(struct signing_key *key, const struct signature_parameters *parameters,
                      const uint8_t *digest, uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_size);

/* For OSSL_PROVIDER_add_builtin(). */
OSSL_provider_init_fn provider_init;

/* provider_keys.c, provider_signatures.c */
extern const OSSL_ALGORITHM provider_key_managers[];
extern const OSSL_ALGORITHM provider_signatures[];

#endif
