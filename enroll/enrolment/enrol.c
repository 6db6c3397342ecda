#include "attempt_steps.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generation.h"

/* To resume what is pending replaces an enrolment, as the run that asked for it was told to. */
static bool replaces(const struct attempt *attempt)
{
    struct record undecided;
    if (attempt->options->replace || !attempt->options->resume)
        return attempt->options->replace;
    bool pending = install_pending_undecided(&attempt->directory, &undecided);
    if (pending)
        record_clear(&undecided);
    return pending;
}

/*
 * Run twice with the same address, the second run finds what it was to bring about: that is no error. An
 * enrolment with another address is one.
 */
static enum enroll_exit existing_left(struct attempt *attempt, struct enrolled *existing)
{
    const struct attempt_options *options = attempt->options;
    const char *before = existing->has_record ? record_get(&existing->record, RECORD_ADDRESS) : NULL;
    const char *now = options->address != NULL ? options->address : options->url;
    if (before != NULL && now != NULL && strcasecmp(before, now) != 0)
        return enroll_error_set(attempt->error, ENROLL_ALREADY,
                                "see intune-enroll status; --replace enrols again",
                                "this machine is already enrolled, as %s", before);
    attempt->outcome->action = "unchanged";
    attempt->outcome->now = *existing;
    *existing = (struct enrolled){0};
    return ENROLL_OK;
}

/* An enrolment whose key is proven lost is replaced, so that what runs this command every hour heals the
 * machine. */
static enum enroll_exit existing_keep(struct attempt *attempt, struct enrolled *existing)
{
    const struct attempt_options *options = attempt->options;
    enum tpm_status key =
        enrolled_key_probe(existing, options->tpm, options->token_directory, attempt->error);
    attempt->outcome->key_probed = key == TPM_OK || key == TPM_WRONG_KEY;
    attempt->outcome->key_lost = key == TPM_WRONG_KEY;
    if (key != TPM_WRONG_KEY)
        return existing_left(attempt, existing);
    if (options->keep_dead) {
        attempt->outcome->now = *existing;
        *existing = (struct enrolled){0};
        return ENROLL_KEY_LOST;
    }
    options->warn(options->context, attempt->error->message);
    return ENROLL_OK;
}

/* A valid enrolment is left, unless it is to be replaced; a damaged or expired one is replaced. */
static enum enroll_exit existing_check(struct attempt *attempt, struct enrolled *existing)
{
    enum enroll_exit status = enrolled_read(attempt->options->token_directory, existing, attempt->error);
    if (status == ENROLL_NOT_ENROLLED || (status == ENROLL_OK && !enrolled_valid(existing)) ||
        replaces(attempt))
        return ENROLL_OK;
    return status == ENROLL_OK ? existing_keep(attempt, existing) : status;
}

static enum enroll_exit leftovers_clean(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    struct install_recovery recovery;
    char text[160];
    enum enroll_exit status =
        install_recover(&attempt->directory, options->tpm, options->resume ? RECOVER_KEEP_PENDING : 0,
                        &recovery, attempt->error);
    if (status != ENROLL_OK || (recovery.evicted == 0 && recovery.removed == 0 && !recovery.finished))
        return status;
    snprintf(text, sizeof(text),
             "cleaned up after an earlier run: %zu key%s removed from the TPM, %zu file%s removed",
             recovery.evicted, recovery.evicted == 1 ? "" : "s", recovery.removed,
             recovery.removed == 1 ? "" : "s");
    options->detail(options->context, text);
    return ENROLL_OK;
}

/* What the timer's renewals will need; goes into pending/ with the key. */
static enum enroll_exit remember(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    const char *address = attempt->request.address, *ca_file = options->https.ca_file;
    char resolved[PATH_MAX];
    if (options->resume)
        return ENROLL_OK; /* it is in pending/ already */
    const char *user = address != NULL && strchr(address, '@') != NULL ? address : NULL;
    if (record_set(attempt->record, RECORD_PROTOCOL, attempt->protocol->name) &&
        record_set(attempt->record, RECORD_ADDRESS, address != NULL ? address : attempt->request.url) &&
        record_set(attempt->record, RECORD_USER, user) &&
        record_set(attempt->record, RECORD_CA_FILE, ca_file != NULL ? realpath(ca_file, resolved) : NULL) &&
        record_number_set(attempt->record, RECORD_ENROLLED_AT, (uint64_t)time(NULL)))
        return ENROLL_OK;
    return enroll_error_memory(attempt->error);
}

