/* The command line. */
#ifndef MDE_SERVER_OPTIONS_H
#define MDE_SERVER_OPTIONS_H

#include <stdbool.h>

#include "modes.h"

enum auth_policy { AUTH_ON_PREMISE, AUTH_FEDERATED, AUTH_CERTIFICATE };

/* What the policy demands of the device's key. */
struct key_demand {
    const char *name; /* as on the command line */
    bool elliptic;
    int bits;
    const char *group; /* OpenSSL's curve name */
    const char *oid;   /* of the algorithm or curve, group 3 of the policy's oIDs */
    const char *oid_name;
};

struct options {
    const char *directory;
    char listen_address[64];
    unsigned listen_port;
    const char *host;
    char domain[256]; /* host without its first label */
    enum auth_policy policy;
    const struct key_demand *key;
    const char *user;
    char *password; /* read from --password-file, NULL for none */
    char *token;    /* read from --token-file, NULL for none */
    unsigned chain;
    unsigned validity;
    unsigned renew_period;
    struct modes modes;
};

const char *options_policy_name(enum auth_policy policy);

/* Returns true to go on; false with *ret_status when the program shall end (an error was printed, or the list
 * of modes). */
bool options_read(int argc, char **argv, struct options *ret_options, int *ret_status);
void options_clear(struct options *options);

#endif
