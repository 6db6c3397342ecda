#include "wire.h"

#include <string.h>

const uint8_t *tpm_read_bytes(struct tpm_reader *reader, size_t size)
{
    const uint8_t *bytes = reader->data;

    if (reader->failed || size > reader->size) {
        reader->failed = true;
        return NULL;
    }
    reader->data += size;
    reader->size -= size;
    return bytes;
}

uint8_t tpm_read_u8(struct tpm_reader *reader)
{
    const uint8_t *bytes = tpm_read_bytes(reader, 1);

    return bytes != NULL ? bytes[0] : 0;
}

uint16_t tpm_read_u16(struct tpm_reader *reader)
{
    const uint8_t *bytes = tpm_read_bytes(reader, 2);

    if (bytes == NULL)
        return 0;
    return (uint16_t)((unsigned)bytes[0] << 8 | bytes[1]);
}

uint32_t tpm_read_u32(struct tpm_reader *reader)
{
    uint32_t high = tpm_read_u16(reader);

    return high << 16 | tpm_read_u16(reader);
}

const uint8_t *tpm_read_sized(struct tpm_reader *reader, size_t maximum, size_t *ret_size)
{
    size_t size = tpm_read_u16(reader);
    const uint8_t *bytes;

    *ret_size = 0;
    if (size > maximum)
        reader->failed = true;
    bytes = tpm_read_bytes(reader, size);
    if (bytes != NULL)
        *ret_size = size;
    return bytes;
}

bool tpm_read_complete(const struct tpm_reader *reader)
{
    return !reader->failed && reader->size == 0;
}

bool tpm_read_blob(struct tpm_reader *reader, uint8_t *ret_blob, size_t capacity, size_t *ret_size)
{
    const uint8_t *begin = reader->data;
    size_t size;

    if (tpm_read_sized(reader, capacity - 2, &size) == NULL || size == 0) {
        reader->failed = true;
        return false;
    }
    memcpy(ret_blob, begin, size + 2);
    *ret_size = size + 2;
    return true;
}
