#include "trace_claims.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "error.h"
#include "json_text.h"
#include "xml_document.h"

#define CLAIMS_MAX 32768

static const char *const shown[] = {"upn",      "unique_name", "preferred_username",
                                    "name",     "oid",         "tid",
                                    "deviceid", "aud",         "iss",
                                    "appid",    "scp",         "iat",
                                    "nbf",      "exp"};

/* The middle part of a JWT (RFC 7519): base64url of a JSON object. */
static struct json_object *claims_read(const char *token)
{
    const char *first = strchr(token, '.'), *second = first != NULL ? strchr(first + 1, '.') : NULL;
    size_t size = second != NULL ? (size_t)(second - first - 1) : 0;
    struct json_object *claims = NULL;
    uint8_t *bytes;
    size_t byte_count;
    const char *why;
    char *base64;

    if (size == 0 || size > CLAIMS_MAX)
        return NULL;
    base64 = calloc(1, size + 4);
    if (base64 == NULL)
        return NULL;
    for (size_t i = 0; i < size; i++)
        base64[i] = first[1 + i] == '-' ? '+' : first[1 + i] == '_' ? '/' : first[1 + i];
    for (size_t i = size; i % 4 != 0; i++)
        base64[i] = '=';
    if (xml_base64_decode(base64, &bytes, &byte_count, &why)) {
        claims = json_text_parse((const char *)bytes, byte_count);
        free(bytes);
    }
    free(base64);
    return claims;
}

static void claim_write(FILE *out, const char *name, struct json_object *value)
{
    char printable[256];
    const char *text =
        json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    time_t at = (time_t)json_object_get_int64(value);
    struct tm tm;

    if (json_object_is_type(value, json_type_int) && gmtime_r(&at, &tm) != NULL)
        strftime(printable, sizeof(printable), "%Y-%m-%d %H:%M:%S UTC", &tm);
    else
        enroll_text_print(text, strlen(text), printable, sizeof(printable));
    fprintf(out, "\n  %s: %s", name, printable);
}

char *trace_claims_describe(const char *token)
{
    struct json_object *claims = claims_read(token), *value;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out != NULL) {
        fprintf(out, "(a token of %zu bytes, removed%s", strlen(token), claims != NULL ? "; claims:" : "");
        for (size_t i = 0; claims != NULL && i < sizeof(shown) / sizeof(shown[0]); i++)
            if (json_object_object_get_ex(claims, shown[i], &value))
                claim_write(out, shown[i], value);
        fprintf(out, ")");
        if (fclose(out) != 0) {
            free(text);
            text = NULL;
        }
    }
    json_object_put(claims);
    return text;
}

/* Answers of a token service are flat (RFC 6749 5.1); what is nested is not looked through, so it is not
 * kept. */
static bool is_nested(struct json_object *value)
{
    if (!json_object_is_type(value, json_type_array))
        return json_object_is_type(value, json_type_object);
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        struct json_object *element = json_object_array_get_idx(value, i);

        if (json_object_is_type(element, json_type_array) || json_object_is_type(element, json_type_object))
            return true;
    }
    return false;
}

char *trace_json_format(const char *json, size_t size, bool (*is_secret)(const char *name, size_t size),
                        void (*remember)(struct trace_secrets *secrets, const char *value),
                        struct trace_secrets *secrets)
{
    struct json_object *object = json_text_parse(json, size);
    struct json_object_iterator at, end;
    char *text;

    if (object == NULL)
        return NULL;
    at = json_object_iter_begin(object);
    end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        const char *name = json_object_iter_peek_name(&at);
        struct json_object *value = json_object_iter_peek_value(&at);
        char *description;

        if (is_nested(value) ||
            (is_secret(name, strlen(name)) && json_object_is_type(value, json_type_array))) {
            if (json_object_object_add(object, name, json_object_new_string("(removed)")) != 0) {
                json_object_put(object);
                return NULL;
            }
            continue;
        }
        if (!is_secret(name, strlen(name)) || !json_object_is_type(value, json_type_string))
            continue;
        remember(secrets, json_object_get_string(value));
        description = trace_claims_describe(json_object_get_string(value));
        OPENSSL_cleanse((void *)(uintptr_t)json_object_get_string(value),
                        (size_t)json_object_get_string_len(value));
        if (json_object_set_string(value, description != NULL ? description : "(removed)") == 0)
            OPENSSL_cleanse((void *)(uintptr_t)json_object_get_string(value),
                            (size_t)json_object_get_string_len(value));
        free(description);
    }
    text = strdup(
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(object);
    return text;
}
