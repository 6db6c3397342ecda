#include "loaded_objects.h"

#include <string.h>

void tpm_loaded_objects_add(struct tpm_loaded_objects *objects, uint32_t handle)
{
    if (objects->count < TPM_OBJECTS_MAX)
        objects->handles[objects->count++] = handle;
}

void tpm_loaded_objects_remove(struct tpm_loaded_objects *objects, uint32_t handle)
{
    for (size_t i = 0; i < objects->count; i++)
        if (objects->handles[i] == handle) {
            objects->count--;
            memmove(objects->handles + i, objects->handles + i + 1,
                    (objects->count - i) * sizeof(objects->handles[0]));
            return;
        }
}
