/*
 * Text that grows: what the server's messages are written into. Running out of memory ends this test program.
 */
#ifndef MDE_SERVER_TEXT_H
#define MDE_SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* always ends with a NUL that size does not count; NULL while empty */
    size_t size;
    size_t capacity;
};

void text_bytes_append(struct text *text, const void *bytes, size_t size);
void text_append(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends string with the characters escaped that XML 1.0 and HTML reserve, or as a JSON string without its
 * quotes. */
void text_xml_append(struct text *text, const char *string);
void text_json_append(struct text *text, const char *string);

/* One line of base64 (RFC 4648 section 4); the second without padding in the URL alphabet (section 5). */
void text_base64_append(struct text *text, const void *bytes, size_t size);
void text_base64url_append(struct text *text, const void *bytes, size_t size);

/* Replaces size bytes at offset by string. */
void text_replace(struct text *text, size_t offset, size_t size, const char *string);

void text_clear(struct text *text);

/* Strict base64: the standard alphabet, right padding, no white space inside; white space around is allowed.
 * Returns false when it is not that, or empty. The caller frees *ret_bytes with free(); it is followed by a
 * NUL. */
bool text_base64_decode(const char *string, unsigned char **ret_bytes, size_t *ret_size);

/* Reads a file of up to 1 MiB whole. Returns NULL when it cannot be read; the caller frees the result. */
char *text_file_read(const char *path, size_t *ret_size);

/* Writes a file beside and renames it, so that a reader sees it whole. */
bool text_file_write(const char *path, const void *bytes, size_t size, unsigned mode);

/* Twenty random bytes or fewer as lower case hex, and a random UUID. */
void text_random_hex(size_t bytes, char *ret_hex);
void text_random_uuid(char ret_uuid[37]);

#endif
