/* The policies that the server has for every device. */
#ifndef INTUNE_SERVER_POLICY_SET_H
#define INTUNE_SERVER_POLICY_SET_H

#include <json-c/json.h>

#include "behaviour.h"

/* From a file with a JSON array of policies, or its own for NULL; with what the modes add. NULL when the file
 * cannot be read, with the reason printed. */
struct json_object *policy_set_make(const char *path, const struct behaviour *behaviour);

#endif
