#include "token_conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithm.h"
#include "digest.h"
#include "encoding.h"
#include "keyfile.h"
#include "token_conf_fields.h"

/* Where the reader is, so that it can say what is wrong. */
struct reading {
    const struct keyfile *keyfile;
    enum token_status status;
    char *why;
    size_t why_size;
};

static void __attribute__((format(printf, 3, 4)))
fail(struct reading *reading, enum token_status status, const char *format, ...)
{
    va_list arguments;
    if (reading->status != TOKEN_OK)
        return;
    reading->status = status;
    va_start(arguments, format);
    vsnprintf(reading->why, reading->why_size, format, arguments);
    va_end(arguments);
}

/* The value, or NULL after a failure was noted. */
static const char *require(struct reading *reading, const char *section, const char *key)
{
    const char *value = keyfile_get(reading->keyfile, section, key);
    if (value == NULL)
        fail(reading, TOKEN_MALFORMED, "token.conf: \"%s\" is missing in [%s]", key, section);
    return value;
}

static void malformed(struct reading *reading, const char *section, const char *key)
{
    fail(reading, TOKEN_MALFORMED, "token.conf: \"%s\" in [%s] is not what it should be", key, section);
}

static void read_table(struct reading *reading, const char *section, const struct field_table *table,
                       void *base)
{
    for (size_t i = 0; i < table->count && reading->status == TOKEN_OK; i++) {
        const struct field *field = &table->fields[i];
        const char *value = require(reading, section, field->key);
        if (value == NULL)
            return;
        switch (field_read(field, value, base)) {
        case FIELD_GOOD:
            break;
        case FIELD_BAD:
            malformed(reading, section, field->key);
            break;
        case FIELD_NO_MEMORY:
            fail(reading, TOKEN_NO_MEMORY, "memory is out");
            break;
        }
    }
}

static uint32_t read_number(struct reading *reading, const char *section, const char *key)
{
    uint32_t number = 0;
    const char *value = require(reading, section, key);
    if (value != NULL && !field_number_read(value, &number))
        malformed(reading, section, key);
    return number;
}

/* A value of exactly `size` bytes in base64. */
static void read_exactly(struct reading *reading, const char *section, const char *key, uint8_t *data,
                         size_t size)
{
    size_t decoded;
    const char *value = require(reading, section, key);
    if (value != NULL && (!base64_decode(value, strlen(value), data, size, &decoded) || decoded != size))
        malformed(reading, section, key);
}

/* One to three digits, up to 255; *cursor moves behind them. */
static bool take_byte(const char **cursor, uint8_t *ret_byte)
{
    unsigned number = 0;
    size_t length = strspn(*cursor, "0123456789");
    if (length == 0 || length > 3)
        return false;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (unsigned)((*cursor)[i] - '0');
    *cursor += length;
    *ret_byte = (uint8_t)number;
    return number <= UINT8_MAX;
}

static void read_firmware(struct reading *reading, struct token_generation *generation)
{
    const char *cursor = require(reading, "token", "firmware");
    if (cursor == NULL)
        return;
    if (!take_byte(&cursor, &generation->firmware_major) || *cursor++ != '.' ||
        !take_byte(&cursor, &generation->firmware_minor) || *cursor != '\0')
        malformed(reading, "token", "firmware");
}

static void read_rsa(struct reading *reading, struct tpm_public_key *key)
{
    key->type = TPM_KEY_RSA;
    key->bits = read_number(reading, "key", "bits");
    key->exponent = read_number(reading, "key", "exponent");
    if (reading->status != TOKEN_OK)
        return;
    if (key->bits < 1024 || key->bits > TPM_RSA_MAX * 8 || key->bits % 8 != 0) {
        malformed(reading, "key", "bits");
        return;
    }
    if (key->exponent < 3 || key->exponent % 2 == 0) {
        malformed(reading, "key", "exponent");
        return;
    }
    read_exactly(reading, "key", "modulus", key->modulus, key->bits / 8);
    if (reading->status == TOKEN_OK && (key->modulus[0] & 0x80) == 0)
        malformed(reading, "key", "modulus");
}

static void read_ec(struct reading *reading, struct tpm_public_key *key)
{
    key->type = TPM_KEY_EC;
    const char *name = require(reading, "key", "curve");
    if (name == NULL)
        return;
    for (size_t i = 0; i < CURVE_COUNT; i++) {
        if (strcmp(name, curve_algorithms[i].name) != 0)
            continue;
        key->curve = curve_algorithms[i].curve;
        key->bits = curve_algorithms[i].bits;
        read_exactly(reading, "key", "x", key->x, (key->bits + 7) / 8);
        read_exactly(reading, "key", "y", key->y, (key->bits + 7) / 8);
        return;
    }
    malformed(reading, "key", "curve");
}

