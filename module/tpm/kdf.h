/* The TPM's key derivations with SHA-256 and 256 bits (TPM 2.0 part 1, 11.4.10.2 and 11.4.10.3). */
#ifndef INTUNE_TPM_KDF_H
#define INTUNE_TPM_KDF_H

#include "primitives.h"

/* KDFa: HMAC in counter mode. label without its terminating NUL's count. */
void tpm_kdfa(const struct tpm_part *key, const char *label, const struct tpm_part *context_u,
              const struct tpm_part *context_v, uint8_t ret_key[TPM_SHA256_SIZE]);
/* KDFe: a secret from the x coordinate of a shared point and those of the two public points. */
void tpm_kdfe(const struct tpm_part *z, const char *label, const struct tpm_part *party_u,
              const struct tpm_part *party_v, uint8_t ret_key[TPM_SHA256_SIZE]);

#endif
