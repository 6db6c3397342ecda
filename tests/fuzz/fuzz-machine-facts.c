/* The files that say what this machine is, as an administrator or another program may leave them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "machine_facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine_facts facts = {0};
    char device[32], *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    os_release_read(text, &facts);
    pwquality_read(text, &facts.password);
    (void)pam_password_read(text, &facts.password);
    if (mountinfo_find(text, "/", device, sizeof(device)) && strlen(device) >= sizeof(device))
        abort();
    free(text);
    return 0;
}