/* Everything that can be known to fail before the service is asked for anything. */
static enum enroll_exit prepare(struct attempt *attempt, struct enrolled *existing)
{
    const struct attempt_options *options = attempt->options;
    enum enroll_exit status = attempt_directory_open(attempt, true);
    if (status == ENROLL_OK)
        status = existing_check(attempt, existing);
    if (status != ENROLL_OK || attempt->outcome->action != NULL)
        return status;
    status = options->pin_read(options->context, true, &attempt->pin, attempt->error);
    if (status == ENROLL_OK)
        status = attempt_tpm_read(attempt);
    if (status == ENROLL_OK)
        status = leftovers_clean(attempt);
    if (status != ENROLL_OK)
        return status;
    if (options->resume && !install_pending_undecided(&attempt->directory, attempt->record))
        return enroll_error_set(attempt->error, ENROLL_NOT_ENROLLED,
                                "start a new one with intune-enroll enroll",
                                "there is no pending request in %s", options->token_directory);
    if (!options->resume && !record_set(attempt->record, RECORD_PERSISTENT,
                                        options->persistent != NULL ? options->persistent : "auto"))
        return enroll_error_memory(attempt->error);
    status = attempt_protocol_choose(attempt);
    if (status == ENROLL_OK)
        status = attempt_connect(attempt, NULL);
    if (status == ENROLL_OK)
        status = remember(attempt);
    /* Enrolled again, the token keeps its names: what applications were told stays true. */
    if (status == ENROLL_OK)
        status = attempt_issuance_begin(attempt, options->label != NULL ? NULL : existing->generation, false);
    return status;
}

static enum enroll_exit ask(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    if (!options->resume)
        return attempt->protocol->enrol(attempt->session, &attempt->answer, attempt->error);
    if (attempt->protocol->resume == NULL)
        return enroll_error_set(attempt->error, ENROLL_USAGE, "start a new one with intune-enroll enroll",
                                "the protocol %s has no pending requests", attempt->protocol->name);
    enum enroll_exit status = issuance_resume(attempt->issuance, attempt->error);
    return status == ENROLL_OK ? attempt->protocol->resume(attempt->session, &attempt->answer, attempt->error)
                               : status;
}

/* The token is there whatever comes of it; the timer tries again. */
static void report_first(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    struct enroll_error failure;
    struct enroll_error *error = attempt->error;
    attempt->error = &failure;
    if (attempt_report(attempt, &attempt->outcome->now.check_in) != ENROLL_OK)
        options->warn(options->context, failure.message);
    attempt->error = error;
}

static enum enroll_exit finish(struct attempt *attempt)
{
    /* A signal that came while nobody looked: the certificate is not taken. */
    if (attempt->options->https.cancelled != NULL &&
        attempt->options->https.cancelled(attempt->options->https.cancelled_context))
        return enroll_error_set(attempt->error, ENROLL_CANCELLED, "", "cancelled");
    attempt->outcome->described = true;
    attempt->outcome->requirements = attempt->answer.requirements;
    certificate_requirements_default(&attempt->answer.requirements);
    if (!attempt->answer.pending) {
        enum enroll_exit status = attempt_install(attempt);
        attempt->outcome->action = status == ENROLL_OK ? "enrolled" : NULL;
        if (status == ENROLL_OK && attempt->protocol->check_in != NULL)
            report_first(attempt);
        return status;
    }
    enum enroll_exit status = issuance_suspend(attempt->issuance, attempt->error);
    if (status != ENROLL_OK)
        return status;
    *attempt->error = (struct enroll_error){0}; /* what was set on the way is no failure */
    attempt->outcome->action = "pending";
    attempt->outcome->now.has_record = true;
    return ENROLL_PENDING;
}

enum enroll_exit attempt_enrol(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                               struct enroll_error *ret_error)
{
    struct attempt attempt;
    struct enrolled existing = {0};
    struct record record = {0};
    attempt_begin(&attempt, options, ret_outcome, &record, ret_error);
    attempt_progress(&attempt, STEP_PREPARE, PROGRESS_STARTED, "");
    enum enroll_exit status = prepare(&attempt, &existing);
    attempt_progress(&attempt, STEP_PREPARE, status == ENROLL_OK ? PROGRESS_DONE : PROGRESS_FAILED, "");
    if (ret_outcome->action == NULL) {
        if (status == ENROLL_OK)
            status = ask(&attempt);
        if (status == ENROLL_OK)
            status = finish(&attempt);
    }
    if (ret_outcome->action != NULL && strcmp(ret_outcome->action, "unchanged") != 0) {
        ret_outcome->now.record = record;
        record = (struct record){0};
    }
    status = attempt_end(&attempt, status);
    record_clear(&record);
    enrolled_clear(&existing);
    return status;
}
