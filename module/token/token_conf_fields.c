#include "token_conf_fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"

#define NAME_MAX_SIZE       4096
#define SERIAL_NUMBER_MAX   128
#define PUBLIC_KEY_INFO_MAX 1024

#define TABLE(array)                                                                                         \
    {                                                                                                        \
        array, sizeof(array) / sizeof((array)[0])                                                            \
    }

static const struct field token_field_array[] = {
    {"label", FIELD_TEXT, offsetof(struct token_generation, label), 0, TOKEN_LABEL_MAX + 1, false},
    {"serial", FIELD_TEXT, offsetof(struct token_generation, serial), 0, TOKEN_SERIAL_MAX + 1, false},
    {"object-label", FIELD_TEXT, offsetof(struct token_generation, object_label), 0, TOKEN_LABEL_MAX + 1,
     false},
    {"id", FIELD_HEX, offsetof(struct token_generation, id), offsetof(struct token_generation, id_size),
     TOKEN_ID_MAX, false},
    {"manufacturer", FIELD_TEXT, offsetof(struct token_generation, manufacturer), 0, 33, true},
    {"model", FIELD_TEXT, offsetof(struct token_generation, model), 0, 17, true},
};
const struct field_table token_fields = TABLE(token_field_array);

static const struct field key_field_array[] = {
    {"public", FIELD_BLOB, offsetof(struct tpm_key, public_blob), offsetof(struct tpm_key, public_blob_size),
     TPM_BLOB_MAX, false},
    {"private", FIELD_BLOB, offsetof(struct tpm_key, private_blob),
     offsetof(struct tpm_key, private_blob_size), TPM_BLOB_MAX, false},
    {"parent", FIELD_HANDLE, offsetof(struct tpm_key, parent), 0, 0, false},
    {"parent-public", FIELD_BLOB, offsetof(struct tpm_key, parent_public),
     offsetof(struct tpm_key, parent_public_size), TPM_BLOB_MAX, false},
};
const struct field_table key_fields = TABLE(key_field_array);

static const struct field key_info_field_array[] = {
    {"public-key-info", FIELD_BYTES, offsetof(struct token_generation, public_key_info), 0,
     PUBLIC_KEY_INFO_MAX, false},
};
const struct field_table key_info_fields = TABLE(key_info_field_array);

static const struct field certificate_field_array[] = {
    {"subject", FIELD_BYTES, offsetof(struct token_certificate, subject), 0, NAME_MAX_SIZE, false},
    {"issuer", FIELD_BYTES, offsetof(struct token_certificate, issuer), 0, NAME_MAX_SIZE, false},
    {"serial-number", FIELD_BYTES, offsetof(struct token_certificate, serial_number), 0, SERIAL_NUMBER_MAX,
     false},
    {"public-key-info", FIELD_BYTES, offsetof(struct token_certificate, public_key_info), 0,
     TOKEN_CERTIFICATE_MAX, false},
    {"subject-public-key-hash", FIELD_HEX_FIXED, offsetof(struct token_certificate, subject_public_key_hash),
     0, 20, false},
    {"not-before", FIELD_DATE, offsetof(struct token_certificate, not_before), 0, 9, false},
    {"not-after", FIELD_DATE, offsetof(struct token_certificate, not_after), 0, 9, false},
    {"id", FIELD_HEX, offsetof(struct token_certificate, id), offsetof(struct token_certificate, id_size),
     TOKEN_ID_MAX, false},
};
const struct field_table certificate_fields = TABLE(certificate_field_array);

/* No control characters; UTF-8 is taken as it comes. A text must survive the reader's dropping of blanks. */
static bool text_is_good(const char *text, size_t length, bool may_be_empty)
{
    if (length == 0)
        return may_be_empty;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return text[0] != ' ' && text[length - 1] != ' ';
}

static bool date_is_good(const char *text)
{
    return strlen(text) == 8 && strspn(text, "0123456789") == 8;
}

