#include "attempt_steps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "generation.h"
#include "key_trial.h"
#include "signing_key.h"
#include "tpm_error.h"

#define DAY 86400

struct renewal {
    struct attempt attempt;
    struct enrolled *now; /* in the outcome */
    struct signing_key *key;
    const uint8_t *chain[TOKEN_CHAIN_MAX];
    size_t chain_sizes[TOKEN_CHAIN_MAX];
    struct protocol_identity present;
    bool attempted; /* the outcome goes into state.conf */
};

/* Whether the service itself refused the last attempt; then its retry interval counts. Being offline is no
 * such case. */
static bool refused_by_server(unsigned exit_status)
{
    return exit_status == ENROLL_PROTOCOL || exit_status == ENROLL_AUTHENTICATION ||
           exit_status == ENROLL_REFUSED || exit_status == ENROLL_CERTIFICATE ||
           exit_status == ENROLL_CANNOT_RENEW || exit_status == ENROLL_POLICY;
}

static enum enroll_exit key_check(struct renewal *renewal)
{
    const struct attempt_options *options = renewal->attempt.options;
    struct attempt_outcome *outcome = renewal->attempt.outcome;
    enum tpm_status key =
        enrolled_key_probe(renewal->now, options->tpm, options->token_directory, renewal->attempt.error);
    outcome->key_probed = key == TPM_OK || key == TPM_WRONG_KEY;
    outcome->key_lost = key == TPM_WRONG_KEY;
    return key == TPM_WRONG_KEY ? ENROLL_KEY_LOST : ENROLL_OK;
}

/* ENROLL_OK with an action in the outcome: there is nothing to do. */
static enum enroll_exit due_check(struct renewal *renewal)
{
    const struct attempt_options *options = renewal->attempt.options;
    struct enroll_error *error = renewal->attempt.error;
    const struct enrolled *enrolled = renewal->now;
    char when[32];
    time_t now = time(NULL), due = enrolled_renewal_due(enrolled->generation, &enrolled->record);

    if (!enrolled_valid(enrolled))
        return enroll_error_set(
            error, ENROLL_CANNOT_RENEW,
            "check this machine's clock; else enrol again with intune-enroll enroll --replace",
            "the certificate has expired and cannot be renewed");
    if (options->force)
        return ENROLL_OK;
    if (now < due && !options->if_due) {
        struct tm tm;
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&due, &tm));
        return enroll_error_set(error, ENROLL_ALREADY, "use --force to renew it now",
                                "the certificate is not due for renewal before %s", when);
    }
    time_t retry =
        enrolled->state.failed_at + (time_t)record_number(&enrolled->record, RECORD_RETRY, 7) * DAY;
    bool waits = options->if_due && enrolled->state.failed_at != 0 &&
                 refused_by_server(enrolled->state.exit_status) && now < retry;
    if (now >= due && !waits)
        return ENROLL_OK;
    enum enroll_exit status = key_check(renewal);
    if (status == ENROLL_OK)
        renewal->attempt.outcome->action = "not-due";
    else
        renewal->attempted = true; /* for the record: the timer is who notices */
    return status;
}

static bool leftovers_exist(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool exist = fd >= 0 && install_pending_exists(fd);
    if (fd >= 0)
        close(fd);
    return exist;
}

/* Not due: nothing is written, so that a read-only token directory is no failure. */
static bool not_due(struct renewal *renewal)
{
    const struct attempt_options *options = renewal->attempt.options;
    bool idle = options->if_due && !leftovers_exist(options->token_directory) &&
                enrolled_read(options->token_directory, renewal->now, renewal->attempt.error) == ENROLL_OK &&
                renewal->now->has_record && due_check(renewal) == ENROLL_OK &&
                renewal->attempt.outcome->action != NULL;
    if (!idle)
        enrolled_clear(renewal->now);
    return idle;
}

/* Under the lock: another run may just have renewed it. */
static enum enroll_exit enrolled_open(struct renewal *renewal)
{
    struct attempt *attempt = &renewal->attempt;
    struct install_recovery recovery;
    enum enroll_exit status = attempt_directory_open(attempt, false);
    if (status == ENROLL_OK)
        status = enrolled_read(attempt->options->token_directory, renewal->now, attempt->error);
    if (status == ENROLL_OK && !renewal->now->has_record) {
        status = enrollment_read(attempt->directory.fd, attempt->options->token_directory,
                                 &renewal->now->record, attempt->error);
        renewal->now->has_record = status == ENROLL_OK;
    }
    if (status == ENROLL_OK)
        status = due_check(renewal);
    /* A key that a killed renewal left in the TPM is not kept until the next one is due. */
    if (status == ENROLL_OK && attempt->outcome->action != NULL &&
        install_pending_exists(attempt->directory.fd) &&
        install_recover(&attempt->directory, attempt->options->tpm, RECOVER_KEEP_PENDING, &recovery,
                        attempt->error) != ENROLL_OK)
        attempt->options->warn(attempt->options->context, attempt->error->message);
    return status;
}

