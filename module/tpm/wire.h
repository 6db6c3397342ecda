/*
 * Reading a response (TPM 2.0 part 1, 5 and part 2): big-endian numbers and TPM2B, which is a 16-bit size and
 * that many bytes. What a TPM sends is outside input: nothing is read past what arrived, and a sized run is
 * never longer than the caller allows. A reader stays failed once something did not fit, so that callers
 * check once, at the end.
 */
#ifndef INTUNE_TPM_WIRE_H
#define INTUNE_TPM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tpm_reader {
    const uint8_t *data;
    size_t size; /* of what is left */
    bool failed;
};

uint8_t tpm_read_u8(struct tpm_reader *reader);
uint16_t tpm_read_u16(struct tpm_reader *reader);
uint32_t tpm_read_u32(struct tpm_reader *reader);
/* The next `size` bytes, inside the reader's data; NULL when there are fewer. */
const uint8_t *tpm_read_bytes(struct tpm_reader *reader, size_t size);
/* A TPM2B of at most `maximum` bytes, inside the reader's data; NULL with *ret_size 0 when it is longer or
 * cut off. */
const uint8_t *tpm_read_sized(struct tpm_reader *reader, size_t maximum, size_t *ret_size);
/* A TPM2B that is not empty, with its size, to ret_blob of `capacity` bytes. */
bool tpm_read_blob(struct tpm_reader *reader, uint8_t *ret_blob, size_t capacity, size_t *ret_size)
    __attribute__((warn_unused_result));
/* Nothing failed and nothing is left. */
bool tpm_read_complete(const struct tpm_reader *reader) __attribute__((warn_unused_result));

#endif
