#include "members.h"

#include <string.h>

const char *member_text(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

struct json_object *member_array(struct json_object *object, const char *name)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, json_type_array))
        return NULL;
    return value;
}

const char *members_check(struct json_object *object, const char *const *names)
{
    if (!json_object_is_type(object, json_type_object))
        return "the body";
    for (size_t i = 0; names[i] != NULL; i++)
        if (*member_text(object, names[i]) == '\0')
            return names[i];
    struct json_object_iterator at = json_object_iter_begin(object);
    struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
        size_t i = 0;
        while (names[i] != NULL && strcmp(names[i], json_object_iter_peek_name(&at)) != 0)
            i++;
        if (names[i] == NULL)
            return "a member that is not known";
    }
    return NULL;
}
