#include "wire.h"

#include <string.h>

void tpm_write_bytes(struct tpm_writer *writer, const uint8_t *bytes, size_t size)
{
    if (writer->failed || size > writer->capacity - writer->size) {
        writer->failed = true;
        return;
    }
    if (size > 0)
        memcpy(writer->data + writer->size, bytes, size);
    writer->size += size;
}

void tpm_write_u8(struct tpm_writer *writer, uint8_t value)
{
    tpm_write_bytes(writer, &value, 1);
}

void tpm_write_u16(struct tpm_writer *writer, uint16_t value)
{
    const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

    tpm_write_bytes(writer, bytes, sizeof(bytes));
}

void tpm_write_u32(struct tpm_writer *writer, uint32_t value)
{
    tpm_write_u16(writer, (uint16_t)(value >> 16));
    tpm_write_u16(writer, (uint16_t)value);
}

void tpm_write_sized(struct tpm_writer *writer, const uint8_t *bytes, size_t size)
{
    if (size > UINT16_MAX) {
        writer->failed = true;
        return;
    }
    tpm_write_u16(writer, (uint16_t)size);
    tpm_write_bytes(writer, bytes, size);
}

size_t tpm_write_sized_begin(struct tpm_writer *writer)
{
    size_t begin = writer->size;

    tpm_write_u16(writer, 0);
    return begin;
}

void tpm_write_sized_end(struct tpm_writer *writer, size_t begin)
{
    size_t size;

    if (writer->failed)
        return;
    size = writer->size - begin - 2;
    if (size > UINT16_MAX) {
        writer->failed = true;
        return;
    }
    writer->data[begin] = (uint8_t)(size >> 8);
    writer->data[begin + 1] = (uint8_t)size;
}

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
