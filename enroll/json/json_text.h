/* JSON through json-c: reading what others wrote, strict, bounded, one object; and writing. */
#ifndef ENROLL_JSON_TEXT_H
#define ENROLL_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

#define JSON_SIZE_MAX  (256 * 1024)
#define JSON_DEPTH_MAX 32

/* NULL unless it is one JSON object of at most JSON_SIZE_MAX bytes and nothing behind it; no comments, and no
 * name twice in an object. */
struct json_object *json_text_parse(const char *json, size_t size);
/* Wipes the strings of it and of the objects and arrays directly in it, then frees it. NULL is allowed. */
void json_text_free(struct json_object *object);
/* A copy of a string member, as it is; NULL if there is none. */
char *json_text_string(struct json_object *object, const char *name);
/* The same in printable characters. */
char *json_text_printable(struct json_object *object, const char *name);

/* Adds a string member. False: out of memory. */
bool json_text_put(struct json_object *object, const char *name, const char *value)
    __attribute__((warn_unused_result));
/* The text of an object, without blanks, and frees the object. malloc()ed; NULL: out of memory, or not
 * `complete`. */
char *json_text_take(struct json_object *object, bool complete) __attribute__((warn_unused_result));

#endif
