/*
 * A signature of a digest with a device key: the one place that knows how each scheme is done with a TPM. The
 * module's mechanisms and the helper's OpenSSL provider use it.
 */
#ifndef SIGN_DIGEST_H
#define SIGN_DIGEST_H

#include "digest.h"
#include "tpm.h"

enum signature_scheme { SIGNATURE_RSA_PKCS1, SIGNATURE_RSA_PSS, SIGNATURE_ECDSA };

struct signature_parameters {
    enum signature_scheme scheme;
    enum digest_algorithm hash; /* of the digest; unused for ECDSA */
    enum digest_algorithm mask; /* of MGF1; SIGNATURE_RSA_PSS */
    size_t salt_size;           /* bytes; SIGNATURE_RSA_PSS */
};

/*
 * Signs `digest`, digest_size(hash) bytes; ECDSA takes any `size` of 1 byte or more. RSA: bits / 8 bytes;
 * ECDSA: r then s, each (bits + 7) / 8 bytes. The signature was verified. TPM_BAD_ARGUMENT where hash and
 * salt do not fit the key.
 */
enum tpm_status sign_digest(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                            const struct signature_parameters *parameters, const uint8_t *digest, size_t size,
                            uint8_t ret_signature[TPM_RSA_MAX], size_t *ret_size)
    __attribute__((warn_unused_result));

#endif
