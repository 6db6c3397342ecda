/*
 * Writing the TPM's wire format by hand, also wrongly: big-endian numbers and TPM2B. A writer stays failed
 * once something did not fit.
 */
#ifndef TEST_TPM_WRITER_H
#define TEST_TPM_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tpm_writer {
    uint8_t *data;
    size_t capacity;
    size_t size;
    bool failed;
};

void tpm_write_u8(struct tpm_writer *writer, uint8_t value);
void tpm_write_u16(struct tpm_writer *writer, uint16_t value);
void tpm_write_u32(struct tpm_writer *writer, uint32_t value);
void tpm_write_bytes(struct tpm_writer *writer, const uint8_t *bytes, size_t size);
/* A TPM2B. */
void tpm_write_sized(struct tpm_writer *writer, const uint8_t *bytes, size_t size);
/* A TPM2B whose content is written next: returns where its size stands, for tpm_write_sized_end(). */
size_t tpm_write_sized_begin(struct tpm_writer *writer);
void tpm_write_sized_end(struct tpm_writer *writer, size_t begin);

#endif
