/*
 * Making the token known to applications: what intune-enroll register writes and removes, what
 * intune-enroll show prints for applications that are configured by hand, and what intune-enroll verify
 * checks of it. Called by the command line only; uses neither the TPM nor the token directory.
 */
#ifndef ENROLL_APPLICATIONS_REGISTRATION_H
#define ENROLL_APPLICATIONS_REGISTRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "token_directory.h"

/* The name that the token's module has in p11-kit, Firefox and NSS. */
#define REGISTRATION_NAME "intune-tpm"

/* How p11-kit reaches the token. */
enum registration_way { REGISTRATION_AS_IT_IS, REGISTRATION_DIRECT, REGISTRATION_SOCKET };

struct registration {
    bool user;  /* this user's NSS database; else p11-kit, Firefox and Chromium for all users */
    bool undo;  /* take it back */
    bool print; /* show what would change */
    enum registration_way way;
    const char *const *urls; /* Chromium sends the certificate to these, NULL-terminated; or NULL */
    unsigned wait_seconds;   /* for another run to finish */
};

/*
 * Makes the changes, or shows them, and prints what was done. Concurrent runs are serialized. Errors:
 * ENROLL_CONFIGURATION, ENROLL_FAILED, ENROLL_IN_PROGRESS.
 */
enum enroll_exit registration_change(const struct registration *registration, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/*
 * Prints the lines that an application's configuration needs for the token in `directory` (NULL: the one that
 * applications find). Errors: ENROLL_USAGE (no such application), ENROLL_NOT_ENROLLED,
 * ENROLL_TOKEN_DIRECTORY.
 */
enum enroll_exit registration_show(const char *application, const char *directory,
                                   struct enroll_error *ret_error) __attribute__((warn_unused_result));

/*
 * Takes back everything that `register` wrote for the whole system: p11-kit, Firefox, Chromium. ENROLL_OK
 * also when nothing was registered.
 */
enum enroll_exit registration_undo_system(struct enroll_error *ret_error) __attribute__((warn_unused_result));

/* What `register` keeps up, but for p11-kit's own file. */
enum registration_state {
    REGISTRATION_GOOD,
    REGISTRATION_ABSENT,
    REGISTRATION_OTHER, /* there, and not what `register` would write now */
    REGISTRATION_BROKEN,
};

#define REGISTRATION_RESULTS 4

struct registration_result {
    const char *name; /* "firefox-policy" */
    enum registration_state state;
    char text[256];     /* what was found */
    const char *advice; /* what to do */
};

/* Inspects the browsers' policies and this user's NSS database. Returns the number of results. */
size_t registration_inspect(const struct token_generation *generation,
                            struct registration_result ret_results[static REGISTRATION_RESULTS]);

/* Whether p11-kit's configuration in force leads to intune-tpm.socket instead of the module in the
 * application. */
bool registration_uses_socket(void);

/*
 * The library to name to applications that want a path: the module itself, or p11-kit's proxy where the token
 * is behind the socket.
 */
const char *registration_library(void);

#endif
