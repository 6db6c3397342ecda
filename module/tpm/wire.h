/*
 * The TPM's wire format (TPM 2.0 part 1, 5 and part 2): big-endian numbers and TPM2B, which is a 16-bit size
 * and that many bytes. Both directions stay failed once something did not fit, so that callers look once, at
 * the end. What a TPM answers is outside input: nothing is read past what arrived, and a sized run is never
 * longer than the caller allows.
 */
#ifndef INTUNE_TPM_WIRE_H
#define INTUNE_TPM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tpm_writer {
    uint8_t *data;
    size_t capacity;
    size_t size;
    bool failed;
};

struct tpm_reader {
    const uint8_t *data;
    size_t size; /* of what is left */
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

uint8_t tpm_read_u8(struct tpm_reader *reader);
uint16_t tpm_read_u16(struct tpm_reader *reader);
uint32_t tpm_read_u32(struct tpm_reader *reader);
/* The next `size` bytes, inside the reader's data; NULL when there are fewer. */
const uint8_t *tpm_read_bytes(struct tpm_reader *reader, size_t size);
/* A TPM2B of at most `maximum` bytes, inside the reader's data; NULL with *ret_size 0 when it is longer or
 * cut off. */
const uint8_t *tpm_read_sized(struct tpm_reader *reader, size_t maximum, size_t *ret_size);
/* Nothing failed and nothing is left. */
bool tpm_read_complete(const struct tpm_reader *reader) __attribute__((warn_unused_result));

#endif
