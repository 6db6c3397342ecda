/* The device profile. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct profile_sources sources = {.os_release = "/nonexistent",
                                            .machine_id = "/nonexistent",
                                            .host_name = "fuzz",
                                            .locale = "en_US.UTF-8"};
    struct device_profile *profile = NULL;
    struct enroll_error error;

    if (device_profile_parse((const char *)data, size, "the profile", &sources, &profile, &error) !=
        ENROLL_OK)
        return 0;
    if (profile->values[ITEM_DEVICE_ID] == NULL)
        abort();
    for (enum context_item item = 0; item < CONTEXT_ITEM_COUNT; item++)
        if (profile->values[item] != NULL && !context_item_valid(item, profile->values[item]))
            abort();
    device_profile_free(profile);
    return 0;
}
