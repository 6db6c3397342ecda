/* Checking signatures with plain arithmetic on libcrypto's numbers and points. */
#ifndef INTUNE_TPM_VERIFY_SIGNATURE_H
#define INTUNE_TPM_VERIFY_SIGNATURE_H

#include "context.h"

/* group: of the key's curve; NULL means that memory is out. signature: r then s, each (bits + 7) / 8 bytes.
 * digest: as the TPM got it. FIPS 186-5, 6.4.2. */
uint32_t tpm_verify_ecdsa(const EC_GROUP *group, const struct tpm_public_key *key, const uint8_t *digest,
                          size_t digest_size, const uint8_t *signature) __attribute__((warn_unused_result));

/* result to the public exponent is block; both bits / 8 bytes. RFC 8017, 5.2.2. */
uint32_t tpm_verify_rsa(const struct tpm_public_key *key, const uint8_t *block, const uint8_t *result)
    __attribute__((warn_unused_result));

#endif
