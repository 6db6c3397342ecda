/*
 * Making the token known to applications: what intune-enroll register writes and takes back, and what
 * intune-enroll show prints for the applications that no file of ours can register. Called by the command
 * line alone; it touches neither the TPM nor the token directory.
 */
#ifndef ENROLL_REGISTRATION_REGISTRATION_H
#define ENROLL_REGISTRATION_REGISTRATION_H

#include <stdbool.h>

#include "error.h"

/* The name that the token's module has in p11-kit, Firefox and NSS. */
#define REGISTRATION_NAME "intune-tpm"

/* The commands; argv[0] is the command's name. They print, and return an enroll_exit for exit(). */
int command_register(int argc, char **argv);
int command_show(int argc, char **argv);

/*
 * Takes back everything that `register` wrote for the whole system: p11-kit, Firefox, Chromium. ENROLL_OK
 * also when nothing was registered.
 */
enum enroll_exit registration_undo_system(struct enroll_error *ret_error) __attribute__((warn_unused_result));

/* Whether p11-kit's configuration in force leads to intune-tpm.socket instead of the module in the
 * application. */
bool registration_uses_socket(void);

/*
 * The library to name to applications that want a path: the module itself, or p11-kit's proxy where the token
 * is behind the socket.
 */
const char *registration_library(void);

#endif
