#include "json_text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "error.h"

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
        !json_object_is_type(object, json_type_object)) {
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
