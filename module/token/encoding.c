#include "encoding.h"

#include <string.h>

#define PEM_LINE_MAX 76

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a character from '+' to 'z', plus one; zero for what is none. */
static const uint8_t base64_values['z' - '+' + 1] = {
    63, 0,  0,  0,  64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0,  0,  0,  0,  0,  0,  0,  1,  2,  3,  4,  5,
    6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 0,  0,  0,  0,  0,  0,
    27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
};

/* The six bits of a character, or more than 63. */
static uint32_t base64_value(char character)
{
    unsigned index = (unsigned)(unsigned char)character - '+';
    return index < sizeof base64_values ? base64_values[index] - 1U : UINT32_MAX;
}

/* Four characters as 24 bits. */
static bool take_four(const char *text, uint32_t *ret_bits)
{
    uint32_t first = base64_value(text[0]), second = base64_value(text[1]);
    uint32_t third = base64_value(text[2]), fourth = base64_value(text[3]);
    *ret_bits = first << 18 | second << 12 | third << 6 | fourth;
    return (first | second | third | fourth) <= 63;
}

bool base64_decode(const char *text, size_t size, uint8_t *ret_data, size_t capacity, size_t *ret_size)
{
    uint32_t bits;
    size_t padding = 0;
    if (size % 4 != 0)
        return false;
    while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
        padding++;
    size_t decoded = size / 4 * 3 - padding;
    if (decoded > capacity)
        return false;

    uint8_t *out = ret_data;
    for (size_t whole = decoded / 3; whole > 0; whole--, text += 4) {
        if (!take_four(text, &bits))
            return false;
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    if (padding > 0) {
        const char last[4] = {text[0], text[1], padding == 1 ? text[2] : 'A', 'A'};
        /* the bits that padding leaves over are zero in the one right encoding */
        if (!take_four(last, &bits) || (bits & (padding == 1 ? 0xff : 0xffff)) != 0)
            return false;
        *out++ = (uint8_t)(bits >> 16);
        if (padding == 1)
            *out++ = (uint8_t)(bits >> 8);
    }
    *ret_size = decoded;
    return true;
}

void base64_encode(const uint8_t *data, size_t size, char *ret_text)
{
    for (size_t i = 0; i < size; i += 3) {
        size_t count = size - i < 3 ? size - i : 3;
        uint32_t bits = (uint32_t)data[i] << 16;
        if (count > 1)
            bits |= (uint32_t)data[i + 1] << 8;
        if (count > 2)
            bits |= data[i + 2];
        for (size_t j = 0; j < 4; j++)
            *ret_text++ = j <= count ? base64_alphabet[bits >> (18 - 6 * j) & 63] : '=';
    }
    *ret_text = '\0';
}

static int hex_value(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

bool hex_decode(const char *text, uint8_t *ret_data, size_t capacity, size_t *ret_size)
{
    size_t size = strlen(text) / 2;
    if (strlen(text) % 2 != 0 || size > capacity)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_data[i] = (uint8_t)(high << 4 | low);
    }
    *ret_size = size;
    return true;
}

void hex_encode(const uint8_t *data, size_t size, char *ret_text)
{
    for (size_t i = 0; i < size; i++) {
        *ret_text++ = "0123456789abcdef"[data[i] >> 4];
        *ret_text++ = "0123456789abcdef"[data[i] & 15];
    }
    *ret_text = '\0';
}

/* The line at *cursor without its end; *cursor moves to the next one. False at the end of the text. */
static bool take_line(const char **cursor, const char *end, const char **ret_line, size_t *ret_length)
{
    const char *line = *cursor;
    if (line >= end)
        return false;
    const char *line_end = memchr(line, '\n', (size_t)(end - line));
    *cursor = line_end == NULL ? end : line_end + 1;
    size_t length = (size_t)((line_end == NULL ? end : line_end) - line);
    if (length > 0 && line[length - 1] == '\r')
        length--;
    *ret_line = line;
    *ret_length = length;
    return true;
}

static bool line_is(const char *line, size_t length, const char *expected)
{
    return length == strlen(expected) && memcmp(line, expected, length) == 0;
}

bool pem_certificate_next(const char **cursor, const char *end, uint8_t *ret_der, size_t capacity,
                          size_t *ret_size)
{
    const char *line;
    size_t length;
    size_t filled = 0;
    bool last = false;

    if (!take_line(cursor, end, &line, &length) || !line_is(line, length, "-----BEGIN CERTIFICATE-----"))
        return false;
    while (take_line(cursor, end, &line, &length)) {
        size_t decoded;
        if (line_is(line, length, "-----END CERTIFICATE-----")) {
            *ret_size = filled;
            return filled > 0;
        }
        /* each line but the last one carries whole bytes only */
        if (last || length == 0 || length > PEM_LINE_MAX ||
            !base64_decode(line, length, ret_der + filled, capacity - filled, &decoded))
            return false;
        last = line[length - 1] == '=';
        filled += decoded;
    }
    return false;
}
