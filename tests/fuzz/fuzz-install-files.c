/* device.key and enrollment.conf as an interrupted run, another program or an administrator may leave them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "private_key_pem.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tpm_key key;
    struct record record, again;

    /* What is accepted can be written, and reads back the same. */
    if (private_key_pem_parse((const char *)data, size, &key)) {
        struct tpm_key second;
        char *text = private_key_pem_format(&key);
        if (text == NULL || !private_key_pem_parse(text, strlen(text), &second) ||
            memcmp(key.public_blob, second.public_blob, sizeof key.public_blob) != 0)
            abort();
        free(text);
    }
    if (record_parse((const char *)data, size, &record)) {
        char *text = record_format(&record);
        if (text == NULL || !record_parse(text, strlen(text), &again))
            abort();
        char *storage;
        const char *hosts[RECORD_HOSTS_MAX + 1];
        if (record_hosts(&again, &storage, hosts))
            free(storage);
        if (!record_host_accept(&again, record_get(&again, RECORD_SERVICE_URL)))
            abort();
        record_clear(&again);
        record_clear(&record);
        free(text);
    }
    return 0;
}
