/*
 * What a command found, printed on stdout as text for people or as one JSON object. The JSON's form is
 * documented in intune-enroll(8), "JSON OUTPUT"; "schema" there is REPORT_SCHEMA and rises when something
 * changes its meaning.
 */
#ifndef ENROLL_TERMINAL_REPORT_H
#define ENROLL_TERMINAL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "error.h"
#include "enrollment.h"
#include "protocol.h"
#include "token_directory.h"
#include "tpm.h"

#define REPORT_SCHEMA     1
#define REPORT_CHECKS_MAX 32

enum report_outcome { CHECK_OK, CHECK_WARNING, CHECK_FAILED, CHECK_SKIPPED };

struct report_check {
    const char *name; /* "certificate-matches" */
    enum report_outcome outcome;
    char text[256];   /* what was found */
    char advice[256]; /* what to do; empty when it is well */
};

/* Nothing is owned; NULL: not applicable. */
struct report {
    const char *command;
    enum enroll_exit exit_status;
    const struct enroll_error *error;
    const char *token_directory;
    const char *module_path; /* for the command to try */
    bool default_directory;  /* applications find it without being told */
    const struct token_generation *generation;
    const struct record *record;
    const struct protocol *protocol; /* of the record, or chosen */
    const struct enrollment_state *state;
    const struct record *check_in; /* as protocol.h says */
    bool metrics;                  /* printed for monitoring, in place of text; also after a failure */
    bool all_rules;                /* each rule of it, not only those that are not met */
    const struct certificate_requirements *requirements;
    const char *action;    /* "enrolled", "renewed", "unchanged", "not-due", "pending", "removed", ... */
    const char *tpm_state; /* "ready", or why not; status only */
    const struct tpm_lockout *tpm_lockout;
    bool has_key_state, key_lost; /* whether the TPM was asked for the key, and does not have it */
    size_t check_count;
    struct report_check checks[REPORT_CHECKS_MAX];
    char *pem;              /* export; in JSON only */
    size_t next_step_count; /* what is left to do after an enrolment */
    const char *next_steps[8];
    size_t removed_keys, removed_files;
    bool has_removed;
};

/* Prints the report on stdout. False when that failed. */
bool report_print(const struct report *report, bool json) __attribute__((warn_unused_result));

/* "pkcs11:token=intune-tpm;object=device", percent-encoded (RFC 7512), malloc()ed; NULL: out of memory.
 */
char *report_uri(const struct token_generation *generation) __attribute__((warn_unused_result));

/* "2026-11-22T17:00:00Z"; size at least 24. */
void report_time(time_t when, char *ret_text, size_t size);

/* The form for monitoring. */
bool report_metrics_print(const struct report *report) __attribute__((warn_unused_result));

/* For report.c: the JSON form. */
bool report_json_print(const struct report *report) __attribute__((warn_unused_result));

#endif
