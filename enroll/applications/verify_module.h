/* How applications see the token: through p11-kit, as this user. For command_verify.c. */
#ifndef ENROLL_VERIFY_MODULE_H
#define ENROLL_VERIFY_MODULE_H

#include <stdbool.h>

#include "token_directory.h"

struct verify_module_result {
    bool found;   /* p11-kit has the module, and it starts */
    bool visible; /* with this token's label and serial, and its certificate and key */
    bool tried;   /* to sign */
    bool signs;
    char module_text[256];
    char token_text[256];
    char signs_text[256]; /* where it was tried */
};

/* How a key is tried that shows through p11-kit; NULL in `pin` for none. */
struct verify_module_trial {
    bool sign;
    const char *pin;
};

void verify_module_look(const struct token_generation *generation, const struct verify_module_trial *trial,
                        struct verify_module_result *ret_result);

#endif