static void read_key(struct reading *reading, struct token_generation *generation)
{
    struct tpm_key *key = &generation->key;
    const char *type = require(reading, "key", "type");
    if (type == NULL)
        return;
    if (strcmp(type, "rsa") == 0)
        read_rsa(reading, &key->public_key);
    else if (strcmp(type, "ec") == 0)
        read_ec(reading, &key->public_key);
    else
        malformed(reading, "key", "type");
    read_table(reading, "key", &key_fields, key);
    read_table(reading, "key", &key_info_fields, generation);
    if (keyfile_get(reading->keyfile, "key", "persistent-handle") != NULL) {
        key->persistent_handle = read_number(reading, "key", "persistent-handle");
        if (reading->status == TOKEN_OK && key->persistent_handle >> 24 != 0x81)
            malformed(reading, "key", "persistent-handle");
    }
    key->has_pin = keyfile_get(reading->keyfile, "key", "pin-salt") != NULL;
    if (key->has_pin)
        read_exactly(reading, "key", "pin-salt", key->pin_salt, sizeof key->pin_salt);
}

static void read_certificate(struct reading *reading, const char *section,
                             struct token_certificate *certificate, uint8_t sha256[TOKEN_CONF_SHA256_SIZE])
{
    size_t size;
    read_table(reading, section, &certificate_fields, certificate);
    const char *hash = keyfile_get(reading->keyfile, section, "issuer-public-key-hash");
    if (hash != NULL) {
        certificate->has_issuer_public_key_hash = true;
        if (!hex_decode(hash, certificate->issuer_public_key_hash, 20, &size) || size != 20)
            malformed(reading, section, "issuer-public-key-hash");
    }
    const char *value = require(reading, section, "sha256");
    if (value != NULL &&
        (!hex_decode(value, sha256, TOKEN_CONF_SHA256_SIZE, &size) || size != TOKEN_CONF_SHA256_SIZE))
        malformed(reading, section, "sha256");
}

static bool bytes_equal(const struct token_bytes *one, const struct token_bytes *other)
{
    return one->size == other->size && (one->size == 0 || memcmp(one->data, other->data, one->size) == 0);
}

static void read_certificates(struct reading *reading, struct token_generation *generation,
                              struct token_conf_hashes *hashes)
{
    generation->has_certificate = keyfile_get(reading->keyfile, "certificate", "subject") != NULL;
    if (!generation->has_certificate)
        return;
    read_certificate(reading, "certificate", &generation->certificate, hashes->sha256[0]);
    if (reading->status == TOKEN_OK &&
        !bytes_equal(&generation->public_key_info, &generation->certificate.public_key_info))
        fail(reading, TOKEN_MALFORMED, "token.conf: the certificate is for another key");

    for (size_t i = 0; reading->status == TOKEN_OK; i++) {
        char section[32];
        snprintf(section, sizeof section, "chain.%zu", i);
        if (keyfile_get(reading->keyfile, section, "subject") == NULL)
            return;
        if (i == TOKEN_CHAIN_MAX) {
            fail(reading, TOKEN_MALFORMED, "token.conf: more than %d certificates in the chain",
                 TOKEN_CHAIN_MAX);
            return;
        }
        generation->chain_count = i + 1;
        read_certificate(reading, section, &generation->chain[i], hashes->sha256[1 + i]);
    }
}

enum token_status token_conf_parse(const char *text, size_t size, struct token_generation **ret_generation,
                                   struct token_conf_hashes *ret_hashes, char *ret_why, size_t why_size)
{
    struct reading reading = {.status = TOKEN_OK, .why = ret_why, .why_size = why_size};
    size_t error_line = 0;

    struct token_generation *generation = calloc(1, sizeof *generation);
    struct keyfile *keyfile = keyfile_parse(text, size, &error_line);
    reading.keyfile = keyfile;
    if (generation == NULL || (keyfile == NULL && error_line == 0)) {
        fail(&reading, TOKEN_NO_MEMORY, "memory is out");
        goto out;
    }
    if (keyfile == NULL) {
        fail(&reading, TOKEN_MALFORMED, "token.conf: line %zu is not \"key = value\"", error_line);
        goto out;
    }
    const char *format = require(&reading, "token", "format");
    if (format != NULL && strcmp(format, "1") != 0)
        fail(&reading, TOKEN_MALFORMED, "token.conf: format is not 1: it was written by a later version");
    if (reading.status == TOKEN_OK) {
        read_table(&reading, "token", &token_fields, generation);
        read_firmware(&reading, generation);
        read_key(&reading, generation);
        read_certificates(&reading, generation, ret_hashes);
    }

out:
    keyfile_free(keyfile);
    if (reading.status == TOKEN_OK)
        *ret_generation = generation;
    else
        token_generation_free(generation);
    return reading.status;
}
