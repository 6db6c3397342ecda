/*
 * enroll/enrolment: the use cases. enrol.c and renew.c read like the story of a run; attempt_steps.c has what
 * they need: the token directory under its lock, the service, the key on its way to a certificate. They speak
 * to no person: the command line gives them callbacks.
 */
#ifndef ENROLL_ENROLMENT_ATTEMPT_H
#define ENROLL_ENROLMENT_ATTEMPT_H

#include <stdbool.h>

#include "credential.h"
#include "enrolled.h"
#include "error.h"
#include "https_client.h"
#include "issuance.h"
#include "protocol.h"
#include "tpm.h"

/* What the operator said. Everything is the caller's. */
struct attempt_options {
    const char *token_directory;
    unsigned wait_seconds; /* for another run to end */
    struct tpm *tpm;
    const char *tcti;
    const struct protocol *protocol;     /* NULL: the default, or that of the record */
    const char *address;                 /* USER@DOMAIN, a domain or a URL; NULL: that of the record */
    const char *url;                     /* of the service; NULL: found from the address */
    const char *const *accept_redirects; /* NULL-terminated, or NULL */
    const char *const *settings;         /* of all protocols, by the index of protocol_setting_at() */
    const struct credential_options *credentials;
    struct https_client_options https; /* ca_file NULL: that of the record */
    const char *label;                 /* NULL: as before, else ISSUANCE_LABEL */
    struct key_choice key;
    bool request_extensions;
    const char *persistent; /* "yes", "no", "auto"; NULL: as before, else "auto" */
    bool replace;           /* enrol: a valid enrolment */
    bool resume;            /* enrol: a request that the service had not decided */
    bool keep_dead;         /* enrol: an enrolment whose key is lost is kept */
    bool if_due, force;     /* renew; force also: remove, although the TPM is gone */
    void *context;          /* of the callbacks */
    void (*progress)(void *context, unsigned step, enum progress_state state, const char *text);
    bool (*confirm)(void *context, const char *question);
    /* The PIN for a new key, or of the present one; *ret_pin NULL: none was given. Freed by pin_free(). */
    enum enroll_exit (*pin_read)(void *context, bool for_new_key, char **ret_pin,
                                 struct enroll_error *ret_error);
    void (*pin_free)(char *pin);
    void (*warn)(void *context, const char *text);
    void (*detail)(void *context, const char *text); /* with --verbose */
    /* Whether the key and the token are really to be removed: ENROLL_OK, or why not. */
    enum enroll_exit (*remove_confirm)(void *context, struct enroll_error *ret_error);
    /* The protocol was chosen: its steps will be reported. */
    void (*chosen)(void *context, const struct protocol *protocol);
};

/* What came of it; cleared with attempt_outcome_clear(). */
struct attempt_outcome {
    const char *action;  /* "enrolled", "renewed", "pending", "unchanged", "not-due", ...; NULL: it failed */
    struct enrolled now; /* what is enrolled afterwards, as far as it was read */
    bool described;      /* the service said its requirements: */
    struct certificate_requirements requirements;
    bool key_probed, key_lost; /* the TPM was asked for the key, and does not have it */
    size_t removed_keys, removed_files;
};

/* Enrols this machine. */
enum enroll_exit attempt_enrol(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                               struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* Renews what is enrolled, with a new key. */
enum enroll_exit attempt_renew(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                               struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* Reports the device to its service. With if_due ENROLL_OK and "nothing-to-do" where the protocol has no
 * check-in. */
enum enroll_exit attempt_check_in(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                  struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* Retires the device where the service offers that, then removes the key and the files. */
enum enroll_exit attempt_remove(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* Asks the service for its requirements; nothing is made, nothing is written. */
enum enroll_exit attempt_describe(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                  struct enroll_error *ret_error) __attribute__((warn_unused_result));

void attempt_outcome_clear(struct attempt_outcome *outcome);

#endif
