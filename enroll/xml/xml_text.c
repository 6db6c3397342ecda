#include "xml_text.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define XML_TEXT_MAX (4u * 1024 * 1024)

static void append_bytes(struct xml_text *text, const char *bytes, size_t size)
{
    if (text->failed)
        return;
    if (size > XML_TEXT_MAX - text->size) {
        text->failed = true;
        return;
    }
    if (text->data == NULL || text->size + size + 1 > text->capacity) {
        size_t capacity = 2 * (text->size + size) + 1024;
        char *data = malloc(capacity);

        if (data == NULL) {
            text->failed = true;
            return;
        }
        /* Not realloc(): what it leaves behind may hold a token. */
        if (text->data != NULL)
            memcpy(data, text->data, text->size);
        if (text->data != NULL) {
            OPENSSL_cleanse(text->data, text->capacity);
            free(text->data);
        }
        text->data = data;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = '\0';
}

void xml_text_append(struct xml_text *text, const char *markup)
{
    append_bytes(text, markup, strlen(markup));
}

static const char *character_reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\t':
        return "&#x9;";
    case '\n':
        return "&#xA;";
    case '\r':
        return "&#xD;";
    default:
        return NULL;
    }
}

void xml_text_append_escaped(struct xml_text *text, const char *value)
{
    const char *start = value;

    for (; *value != '\0'; value++) {
        const char *reference = character_reference(*value);

        if (reference == NULL) {
            /* XML 1.0, 2.2: other control characters cannot be written at all. */
            if ((unsigned char)*value < 0x20)
                text->failed = true;
            continue;
        }
        append_bytes(text, start, (size_t)(value - start));
        append_bytes(text, reference, strlen(reference));
        start = value + 1;
    }
    append_bytes(text, start, (size_t)(value - start));
}

void xml_text_append_base64(struct xml_text *text, const uint8_t *bytes, size_t size)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        char quad[4] = {0, 0, '=', '='};

        if (i + 1 < size)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < size)
            group |= bytes[i + 2];
        quad[0] = alphabet[group >> 18];
        quad[1] = alphabet[(group >> 12) & 63];
        if (i + 1 < size)
            quad[2] = alphabet[(group >> 6) & 63];
        if (i + 2 < size)
            quad[3] = alphabet[group & 63];
        append_bytes(text, quad, sizeof(quad));
    }
}

void xml_text_append_element(struct xml_text *text, const char *name, const char *value)
{
    xml_text_append(text, "<");
    xml_text_append(text, name);
    xml_text_append(text, ">");
    xml_text_append_escaped(text, value);
    xml_text_append(text, "</");
    append_bytes(text, name, strcspn(name, " "));
    xml_text_append(text, ">");
}

void xml_text_clear(struct xml_text *text)
{
    if (text->data != NULL)
        OPENSSL_cleanse(text->data, text->capacity);
    free(text->data);
    *text = (struct xml_text){0};
}
