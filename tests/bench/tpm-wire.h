/*
 * A TPM command and its response as bytes: sizes, names and handles. For the proxy of this folder alone;
 * nothing of the product is used here, so that what counts the commands does not share a mistake with what
 * sends them.
 */
#ifndef BENCH_TPM_WIRE_H
#define BENCH_TPM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPM_WIRE_MAX    8192 /* bytes of a command or a response */
#define TPM_WIRE_HEADER 10   /* tag, size, code: TPM 2.0 part 1, 18.1 */

struct tpm_message {
    size_t size;
    uint8_t bytes[TPM_WIRE_MAX];
};

/* What the proxy has to know of a command: TPM 2.0 part 3, and for FlushContext what the kernel makes of it.
 */
struct tpm_command {
    uint32_t code;
    const char *name;
    unsigned handles; /* in the handle area */
    bool returns_handle;
};

/* NULL for a code that is not in the table. */
const struct tpm_command *tpm_command_find(uint32_t code);

uint16_t tpm_wire_u16(const uint8_t *bytes);
uint32_t tpm_wire_u32(const uint8_t *bytes);
void tpm_wire_put_u32(uint8_t *bytes, uint32_t value);

/* The command code, or the response code; the message has a whole header. */
uint32_t tpm_message_code(const struct tpm_message *message);

/* A response that is nothing but this code. */
void tpm_message_set_code(struct tpm_message *message, uint32_t code);

/* Reads one message from a stream. False at the end of the stream, on an error, or when its size is not
 * possible. */
bool tpm_message_read(int fd, struct tpm_message *ret_message);
bool tpm_message_write(int fd, const struct tpm_message *message);

#endif
