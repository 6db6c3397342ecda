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
    json_object_object_foreach(object, member, value)
    {
        size_t i = 0;
        (void)value;
        while (names[i] != NULL && strcmp(names[i], member) != 0)
            i++;
        if (names[i] == NULL)
            return "a member that is not known";
    }
    return NULL;
}
