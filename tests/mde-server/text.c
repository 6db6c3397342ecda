#include "text.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#define FILE_SIZE_MAX (1024 * 1024)

static void text_room_make(struct text *text, size_t more)
{
    size_t wanted = text->size + more + 1;
    if (wanted < more)
        abort();
    if (wanted <= text->capacity)
        return;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity < wanted)
        capacity *= 2;
    text->data = realloc(text->data, capacity);
    if (!text->data)
        abort();
    text->capacity = capacity;
}

void text_bytes_append(struct text *text, const void *bytes, size_t size)
{
    text_room_make(text, size);
    if (size)
        memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_bytes_append(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *string = NULL;
    int size = vasprintf(&string, format, arguments);
    va_end(arguments);
    if (size < 0)
        abort();
    text_bytes_append(text, string, (size_t)size);
    free(string);
}

void text_xml_append(struct text *text, const char *string)
{
    for (; *string; string++) {
        switch (*string) {
        case '<':
            text_append(text, "&lt;");
            break;
        case '>':
            text_append(text, "&gt;");
            break;
        case '&':
            text_append(text, "&amp;");
            break;
        case '"':
            text_append(text, "&quot;");
            break;
        case '\'':
            text_append(text, "&#39;");
            break;
        default:
            text_bytes_append(text, string, 1);
        }
    }
}

void text_json_append(struct text *text, const char *string)
{
    for (; *string; string++) {
        unsigned char character = (unsigned char)*string;
        if (character == '"' || character == '\\')
            text_format(text, "\\%c", character);
        else if (character < 0x20)
            text_format(text, "\\u%04x", character);
        else
            text_bytes_append(text, string, 1);
    }
}

void text_base64_append(struct text *text, const void *bytes, size_t size)
{
    if (size > INT32_MAX / 2)
        abort();
    text_room_make(text, (size + 2) / 3 * 4);
    int written = EVP_EncodeBlock((unsigned char *)text->data + text->size, bytes, (int)size);
    text->size += (size_t)written;
    text->data[text->size] = '\0';
}

void text_base64url_append(struct text *text, const void *bytes, size_t size)
{
    size_t start = text->size;
    text_base64_append(text, bytes, size);
    while (text->size > start && text->data[text->size - 1] == '=')
        text->data[--text->size] = '\0';
    for (size_t i = start; i < text->size; i++) {
        if (text->data[i] == '+')
            text->data[i] = '-';
        else if (text->data[i] == '/')
            text->data[i] = '_';
    }
}

void text_replace(struct text *text, size_t offset, size_t size, const char *string)
{
    size_t length = strlen(string);
    if (offset > text->size || size > text->size - offset)
        abort();
    text_room_make(text, length);
    memmove(text->data + offset + length, text->data + offset + size, text->size - offset - size + 1);
    memcpy(text->data + offset, string, length);
    text->size = text->size - size + length;
}

void text_clear(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

bool text_base64_decode(const char *string, unsigned char **ret_bytes, size_t *ret_size)
{
    while (isspace((unsigned char)*string))
        string++;
    size_t length = strlen(string);
    while (length > 0 && isspace((unsigned char)string[length - 1]))
        length--;
    if (length == 0 || length % 4 != 0 || length > INT32_MAX / 2)
        return false;
    size_t padding = 0;
    while (padding < 2 && string[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length - padding; i++)
        if (!isalnum((unsigned char)string[i]) && string[i] != '+' && string[i] != '/')
            return false;
    unsigned char *bytes = malloc(length / 4 * 3 + 1);
    if (!bytes)
        abort();
    int written = EVP_DecodeBlock(bytes, (const unsigned char *)string, (int)length);
    if (written < 0) {
        free(bytes);
        return false;
    }
    bytes[(size_t)written - padding] = '\0';
    *ret_bytes = bytes;
    *ret_size = (size_t)written - padding;
    return true;
}

char *text_file_read(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    char *bytes = malloc(FILE_SIZE_MAX + 1);
    if (!bytes)
        abort();
    size_t size = fread(bytes, 1, FILE_SIZE_MAX, file);
    bool whole = !ferror(file) && fgetc(file) == EOF;
    (void)fclose(file);
    if (!whole) {
        free(bytes);
        return NULL;
    }
    bytes[size] = '\0';
    if (ret_size)
        *ret_size = size;
    return bytes;
}

bool text_file_write(const char *path, const void *bytes, size_t size, unsigned mode)
{
    char *beside = NULL;
    if (asprintf(&beside, "%s.new", path) < 0)
        abort();
    bool written = false;
    int descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (descriptor >= 0) {
        const char *next = bytes;
        size_t left = size;
        while (left > 0) {
            ssize_t count = write(descriptor, next, left);
            if (count <= 0)
                break;
            next += count;
            left -= (size_t)count;
        }
        written = close(descriptor) == 0 && left == 0 && rename(beside, path) == 0;
    }
    free(beside);
    return written;
}

void text_random_hex(size_t bytes, char *ret_hex)
{
    unsigned char random[20];
    if (bytes > sizeof random || RAND_bytes(random, (int)bytes) != 1)
        abort();
    for (size_t i = 0; i < bytes; i++)
        (void)snprintf(ret_hex + 2 * i, 3, "%02x", random[i]);
}

void text_random_uuid(char ret_uuid[37])
{
    char hex[33];
    text_random_hex(16, hex);
    hex[12] = '4';
    hex[16] = "89ab"[(unsigned char)hex[16] % 4];
    (void)snprintf(ret_uuid, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
