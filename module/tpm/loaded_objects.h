/* The objects and sessions that the running call loaded, to be flushed at its end. A leaf. */
#ifndef INTUNE_TPM_LOADED_OBJECTS_H
#define INTUNE_TPM_LOADED_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#define TPM_OBJECTS_MAX 4

struct tpm_loaded_objects {
    uint32_t handles[TPM_OBJECTS_MAX];
    size_t count;
};

void tpm_loaded_objects_add(struct tpm_loaded_objects *objects, uint32_t handle);
/* No effect if the handle is not in the list. */
void tpm_loaded_objects_remove(struct tpm_loaded_objects *objects, uint32_t handle);

#endif