bool field_number_read(const char *value, uint32_t *ret_number)
{
    bool hexadecimal = value[0] == '0' && value[1] == 'x';
    const char *digits = hexadecimal ? value + 2 : value;
    size_t length = strlen(digits);
    if (length == 0 || length > 10 ||
        strspn(digits, hexadecimal ? "0123456789abcdefABCDEF" : "0123456789") != length)
        return false;
    unsigned long long number = strtoull(digits, NULL, hexadecimal ? 16 : 10);
    if (number > UINT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

static enum field_result bytes_read(const char *value, size_t capacity, struct token_bytes *bytes)
{
    size_t length = strlen(value);
    if (length == 0 || length / 4 > capacity / 3 + 1)
        return FIELD_BAD;
    uint8_t *data = malloc(length / 4 * 3 + 1);
    if (data == NULL)
        return FIELD_NO_MEMORY;
    if (!base64_decode(value, length, data, capacity < length / 4 * 3 ? capacity : length / 4 * 3,
                       &bytes->size)) {
        free(data);
        return FIELD_BAD;
    }
    bytes->data = data;
    return FIELD_GOOD;
}

enum field_result field_read(const struct field *field, const char *value, void *base)
{
    char *member = (char *)base + field->offset;
    size_t *member_size = (void *)((char *)base + field->size_offset);
    size_t size;
    bool good = false;

    switch (field->kind) {
    case FIELD_TEXT:
        size = strlen(value);
        good = size < field->capacity && text_is_good(value, size, field->may_be_empty);
        if (good)
            memcpy(member, value, size + 1);
        break;
    case FIELD_DATE:
        good = date_is_good(value);
        if (good)
            memcpy(member, value, 9);
        break;
    case FIELD_HEX:
        good = hex_decode(value, (uint8_t *)member, field->capacity, member_size) && *member_size > 0;
        break;
    case FIELD_HEX_FIXED:
        good = hex_decode(value, (uint8_t *)member, field->capacity, &size) && size == field->capacity;
        break;
    case FIELD_BLOB:
        good = base64_decode(value, strlen(value), (uint8_t *)member, field->capacity, member_size) &&
               *member_size > 0;
        break;
    case FIELD_BYTES:
        return bytes_read(value, field->capacity, (struct token_bytes *)(void *)member);
    case FIELD_HANDLE:
        good = field_number_read(value, (uint32_t *)(void *)member);
        break;
    }
    return good ? FIELD_GOOD : FIELD_BAD;
}

/* `size` bytes as text in the encoding that takes `per_three` characters for three bytes. */
static enum field_result encode(const uint8_t *data, size_t size, size_t capacity, bool hexadecimal,
                                char **ret_value)
{
    if (size == 0 || size > capacity || data == NULL)
        return FIELD_BAD;
    *ret_value = malloc(2 * size + 5);
    if (*ret_value == NULL)
        return FIELD_NO_MEMORY;
    if (hexadecimal)
        hex_encode(data, size, *ret_value);
    else
        base64_encode(data, size, *ret_value);
    return FIELD_GOOD;
}

enum field_result field_write(const struct field *field, const void *base, char **ret_value)
{
    const char *member = (const char *)base + field->offset;
    const uint8_t *data = (const uint8_t *)member;
    size_t member_size = 0;
    const struct token_bytes *bytes;

    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_DATE:
        if (memchr(member, '\0', field->capacity) == NULL)
            return FIELD_BAD;
        if (field->kind == FIELD_DATE ? !date_is_good(member)
                                      : !text_is_good(member, strlen(member), field->may_be_empty))
            return FIELD_BAD;
        *ret_value = strdup(member);
        return *ret_value == NULL ? FIELD_NO_MEMORY : FIELD_GOOD;
    case FIELD_HEX:
    case FIELD_BLOB:
        memcpy(&member_size, (const char *)base + field->size_offset, sizeof member_size);
        return encode(data, member_size, field->capacity, field->kind == FIELD_HEX, ret_value);
    case FIELD_HEX_FIXED:
        return encode(data, field->capacity, field->capacity, true, ret_value);
    case FIELD_BYTES:
        bytes = (const struct token_bytes *)(const void *)member;
        return encode(bytes->data, bytes->size, field->capacity, false, ret_value);
    case FIELD_HANDLE:
        return asprintf(ret_value, "0x%08x", *(const uint32_t *)(const void *)member) < 0 ? FIELD_NO_MEMORY
                                                                                          : FIELD_GOOD;
    }
    return FIELD_BAD;
}
