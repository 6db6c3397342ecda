/* What enrol.c, renew.c and describe() share; private to enroll/enrolment. */
#ifndef ENROLL_ENROLMENT_ATTEMPT_STEPS_H
#define ENROLL_ENROLMENT_ATTEMPT_STEPS_H

#include "attempt.h"
#include "directory.h"

/* Everything one run holds; freed at its one end, attempt_end(). */
struct attempt {
    const struct attempt_options *options;
    struct attempt_outcome *outcome;
    struct enroll_error *error;
    struct install_directory directory;
    const struct protocol *protocol;
    const char *settings[PROTOCOL_SETTINGS_MAX]; /* of this protocol, by its own index */
    struct record *record;                       /* that the service fills in */
    struct protocol_request request;
    void *session;
    struct https_client *client;
    struct tpm_facts facts;
    char *pin;
    struct issuance *issuance;
    struct protocol_answer answer;
    bool reporting; /* the session is for check_in() or retire() */
    unsigned step;  /* under way */
};

/* record may be filled in from now on; the protocol is not chosen yet. */
void attempt_begin(struct attempt *attempt, const struct attempt_options *options,
                   struct attempt_outcome *outcome, struct record *record, struct enroll_error *error);
/* Gives everything back; returns status. The step that failed is in the error. */
enum enroll_exit attempt_end(struct attempt *attempt, enum enroll_exit status);

void attempt_progress(struct attempt *attempt, unsigned step, enum progress_state state, const char *text);
/* The directory under its lock, and what a killed run left completed. */
enum enroll_exit attempt_directory_open(struct attempt *attempt, bool make);
/* The TPM's facts; the PIN is there. ENROLL_TPM. */
enum enroll_exit attempt_tpm_read(struct attempt *attempt);
/* The operator's protocol, else that of the record, else one that suits the address. ENROLL_CONFIGURATION. */
enum enroll_exit attempt_protocol_choose(struct attempt *attempt);
/* HTTPS and the protocol's session. present may be NULL. Sends nothing. */
enum enroll_exit attempt_connect(struct attempt *attempt, const struct protocol_identity *present);
/* Reports the device to its service and writes what it says to check-in.conf; needs the session and the
 * directory. */
enum enroll_exit attempt_report(struct attempt *attempt, struct record *report);
/* The key on its way; previous may be NULL. */
enum enroll_exit attempt_issuance_begin(struct attempt *attempt, const struct token_generation *previous,
                                        bool keep_kind);
/* Installs what the service answered; the new generation and the record are then in the outcome. */
enum enroll_exit attempt_install(struct attempt *attempt);

#endif
