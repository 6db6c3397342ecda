/*
 * The fields of token.conf as one table for both directions, so that what is written is what is read.
 */
#ifndef TOKEN_CONF_FIELDS_H
#define TOKEN_CONF_FIELDS_H

#include "keyfile.h"
#include "token_directory.h"

/* How a member of a structure stands in the file. */
enum field_kind {
    FIELD_TEXT,      /* char[capacity]: as it is */
    FIELD_DATE,      /* char[9]: eight digits */
    FIELD_HEX,       /* uint8_t[capacity] and its size_t */
    FIELD_HEX_FIXED, /* uint8_t[capacity] */
    FIELD_BLOB,      /* uint8_t[capacity] and its size_t, base64 */
    FIELD_BYTES,     /* struct token_bytes of at most capacity bytes, base64 */
    FIELD_HANDLE,    /* uint32_t, hexadecimal with 0x */
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    size_t size_offset;
    size_t capacity;
    bool may_be_empty; /* texts only */
};

struct field_table {
    const struct field *fields;
    size_t count;
};

extern const struct field_table token_fields;       /* members of struct token_generation */
extern const struct field_table key_fields;         /* members of struct tpm_key */
extern const struct field_table key_info_fields;    /* members of struct token_generation, section [key] */
extern const struct field_table certificate_fields; /* members of struct token_certificate */

enum field_result { FIELD_GOOD, FIELD_BAD, FIELD_NO_MEMORY };

/* Reads one value into the member of *base. */
enum field_result field_read(const struct field *field, const char *value, void *base);

/*
 * The member's value as text: *ret_value is malloc()ed. FIELD_BAD when the member does not hold what could be
 * read back.
 */
enum field_result field_write(const struct field *field, const void *base, char **ret_value);

/* Reads 1 to 10 decimal or 0x-prefixed hexadecimal digits. */
bool field_number_read(const char *value, uint32_t *ret_number);

#endif
