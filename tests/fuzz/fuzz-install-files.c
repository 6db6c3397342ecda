/* device.key and enrollment.conf as an interrupted run, another program or an administrator may leave them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "enrollment.h"
#include "private_key_pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tpm_key key;
    struct enrollment enrollment, again;

    /* What is accepted can be written, and reads back the same. */
    if (private_key_pem_parse((const char *)data, size, &key)) {
        struct tpm_key second;
        char *text = private_key_pem_format(&key);
        if (text == NULL || !private_key_pem_parse(text, strlen(text), &second) ||
            memcmp(key.public_blob, second.public_blob, sizeof key.public_blob) != 0)
            abort();
        free(text);
    }
    if (enrollment_parse((const char *)data, size, &enrollment)) {
        char *text = enrollment_format(&enrollment);
        if (text == NULL || !enrollment_parse(text, strlen(text), &again))
            abort();
        char *storage;
        const char *hosts[ENROLLMENT_HOSTS_MAX + 1];
        if (enrollment_hosts(&again, &storage, hosts))
            free(storage);
        if (!enrollment_hosts_accept(&again))
            abort();
        enrollment_free(&again);
        enrollment_free(&enrollment);
        free(text);
    }
    return 0;
}
