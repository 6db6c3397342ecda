/* Strict reading of a message's members. */
#ifndef INTUNE_SERVER_MEMBERS_H
#define INTUNE_SERVER_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

/*
 * Every name must be a member that is a string that is not empty, and there must be no member beside them.
 * NULL ends the list. Returns the name of the first that is wrong, NULL for none.
 */
const char *members_check(struct json_object *object, const char *const *names);

/* A string member; "" for none. The object owns it. */
const char *member_text(struct json_object *object, const char *name);
/* An array member; NULL for none. */
struct json_object *member_array(struct json_object *object, const char *name);

#endif
