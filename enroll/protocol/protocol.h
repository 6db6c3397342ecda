/*
 * enroll/protocol: the interface of a service that issues a certificate for a TPM key. A protocol is a folder
 * here with one descriptor, and a line in the table of protocols.c; options, help, the numbered steps of the
 * terminal and the lanes of the trace follow from the descriptor. It owns no terminal, no TPM and no token
 * directory: the use cases (enroll/enrolment) give it callbacks for these.
 */
#ifndef ENROLL_PROTOCOL_H
#define ENROLL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "received.h"
#include "record.h"
#include "requirements.h"
#include "setting.h"
#include "tpm.h"

struct https_client;
struct credential_options;
struct signing_key;

/* A step as progress and errors number it: the protocol's own from 1 on, and the work around them. */
#define STEP_PREPARE       0
#define PROTOCOL_STEPS_MAX 8
#define STEP_INSTALL       (PROTOCOL_STEPS_MAX + 1)

#define PROTOCOL_SETTINGS_MAX 16 /* of one protocol */

struct protocol_step {
    const char *name;  /* "discover", for JSON */
    const char *title; /* "Asking what it offers" */
    const char *peer;  /* "Discovery": who is spoken to, a lane of the trace */
};

enum progress_state { PROGRESS_STARTED, PROGRESS_NOTE, PROGRESS_WARNING, PROGRESS_DONE, PROGRESS_FAILED };

/* An entry of the record that people and JSON see. */
struct protocol_fact {
    const char *section, *key; /* of the record; the key is its name in JSON */
    const char *title;         /* "Discovery" */
    bool in_status;            /* shown by status, else by the trace alone */
};

/* The certificate that is to be renewed, and its key. */
struct protocol_identity {
    const uint8_t *certificate; /* DER */
    size_t certificate_size;
    const uint8_t *const *chain; /* DER of its chain for TLS, chain_count of them */
    const size_t *chain_sizes;
    size_t chain_count;
    const struct signing_key *key;
};

/* What a protocol works with. Everything is the caller's and lasts until close(). */
struct protocol_request {
    const char *address; /* USER@DOMAIN or a domain; NULL with url alone */
    const char *url;     /* of the service, typed by the operator; NULL: to be found from the address */
    const char *const *accept_redirects; /* host names, NULL-terminated; or NULL */
    const char *const *settings;         /* by index in protocol->settings; NULL: not given */
    struct https_client *client;
    const struct credential_options *credentials;
    const struct tpm_facts *facts;           /* may be NULL */
    const struct protocol_identity *present; /* for renew() */
    enum tpm_key_type key_type;              /* that the operator asks for; 0: as the service wants */
    bool request_extensions;                 /* the operator wants Windows' extensions in the request */
    bool replace;                            /* an enrolment that is there, this program's or another's */
    bool reporting;                          /* for check_in() and retire() */
    struct record *record;                   /* what is to be remembered; before a renewal, what was */
    void *context;                           /* of the callbacks */
    /* A step began, has something to say, ended. `text` is one printable line. */
    void (*progress)(void *context, unsigned step, enum progress_state state, const char *text);
    /* Asks yes or no; false where there is nobody to ask. */
    bool (*confirm)(void *context, const char *question);
    /*
     * Makes the key that the requirements ask for, in the TPM, and a PKCS #10 request signed by it there, for
     * the subject CN=common_name. *ret_request is malloc()ed DER. To be called once.
     */
    enum enroll_exit (*make_request)(void *context, const struct certificate_requirements *requirements,
                                     const char *common_name, uint8_t **ret_request, size_t *ret_size,
                                     struct enroll_error *ret_error);
};

/*
 * The report of a check-in, kept in check-in.conf: what the service says, then a section for each of its
 * rules
 * ("rule 1": setting, expected, actual, state, remedy) and for each that it holds against the device ("not
 * met 1": setting, title, expected, description, remedy).
 */
