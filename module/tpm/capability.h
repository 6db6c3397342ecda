/* TPM2_GetCapability and TPM2_TestParms (TPM 2.0 part 3, 30.2 and 30.3). */
#ifndef INTUNE_TPM_CAPABILITY_H
#define INTUNE_TPM_CAPABILITY_H

#include "context.h"

/* The values of `count` properties from `first` on, in one command; 0 for one that the TPM does not have. */
uint32_t tpm_capability_properties(struct tpm *tpm, uint32_t first, size_t count, uint32_t *ret_values)
    __attribute__((warn_unused_result));
/* The handles in use from `first` to `last`; up to `capacity` of them, the lowest ones. */
uint32_t tpm_capability_handles(struct tpm *tpm, uint32_t first, uint32_t last, uint32_t *ret_handles,
                                size_t capacity, size_t *ret_count) __attribute__((warn_unused_result));
/* The TPM could make such a key: TPM2_TestParms. */
uint32_t tpm_capability_has_key(struct tpm *tpm, const struct tpm_key_request *request, bool *ret_has)
    __attribute__((warn_unused_result));

#endif
