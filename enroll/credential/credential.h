/*
 * enroll/credential: sources of what proves who enrols - a bearer token, a user name with its password, or a
 * client certificate. Each source is a file with one descriptor (source.h), listed in the table of sources.c;
 * options, help, completion and the choice of a source follow from the table. Knows no enrolment protocol:
 * a protocol says in a request what the service accepts.
 */
#ifndef ENROLL_CREDENTIAL_H
#define ENROLL_CREDENTIAL_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"
#include "setting.h"

struct https_client;
struct credential_source;

#define CREDENTIAL_OPTIONS_MAX 32 /* of all sources together */

/* A kind is also a bit of a set of kinds. */
enum credential_kind { CREDENTIAL_TOKEN = 1, CREDENTIAL_PASSWORD = 2, CREDENTIAL_CERTIFICATE = 4 };

/* The options of all sources (shared ones are one object) in the table's order, each once; NULL at the end.
 */
const struct setting *credential_option_at(size_t index);

/* The sources in the table's order, NULL at the end; by name, NULL when there is none. */
const struct credential_source *credential_source_at(size_t index);
const struct credential_source *credential_source_find(const char *name);
const char *credential_source_name(const struct credential_source *source);

/* What a person has to see to sign in elsewhere: the device code, or an address to open. */
struct credential_instruction {
    const char *url;
    const char *code;    /* NULL with a browser */
    const char *message; /* the server's text, printable, or ours; may be NULL */
    unsigned seconds_left;
};

/* The operator's options and terminal. All strings are the caller's. Zero is a valid value. */
struct credential_options {
    const struct credential_source *forced;     /* by --auth; NULL: the best one */
    const char *values[CREDENTIAL_OPTIONS_MAX]; /* by the index of credential_option_at(); NULL: not given */
    bool may_open_browser;                      /* there is a display */
    unsigned timeout_seconds; /* for an answer that needs no person; 0: HTTPS_TIMEOUT_DEFAULT */
    void *context;
    /* Prompts for a secret without echo. malloc()ed, wiped and freed by the caller; NULL: no terminal. */
    char *(*ask_secret)(void *context, const char *prompt);
    /* Prompts for a long line, with echo: the pasted answer of a browser; may be NULL. */
    char *(*ask_line)(void *context, const char *prompt);
    /* True when Enter was pressed while the browser is waited for; may be NULL. */
    bool (*wants_to_paste)(void *context);
    bool (*confirm)(void *context, const char *question);
    /* Called when there is something to show, and again each second while waiting. */
    void (*show)(void *context, const struct credential_instruction *instruction);
    /* True ends the waiting; may be NULL. */
    bool (*cancelled)(void *context);
};

/* An option's value by the option's name; NULL when it was not given or no source has it. */
const char *credential_option_get(const struct credential_options *options, const char *name);
/* Sets an option by its name; false when no source has it. value may be NULL: not given. */
bool credential_option_set(struct credential_options *options, const char *name, const char *value);

/* What a service accepts. Strings are not owned. */
struct credential_request {
    unsigned kinds;          /* set of enum credential_kind */
    const char *audience;    /* of a bearer token: a resource's id or URI; NULL: the operator's --scope */
    const char *client_id;   /* the application that asks for it, unless --client-id; NULL: none is known */
    const char *user;        /* the address; may be NULL */
    const char *sign_in_url; /* the service's sign-in page (MS-MDE2 3.2); may be NULL */
    const char *host;        /* where the credential goes */
    bool host_was_typed;     /* by the operator; else it was found from the address */
    struct https_client *client;
    /* Reports which source was chosen and why; may be NULL. */
    void (*note)(void *context, const char *text);
    /* Reports a problem that does not end the run; may be NULL. */
    void (*warn)(void *context, const char *text);
    void *note_context; /* of both */
};

/* What proves who enrols. Freed, and wiped, with credential_free(). */
struct credential {
    enum credential_kind kind;
    const struct credential_source *source;
    char *token;    /* CREDENTIAL_TOKEN: as its source gave it */
    char *username; /* CREDENTIAL_PASSWORD */
    char *password;
    X509 *certificate; /* CREDENTIAL_CERTIFICATE */
    EVP_PKEY *key;
    void *key_source; /* what keeps a pkcs11: key alive; may be NULL */
    void (*key_source_close)(void *key_source);
};

/* The set of kinds that these options can get; at least one. */
unsigned credential_kinds_offered(const struct credential_options *options);

/*
 * Chooses the source and gets the credential; call again for each audience. Errors: ENROLL_AUTHENTICATION,
 * ENROLL_CONFIGURATION (a file), ENROLL_UNSAFE (a password for a host that was not confirmed),
 * ENROLL_CANCELLED, and those of https_client_send().
 */
enum enroll_exit credential_obtain(const struct credential_options *options,
                                   const struct credential_request *request,
                                   struct credential *ret_credential, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
void credential_free(struct credential *credential);

#endif