#define REPORT_STATE             "check-in", "state" /* in the service's words */
#define REPORT_LAST_CONTACT      "check-in", "last_contact"
#define REPORT_CHECKED_AT        "check-in", "checked_at" /* the use case's; seconds since the epoch */
#define REPORT_FAILED_AT         "check-in", "failed_at"  /* of the last attempt, 0: it went well */
#define REPORT_EXIT_STATUS       "check-in", "exit_status"
#define REPORT_MESSAGE           "check-in", "message"
#define REPORT_RULE_SECTION      "rule "
#define REPORT_VIOLATION_SECTION "not met "
#define REPORT_RULE_STATES       "states" /* section; a key for each rule, for the protocol's own use */

/* What came back. Zero is a valid, empty value; freed with protocol_answer_clear(). */
struct protocol_answer {
    bool pending; /* the service decides later: RECORD_REQUEST_ID is set, and the key is to be kept */
    struct received_certificates received;
    struct certificate_requirements requirements; /* as far as the service said any */
};

struct protocol {
    const char *name;                      /* "mde2": of --protocol and of the record */
    const char *title;                     /* "Microsoft's device management (MS-MDE2)" */
    const struct protocol_step *steps;     /* ended by one without a name */
    unsigned key_step;                     /* in which the key is made */
    const struct setting *const *settings; /* of the command line and the configuration; NULL-terminated */
    const struct protocol_fact *facts;     /* ended by one without a section */
    /* Whether the operator's address leads to a service of this protocol, as far as a look-up tells; NULL:
     * cannot be told. */
    bool (*suits)(const char *address);
    /* Checks the request and reads what the settings name; sends nothing. *ret_session is for the functions
     * below. */
    enum enroll_exit (*open)(const struct protocol_request *request, void **ret_session,
                             struct enroll_error *ret_error);
    void (*close)(void *session); /* NULL session is allowed */
    /*
     * The steps. On failure ret_error->step is the one that failed and ret_answer is empty. resume asks again
     * for the request of the record; renew is authenticated by request->present where the protocol can;
     * describe stops before a key is made and fills in the requirements alone. NULL: the protocol has no such
     * thing.
     */
    enum enroll_exit (*enrol)(void *session, struct protocol_answer *ret_answer,
                              struct enroll_error *ret_error);
    enum enroll_exit (*resume)(void *session, struct protocol_answer *ret_answer,
                               struct enroll_error *ret_error);
    enum enroll_exit (*renew)(void *session, struct protocol_answer *ret_answer,
                              struct enroll_error *ret_error);
    enum enroll_exit (*describe)(void *session, struct protocol_answer *ret_answer,
                                 struct enroll_error *ret_error);
    /* Reports this device and asks whether it complies; `report` is that of the last time, and replaced on
     * success. */
    enum enroll_exit (*check_in)(void *session, struct record *report, struct enroll_error *ret_error);
    /* Takes this device out of the service. */
    enum enroll_exit (*retire)(void *session, struct enroll_error *ret_error);
};

/* The table, NULL-terminated; the first is the default (protocols.c). */
extern const struct protocol *const protocols[];

/* By name; NULL when there is none. */
const struct protocol *protocol_find(const char *name);
/* The protocol of a record; NULL when it was written by one that this program does not have. */
const struct protocol *protocol_of(const struct record *record);
/* The settings of all protocols in the table's order, each once; NULL at the end. */
const struct setting *protocol_setting_at(size_t index);

size_t protocol_step_count(const struct protocol *protocol);
/* For people, "Asking what it offers", and for JSON, "discover"; also of the work around the steps. The
 * protocol may be NULL. */
const char *protocol_step_title(const struct protocol *protocol, unsigned step);
const char *protocol_step_name(const struct protocol *protocol, unsigned step);

void protocol_answer_clear(struct protocol_answer *answer);

#endif
