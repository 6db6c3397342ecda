/*
 * What every command works with: its options, the configuration file, the token directory's path, the TPM and
 * the terminal; and the one way in which a command ends.
 */
#ifndef ENROLL_RUN_H
#define ENROLL_RUN_H

#include <limits.h>
#include <stdbool.h>

#include "command_line.h"
#include "configuration.h"
#include "error.h"
#include "enrolled.h"
#include "keyfile.h"
#include "report.h"
#include "terminal.h"
#include "token_directory.h"
#include "tpm.h"

struct run {
    struct command_line line;
    struct keyfile *configuration; /* NULL: there is no such file */
    char token_directory[PATH_MAX];
    char tcti[CONFIGURATION_TCTI_MAX];
    struct tpm *tpm;
    struct terminal *terminal;
    struct report report;
    struct enroll_error error;
    /* Read by run_token_read(), for the report. */
    struct enrolled enrolled;
};

/*
 * Parses the options, reads the configuration and opens what is needed. writes: the command makes or changes
 * a token, so that without --token-dir and INTUNE_TPM_TOKEN_DIR it is the system's for root and the user's
 * own for others; else the one that applications would use. Returns false when the command is at its end:
 * *ret_exit is its exit status.
 */
bool run_begin(enum command_id command, int argc, char **argv, bool writes, struct run *ret_run,
               int *ret_exit) __attribute__((warn_unused_result));

/*
 * Ends a command: shows run->error when status is not ENROLL_OK, prints the report (unless a failure has
 * nothing to say in text), frees everything and returns the exit status.
 */
int run_end(struct run *run, enum enroll_exit status);

/* The option's value, else the configuration's, else NULL. */
const char *run_setting(const struct run *run, enum option_id option, const char *section, const char *key);

/*
 * Reads the current generation and, if this user may, enrollment.conf and state.conf, and puts them into the
 * report. ENROLL_NOT_ENROLLED, ENROLL_TOKEN_DIRECTORY.
 */
enum enroll_exit run_token_read(struct run *run) __attribute__((warn_unused_result));

/*
 * Whether the TPM still has the key of the generation that was read, in the report: ENROLL_KEY_LOST and
 * run->error when it certainly has not; ENROLL_OK otherwise, also where the TPM cannot be asked.
 */
enum enroll_exit run_key_probe(struct run *run) __attribute__((warn_unused_result));

/*
 * The PIN of --pin-file (or another option): its first line, or asked for when the value is "-". *ret_pin is
 * NULL when the option was not given; else malloc()ed, to be given to run_pin_free(). ENROLL_CONFIGURATION,
 * ENROLL_CANCELLED.
 */
enum enroll_exit run_pin_read(struct run *run, enum option_id option, const char *prompt, bool twice,
                              char **ret_pin) __attribute__((warn_unused_result));
void run_pin_free(char *pin);

/* --persistent, --no-persistent or the configuration: "yes", "no", "auto". NULL and run->error when they
 * contradict. */
const char *run_persistence(struct run *run);

#endif
