#include "token_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "algorithm.h"
#include "digest.h"
#include "encoding.h"
#include "token_conf.h"
#include "token_conf_fields.h"

/* A member of `size` bytes as one base64 line. */
static bool write_base64(FILE *file, const char *key, const uint8_t *data, size_t size)
{
    char text[TPM_RSA_MAX / 3 * 4 + 8];
    if (size == 0 || size > TPM_RSA_MAX)
        return false;
    base64_encode(data, size, text);
    return fprintf(file, "%s = %s\n", key, text) > 0;
}

static bool write_table(FILE *file, const struct field_table *table, const void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        char *value;
        if (field_write(&table->fields[i], base, &value) != FIELD_GOOD)
            return false;
        bool written = fprintf(file, "%s = %s\n", table->fields[i].key, value) > 0;
        free(value);
        if (!written)
            return false;
    }
    return true;
}

static bool write_public_key(FILE *file, const struct tpm_public_key *key)
{
    if (key->type == TPM_KEY_RSA)
        return fprintf(file, "type = rsa\nbits = %u\nexponent = %u\n", key->bits, key->exponent) > 0 &&
               write_base64(file, "modulus", key->modulus, key->bits / 8);
    const struct curve_algorithm *curve = curve_algorithm_find(key->curve);
    size_t size = (key->bits + 7) / 8;
    return key->type == TPM_KEY_EC && curve != NULL && size <= TPM_EC_MAX &&
           fprintf(file, "type = ec\ncurve = %s\n", curve->name) > 0 &&
           write_base64(file, "x", key->x, size) && write_base64(file, "y", key->y, size);
}

static bool write_key(FILE *file, const struct token_generation *generation)
{
    const struct tpm_key *key = &generation->key;
    return fprintf(file, "\n[key]\n") > 0 && write_public_key(file, &key->public_key) &&
           write_table(file, &key_fields, key) && write_table(file, &key_info_fields, generation) &&
           (key->persistent_handle == 0 ||
            fprintf(file, "persistent-handle = 0x%08x\n", key->persistent_handle) > 0) &&
           (!key->has_pin || write_base64(file, "pin-salt", key->pin_salt, sizeof key->pin_salt));
}

static bool write_certificate(FILE *file, const struct token_certificate *certificate)
{
    uint8_t hash[TOKEN_CONF_SHA256_SIZE];
    char text[2 * TOKEN_CONF_SHA256_SIZE + 1];

    if (certificate->value.size == 0 || certificate->value.size > TOKEN_CERTIFICATE_MAX ||
        !write_table(file, &certificate_fields, certificate))
        return false;
    digest_compute(DIGEST_SHA256, certificate->value.data, certificate->value.size, hash);
    hex_encode(hash, sizeof hash, text);
    if (fprintf(file, "sha256 = %s\n", text) < 0)
        return false;
    if (!certificate->has_issuer_public_key_hash)
        return true;
    hex_encode(certificate->issuer_public_key_hash, sizeof certificate->issuer_public_key_hash, text);
    return fprintf(file, "issuer-public-key-hash = %s\n", text) > 0;
}

static bool write_generation(FILE *file, const struct token_generation *generation)
{
    if (fprintf(file, "[token]\nformat = 1\n") < 0 || !write_table(file, &token_fields, generation) ||
        fprintf(file, "firmware = %u.%u\n", generation->firmware_major, generation->firmware_minor) < 0 ||
        !write_key(file, generation))
        return false;
    if (!generation->has_certificate)
        return true;
    if (fprintf(file, "\n[certificate]\n") < 0 || !write_certificate(file, &generation->certificate))
        return false;
    for (size_t i = 0; i < generation->chain_count && i < TOKEN_CHAIN_MAX; i++)
        if (fprintf(file, "\n[chain.%zu]\n", i) < 0 || !write_certificate(file, &generation->chain[i]))
            return false;
    return true;
}

/* Whether what was written reads back: the reader's rules are the only ones. */
static bool reads_back(const char *text, size_t size)
{
    struct token_generation *generation;
    struct token_conf_hashes hashes;
    char why[128];
    if (token_conf_parse(text, size, &generation, &hashes, why, sizeof why) != TOKEN_OK)
        return false;
    token_generation_free(generation);
    return true;
}

bool token_conf_format(const struct token_generation *generation, char **ret_text, size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0;

    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        return false;
    bool good = write_generation(file, generation);
    good = fclose(file) == 0 && good;
    if (!good || !reads_back(text, size)) {
        free(text);
        return false;
    }
    *ret_text = text;
    *ret_size = size;
    return true;
}
