/* How applications see the token: through p11-kit, as this user. For command_verify.c. */
#ifndef ENROLL_VERIFY_MODULE_H
#define ENROLL_VERIFY_MODULE_H

#include <stdbool.h>

#include "token_directory.h"

struct verify_module_result {
    bool found;   /* p11-kit has the module, and it starts */
    bool visible; /* with this token's label and serial, and its certificate and key */
    char module_text[256];
    char token_text[256];
};

void verify_module_look(const struct token_generation *generation, struct verify_module_result *ret_result);

#endif