/* The present key proves who asks: that it can is known before the service is asked for anything. */
static enum enroll_exit key_try(struct renewal *renewal)
{
    struct attempt *attempt = &renewal->attempt;
    const struct attempt_options *options = attempt->options;
    const struct tpm_key *key = &renewal->now->generation->key;
    enum enroll_exit status = options->pin_read(options->context, false, &attempt->pin, attempt->error);
    if (status != ENROLL_OK)
        return status;
    if (key->has_pin && attempt->pin == NULL)
        return enroll_error_set(attempt->error, ENROLL_CONFIGURATION, "give it with --pin-file",
                                "the key has a PIN, and renewal has to use it");
    renewal->attempted = true;
    status = attempt_tpm_read(attempt);
    if (status != ENROLL_OK)
        return status;
    enum tpm_status trial = key_trial(options->tpm, key, attempt->pin);
    if (trial == TPM_WRONG_KEY && key_check(renewal) == ENROLL_KEY_LOST)
        return ENROLL_KEY_LOST;
    if (trial != TPM_OK)
        return install_tpm_error(attempt->error, options->tpm, trial, "the present key does not sign");
    return signing_key_open(options->tpm, key, attempt->pin, &renewal->key, attempt->error);
}

static void present_set(struct renewal *renewal)
{
    const struct token_generation *generation = renewal->now->generation;
    for (size_t i = 0; i < generation->chain_count; i++) {
        renewal->chain[i] = generation->chain[i].value.data;
        renewal->chain_sizes[i] = generation->chain[i].value.size;
    }
    renewal->present = (struct protocol_identity){
        .certificate = generation->certificate.value.data,
        .certificate_size = generation->certificate.value.size,
        .chain = renewal->chain,
        .chain_sizes = renewal->chain_sizes,
        .chain_count = generation->chain_count,
        .key = renewal->key,
    };
}

static enum enroll_exit prepare(struct renewal *renewal)
{
    struct attempt *attempt = &renewal->attempt;
    const struct attempt_options *options = attempt->options;
    struct install_recovery recovery;
    if (not_due(renewal))
        return ENROLL_OK;
    enum enroll_exit status = enrolled_open(renewal);
    if (status != ENROLL_OK || attempt->outcome->action != NULL)
        return status;
    status = key_try(renewal);
    if (status == ENROLL_OK)
        status = install_recover(&attempt->directory, options->tpm, 0, &recovery, attempt->error);
    if (status == ENROLL_OK && options->persistent != NULL &&
        !record_set(attempt->record, RECORD_PERSISTENT, options->persistent))
        status = enroll_error_memory(attempt->error);
    present_set(renewal);
    if (status == ENROLL_OK)
        status = attempt_protocol_choose(attempt);
    if (status == ENROLL_OK)
        status = attempt_connect(attempt, &renewal->present);
    if (status == ENROLL_OK)
        status = attempt_issuance_begin(attempt, renewal->now->generation, true);
    return status;
}

static enum enroll_exit ask(struct renewal *renewal)
{
    struct attempt *attempt = &renewal->attempt;
    const struct https_client_options *https = &attempt->options->https;
    enum enroll_exit status = attempt->protocol->renew(attempt->session, &attempt->answer, attempt->error);
    if (status != ENROLL_OK)
        return status;
    const char *disposition = record_get(attempt->record, RECORD_DISPOSITION);
    if (attempt->answer.pending)
        return enroll_error_set(attempt->error, ENROLL_PENDING, "nothing was changed; the timer tries again",
                                "the server did not decide about the renewal at once%s%s",
                                disposition != NULL ? ": " : "", disposition != NULL ? disposition : "");
    if (https->cancelled != NULL && https->cancelled(https->cancelled_context))
        return enroll_error_set(attempt->error, ENROLL_CANCELLED, "", "cancelled");
    return record_number_set(attempt->record, RECORD_RENEWED_AT, (uint64_t)time(NULL))
               ? ENROLL_OK
               : enroll_error_memory(attempt->error);
}

/* What `status` shows, and what the retry interval counts from. */
static void state_record(struct renewal *renewal, enum enroll_exit status)
{
    const struct attempt_options *options = renewal->attempt.options;
    time_t now = time(NULL);
    struct enrollment_state state = {.attempted_at = now};
    if (status != ENROLL_OK) {
        bool cancelled =
            options->https.cancelled != NULL && options->https.cancelled(options->https.cancelled_context);
        state.failed_at = now;
        state.exit_status = cancelled ? ENROLL_CANCELLED : (unsigned)status;
        snprintf(state.message, sizeof(state.message), "%s", renewal->attempt.error->message);
    }
    if (enrollment_state_write(renewal->attempt.directory.fd, &state) != 0)
        options->warn(options->context, "the outcome could not be recorded in state.conf");
    renewal->now->state = state;
}

enum enroll_exit attempt_renew(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                               struct enroll_error *ret_error)
{
    struct renewal renewal = {.now = &ret_outcome->now};
    struct attempt *attempt = &renewal.attempt;
    attempt_begin(attempt, options, ret_outcome, &ret_outcome->now.record, ret_error);
    attempt_progress(attempt, STEP_PREPARE, PROGRESS_STARTED, "");
    enum enroll_exit status = prepare(&renewal);
    attempt_progress(attempt, STEP_PREPARE, status == ENROLL_OK ? PROGRESS_DONE : PROGRESS_FAILED, "");
    if (ret_outcome->action == NULL) {
        if (status == ENROLL_OK)
            status = ask(&renewal);
        if (status == ENROLL_OK)
            status = attempt_install(attempt);
        if (status == ENROLL_OK)
            ret_outcome->action = "renewed";
    }
    if (renewal.attempted)
        state_record(&renewal, status);
    status = attempt_end(attempt, status);
    signing_key_close(renewal.key);
    return status;
}
