/*
 * The text encodings of the token directory, strict: base64 (RFC 4648, 4: padding demanded, no blanks),
 * hexadecimal, and certificates in PEM (RFC 7468, strict form: nothing between and around the blocks).
 */
#ifndef TOKEN_ENCODING_H
#define TOKEN_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes `size` characters into at most `capacity` bytes. False when malformed or too long. */
bool base64_decode(const char *text, size_t size, uint8_t *ret_data, size_t capacity, size_t *ret_size)
    __attribute__((warn_unused_result));

/* Writes 4 * ((size + 2) / 3) characters and a NUL. */
void base64_encode(const uint8_t *data, size_t size, char *ret_text);

/* Decodes hexadecimal digits in pairs. False when malformed or longer than `capacity` bytes. */
bool hex_decode(const char *text, uint8_t *ret_data, size_t capacity, size_t *ret_size)
    __attribute__((warn_unused_result));

/* Writes 2 * size lower-case digits and a NUL. */
void hex_encode(const uint8_t *data, size_t size, char *ret_text);

/*
 * Takes the next "CERTIFICATE" block of [*cursor, end): ret_der receives at most `capacity` bytes, *cursor
 * moves behind the block. False when what stands there is not exactly such a block.
 */
bool pem_certificate_next(const char **cursor, const char *end, uint8_t *ret_der, size_t capacity,
                          size_t *ret_size) __attribute__((warn_unused_result));

#endif
