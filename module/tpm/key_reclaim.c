#include "key_reclaim.h"

#include "capability.h"
#include "tpm_object.h"

#define TRANSIENT_FIRST 0x80000000U
#define TRANSIENT_LAST  0x80fffffeU
#define TRANSIENT_MAX   16

void tpm_key_reclaim(struct tpm *tpm, const struct tpm_key *key)
{
    uint32_t handles[TRANSIENT_MAX];
    size_t count = 0;

    if (tpm_capability_handles(tpm, TRANSIENT_FIRST, TRANSIENT_LAST, handles, TRANSIENT_MAX, &count) !=
        TPM2_RC_SUCCESS)
        return;
    for (size_t i = 0; i < count; i++) {
        bool same = false;

        if (tpm_object_compare(tpm, handles[i], key->public_blob, key->public_blob_size, &same) ==
                TPM2_RC_SUCCESS &&
            same)
            tpm_object_flush(tpm, handles[i]);
    }
}
