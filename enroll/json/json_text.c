#include "json_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "error.h"

#define JSON_VALUES_MAX 65536 /* at one time while the members are counted */

/* How many members the text has: a colon outside of strings each. */
static size_t members_written(const char *json, size_t size)
{
    size_t count = 0;
    bool quoted = false;

    for (size_t i = 0; i < size; i++) {
        if (quoted && json[i] == '\\')
            i++;
        else if (json[i] == '"')
            quoted = !quoted;
        else if (json[i] == ':' && !quoted)
            count++;
    }
    return count;
}

/* Puts the values of an object or array on the stack; false when there is no room. */
static bool values_push(struct json_object *value, struct json_object **stack, size_t *depth, size_t *members)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            if (*depth == JSON_VALUES_MAX)
                return false;
            stack[(*depth)++] = json_object_array_get_idx(value, i);
        }
    } else if (json_object_is_type(value, json_type_object)) {
        struct json_object_iterator at = json_object_iter_begin(value), end = json_object_iter_end(value);

        for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
            if (*depth == JSON_VALUES_MAX)
                return false;
            stack[(*depth)++] = json_object_iter_peek_value(&at);
            (*members)++;
        }
    }
    return true;
}

/* A name that stands twice in an object: parsers differ in which value they take. */
static bool names_repeat(struct json_object *object, const char *json, size_t size)
{
    struct json_object **stack = malloc(JSON_VALUES_MAX * sizeof(struct json_object *));
    size_t depth = 1, members = 0;
    bool counted = true;

    if (stack == NULL)
        return true;
    stack[0] = object;
    while (counted && depth > 0)
        counted = values_push(stack[--depth], stack, &depth, &members);
    free(stack);
    return !counted || members != members_written(json, size);
}

struct json_object *json_text_parse(const char *json, size_t size)
{
    struct json_tokener *tokener;
    struct json_object *object;

    if (size == 0 || size > JSON_SIZE_MAX)
        return NULL;
    tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
    if (tokener == NULL)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, json, (int)size);
    /* A value that ends where the bytes end is whole only if it is of a kind with an end of its own. */
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        !json_object_is_type(object, json_type_object) || names_repeat(object, json, size)) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

static void string_wipe(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string))
        OPENSSL_cleanse((void *)(uintptr_t)json_object_get_string(value),
                        (size_t)json_object_get_string_len(value));
}

static void members_wipe(struct json_object *object)
{
    struct json_object_iterator at = json_object_iter_begin(object), end = json_object_iter_end(object);

    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
        string_wipe(json_object_iter_peek_value(&at));
}

void json_text_free(struct json_object *object)
{
    struct json_object_iterator at, end;

    if (object == NULL)
        return;
    at = json_object_iter_begin(object);
    end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        struct json_object *value = json_object_iter_peek_value(&at);

        string_wipe(value);
        if (json_object_is_type(value, json_type_object))
            members_wipe(value);
    }
    json_object_put(object);
}

char *json_text_string(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    /* A NUL inside would cut it off unseen. */
    if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value))
        return NULL;
    return strdup(json_object_get_string(value));
}

char *json_text_printable(struct json_object *object, const char *name)
{
    char *text = json_text_string(object, name);

    if (text != NULL)
        enroll_text_print(text, strlen(text), text, strlen(text) + 1);
    return text;
}

bool json_text_put(struct json_object *object, const char *name, const char *value)
{
    struct json_object *string = json_object_new_string(value);

    return string != NULL && json_object_object_add(object, name, string) == 0;
}

char *json_text_take(struct json_object *object, bool complete)
{
    const char *text = complete ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN) : NULL;
    char *copy = text != NULL ? strdup(text) : NULL;

    json_object_put(object);
    return copy;
}
