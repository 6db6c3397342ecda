/*
 * enroll/auth: the ways to get a security token, each a file of its own behind the one interface of this
 * header. Called by flow.c once Discover has said what the server wants.
 */
#ifndef ENROLL_AUTH_H
#define ENROLL_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"

struct net;

#define AUTH_TOKEN_MAX             65536 /* bytes */
#define AUTH_TOKEN_COMMAND_SECONDS 300   /* it may ask a person something */

enum auth_way {
    AUTH_AUTOMATIC,
    AUTH_TOKEN_FILE,
    AUTH_TOKEN_FD,
    AUTH_TOKEN_COMMAND,
    AUTH_DEVICE_CODE,
    AUTH_BROKER,
    AUTH_BROWSER,
    AUTH_PASSWORD,
    AUTH_CERTIFICATE,
};

/* The name that --auth takes: "file", "fd", "command", "device-code", "broker", "browser", "password",
 * "certificate". */
const char *auth_way_name(enum auth_way way);
/* The reverse; false when there is no such way. "auto" is AUTH_AUTOMATIC. */
bool auth_way_find(const char *name, enum auth_way *ret_way) __attribute__((warn_unused_result));

/* What a person has to see to sign in elsewhere: the device code, or an address to open. */
struct auth_instruction {
    const char *url;
    const char *code;    /* NULL with a browser */
    const char *message; /* the server's words, printable, or ours; may be NULL */
    unsigned seconds_left;
};

/* The operator's options; NULL or -1 for what was not given. Strings are not owned. Initialise with
 * AUTH_OPTIONS_NONE. */
struct auth_options {
    enum auth_way force;
    const char *token_file;
    int token_fd;
    const char *token_command;      /* words separated by blanks, quotes as in a shell, run without one */
    unsigned token_command_seconds; /* that it may take; 0: AUTH_TOKEN_COMMAND_SECONDS */
    const char *token_type;         /* "user" (default) or "jwt": the ValueType that names the token */
    const char *username;
    const char *password_file;
    const char *client_id; /* OAuth 2; none is built in */
    const char *scope;
    const char *resource; /* OAuth 2, version 1 endpoints; instead of scope */
    const char *tenant;
    const char *authority;       /* "https://login.microsoftonline.com" unless given */
    const char *certificate;     /* PEM file or pkcs11: URI */
    const char *certificate_key; /* PEM file; NULL: in the same file. A pkcs11: URI names both */
    bool may_open_browser;       /* there is a display */
    unsigned timeout_seconds;    /* of what the identity broker answers by itself; 0: NET_TIMEOUT_DEFAULT */
    void *context;
    /* Asks for a secret without echo. malloc()ed, wiped by the callee's caller; NULL: nobody to ask. */
    char *(*ask_secret)(void *context, const char *prompt);
    /* Asks for a long line, with echo: the pasted answer of a browser; may be NULL. */
    char *(*ask_line)(void *context, const char *prompt);
    /* True when the person asks, while the browser is waited for, to paste its answer; may be NULL. */
    bool (*wants_to_paste)(void *context);
    bool (*confirm)(void *context, const char *question);
    /* Called when there is something to show, and again each second while waiting. */
    void (*show)(void *context, const struct auth_instruction *instruction);
    /* True ends the waiting; may be NULL. */
    bool (*cancelled)(void *context);
};

#define AUTH_OPTIONS_NONE ((struct auth_options){.token_fd = -1})

/* What discovery found out. */
struct auth_situation {
    const char *user;                       /* the address; may be NULL */
    const char *auth_policy;                /* "OnPremise", "Federated", "Certificate" */
    const char *authentication_service_url; /* may be NULL */
    const char *enrollment_host;            /* where the credential goes */
    bool host_was_typed;                    /* by the operator; else it was found from the address */
    struct net *net;
    /* Says which way was chosen and why; may be NULL. */
    void (*note)(void *context, const char *text);
    /* Says what went wrong and is gone on with; may be NULL. */
    void (*warn)(void *context, const char *text);
    void *note_context; /* of both */
};

enum auth_kind { CREDENTIAL_TOKEN, CREDENTIAL_PASSWORD, CREDENTIAL_CERTIFICATE };

/* What proves who enrols. Freed, and wiped, with auth_credential_free(). */
struct auth_credential {
    enum auth_kind kind;
    enum auth_way way;
    char *token;            /* CREDENTIAL_TOKEN: as the token service gave it, not yet base64 */
    const char *value_type; /* CREDENTIAL_TOKEN: of the BinarySecurityToken; static */
    char *username;         /* CREDENTIAL_PASSWORD */
    char *password;
    X509 *certificate; /* CREDENTIAL_CERTIFICATE */
    EVP_PKEY *key;
    void *key_source; /* what keeps a pkcs11: key alive; NULL: nothing has to */
    void (*key_source_close)(void *key_source);
};

/* Which ways the policies to offer in Discover follow from: at least one of these is true afterwards. */
struct auth_offer {
    bool on_premise, federated, certificate;
};
struct auth_offer auth_options_offer(const struct auth_options *options);

/*
 * Chooses the way and gets the credential. Errors: ENROLL_AUTHENTICATION, ENROLL_CONFIGURATION (a file),
 * ENROLL_UNSAFE (a password for a host nobody confirmed), ENROLL_CANCELLED, and those of net_send().
 */
enum enroll_exit auth_obtain(const struct auth_options *options, const struct auth_situation *situation,
                             struct auth_credential *ret_credential, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
void auth_credential_free(struct auth_credential *credential);

#endif
