/* What a key for OpenSSL signs with: the TPM, or a token of another module. */
#ifndef ENROLL_DEVICE_KEY_SIGNING_BACKEND_H
#define ENROLL_DEVICE_KEY_SIGNING_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "sign_digest.h"
#include "tpm.h"

#define SIGNATURE_SIZE_MAX TPM_RSA_MAX

/* Who signs. The functions get `context`. */
struct signing_backend {
    /*
     * Signs a digest of the parameters' hash. RSA: bits / 8 bytes; ECDSA: r then s, each (bits + 7) / 8
     * bytes. On failure *ret_reason is a static sentence without the name of the key.
     */
    bool (*sign)(void *context, const struct signature_parameters *parameters, const uint8_t *digest,
                 uint8_t ret_signature[SIGNATURE_SIZE_MAX], size_t *ret_size, const char **ret_reason);
    void (*close)(void *context); /* frees the context */
};

#endif
