#include "tpm-writer.h"

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
