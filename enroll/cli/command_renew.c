#include "command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "conversation.h"
#include "certificate.h"
#include "directory.h"
#include "generation.h"
#include "issuance.h"
#include "key_trial.h"
#include "process.h"
#include "run.h"

#define DAY 86400

struct renewal {
    struct run run;
    struct install_directory directory;
    struct conversation conversation;
    struct tpm_facts facts;
    struct issuance *issuance;
    struct flow_result result;
    struct signing_key *key;
    char *pin;
    char *host_storage;
    const char *hosts[ENROLLMENT_HOSTS_MAX + 1];
    bool has_conversation, has_result, attempted;
};

/* Whether the server itself turned the last attempt down; then its retry interval counts. Being offline is no
 * such case. */
static bool refused_by_server(unsigned exit_status)
{
    return exit_status == ENROLL_NOT_MDE || exit_status == ENROLL_AUTHENTICATION ||
           exit_status == ENROLL_REFUSED || exit_status == ENROLL_CERTIFICATE ||
           exit_status == ENROLL_CANNOT_RENEW || exit_status == ENROLL_POLICY;
}

/* ENROLL_OK with an action in the report: there is nothing to do. */
static enum enroll_exit due_check(struct renewal *renewal)
{
    struct run *run = &renewal->run;
    char when[32];
    time_t now = time(NULL), due = report_renewal_due(&run->report);

    if (!run_token_valid(run))
        return enroll_error_set(
            &run->error, ENROLL_CANNOT_RENEW, STEP_PREPARE,
            "Check this machine's clock; else enrol again with intune-enroll enroll --replace.",
            "the certificate has expired and cannot be renewed");
    if (run->line.given[OPTION_FORCE])
        return ENROLL_OK;
    if (now < due && !run->line.given[OPTION_IF_DUE]) {
        report_time(due, when, sizeof when);
        return enroll_error_set(&run->error, ENROLL_ALREADY, STEP_PREPARE, "Use --force to renew it now.",
                                "the certificate is not to be renewed before %s", when);
    }
    time_t retry =
        run->state.failed_at + (time_t)enrollment_number(run->enrollment.retry_interval_days, 7) * DAY;
    bool waits = run->line.given[OPTION_IF_DUE] && run->state.failed_at &&
                 refused_by_server(run->state.exit_status) && now < retry;
    if (now >= due && !waits)
        return ENROLL_OK;
    enum enroll_exit status = run_key_probe(run);
    if (status == ENROLL_OK)
        run->report.action = "not-due";
    else
        renewal->attempted = true; /* for the record: the timer is who notices */
    return status;
}

static bool leftovers_exist(const struct run *run)
{
    int fd = open(run->token_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool exist = fd >= 0 && install_pending_exists(fd);
    if (fd >= 0)
        close(fd);
    return exist;
}

static enum enroll_exit prepare(struct renewal *renewal)
{
    struct run *run = &renewal->run;
    struct install_recovery recovery;
    unsigned wait = 0;

    if (run->line.given[OPTION_WAIT] && !command_line_number(&run->line, OPTION_WAIT, 0, 86400, &wait))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE, "",
                                "--wait is not a number of seconds");
    /* Not due: nothing is written, so that a read-only token directory is no failure. */
    if (run->line.given[OPTION_IF_DUE] && !leftovers_exist(run) && run_token_read(run) == ENROLL_OK &&
        run->report.enrollment != NULL && due_check(renewal) == ENROLL_OK && run->report.action != NULL)
        return ENROLL_OK;
    memset(&run->error, 0, sizeof(run->error));
    enum enroll_exit status =
        install_directory_open(run->token_directory, false, wait, &renewal->directory, &run->error);
    if (status == ENROLL_OK)
        status = install_switch_complete(&renewal->directory, &run->error);
    if (status != ENROLL_OK)
        return status;
    /* Again under the lock: another run may just have renewed it. */
    token_generation_free(run->generation);
    run->generation = NULL;
    run->report.generation = NULL;
    enrollment_free(&run->enrollment);
    run->report.enrollment = NULL;
    status = run_token_read(run);
    if (status == ENROLL_OK && !run->report.enrollment)
        status = enrollment_read(renewal->directory.fd, run->token_directory, &run->enrollment, &run->error);
    if (status == ENROLL_OK) {
        run->report.enrollment = &run->enrollment;
        status = due_check(renewal);
    }
    /* A key that a killed renewal left in the TPM is not kept until the next one is due. */
    if (status == ENROLL_OK && run->report.action && install_pending_exists(renewal->directory.fd) &&
        install_recover(&renewal->directory, run->tpm, RECOVER_KEEP_PENDING, &recovery, &run->error) !=
            ENROLL_OK)
        terminal_warn(run->terminal, run->error.message);
    if (status != ENROLL_OK || run->report.action)
        return status;
    status = run_pin_read(run, OPTION_PIN_FILE, "PIN of the key", false, &renewal->pin);
    if (status == ENROLL_OK && run->generation->key.has_pin && !renewal->pin)
        status = enroll_error_set(&run->error, ENROLL_CONFIGURATION, STEP_PREPARE, "Give it with --pin-file.",
                                  "the key has a PIN, and renewal has to use it");
    if (status != ENROLL_OK)
        return status;
    renewal->attempted = true;
    enum tpm_status tpm = tpm_facts_read(run->tpm, &renewal->facts);
    if (tpm != TPM_OK)
        return install_tpm_error(&run->error, STEP_PREPARE, run->tpm, tpm, "the TPM cannot be used");
    /* The present key proves who asks: that it can is known before the server is asked for anything. */
    tpm = key_trial(run->tpm, &run->generation->key, renewal->pin);
    if (tpm == TPM_WRONG_KEY && run_key_probe(run) == ENROLL_KEY_LOST)
        return ENROLL_KEY_LOST;
    if (tpm != TPM_OK)
        return install_tpm_error(&run->error, STEP_PREPARE, run->tpm, tpm, "the present key does not sign");
    return install_recover(&renewal->directory, run->tpm, 0, &recovery, &run->error);
}

static enum enroll_exit issuance_begin(struct renewal *renewal)
{
    struct run *run = &renewal->run;
    struct issuance_options options = {
        .directory = &renewal->directory,
        .tpm = run->tpm,
        .tcti = run->tcti,
        .facts = &renewal->facts,
        .previous = run->generation,
        .request_extensions = run->line.given[OPTION_CSR_EXT],
        .device_id = renewal->conversation.profile->values[ITEM_DEVICE_ID],
        .pin = renewal->pin,
        .enrollment = &run->enrollment,
        .note = conversation_note,
        .note_context = &renewal->conversation,
    };
    const char *persistence = run_persistence(run);
    if (!persistence)
        return run->error.exit_status;
    if (!run->line.given[OPTION_PERSISTENT] && !run->line.given[OPTION_NO_PERSISTENT] &&
        run->enrollment.persistent)
        persistence = run->enrollment.persistent;
    options.persistence = issuance_persistence_of(persistence);
    options.keep_key_kind = true;
    if (run->line.values[OPTION_KEY] &&
        !issuance_key_choice_parse(run->line.values[OPTION_KEY], &options.key))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE,
                                "It is one of rsa2048, rsa3072, rsa4096, p256, p384, p521.",
                                "--key knows no key called %s", run->line.values[OPTION_KEY]);
    renewal->issuance = issuance_new(&options);
    renewal->conversation.issuance = renewal->issuance;
    return renewal->issuance ? ENROLL_OK : enroll_error_memory(&run->error, STEP_PREPARE);
}

static enum enroll_exit ask(struct renewal *renewal)
{
    struct run *run = &renewal->run;
    struct conversation *conversation = &renewal->conversation;
    const struct token_generation *generation = run->generation;
    const uint8_t *chain[TOKEN_CHAIN_MAX];
    size_t chain_sizes[TOKEN_CHAIN_MAX];

    if (!enrollment_hosts(&run->enrollment, &renewal->host_storage, renewal->hosts))
        return enroll_error_memory(&run->error, STEP_PREPARE);
    enum enroll_exit status =
        signing_key_open(run->tpm, &generation->key, renewal->pin, STEP_PREPARE, &renewal->key, &run->error);
    if (status != ENROLL_OK)
        return status;
    for (size_t i = 0; i < generation->chain_count; i++) {
        chain[i] = generation->chain[i].value.data;
        chain_sizes[i] = generation->chain[i].value.size;
    }
    const struct flow_renewal old = {
        .renew_url = run->enrollment.renew_url,
        .accepted_hosts = renewal->hosts,
        .user = run->enrollment.user,
        .certificate = generation->certificate.value.data,
        .certificate_size = generation->certificate.value.size,
        .chain = chain,
        .chain_sizes = chain_sizes,
        .chain_count = generation->chain_count,
        .key = renewal->key,
    };
    conversation->options.discovery_url = run->enrollment.discovery_url;
    if (run->enrollment.request_version)
        conversation->options.request_version = run->enrollment.request_version;
    status =
        flow_renew(&conversation->options, &old, &conversation->callbacks, &renewal->result, &run->error);
    renewal->has_result = status == ENROLL_OK;
    if (status == ENROLL_OK && renewal->result.pending)
        return enroll_error_set(&run->error, ENROLL_PENDING, STEP_ENROL,
                                "Nothing was changed; the timer tries again.",
                                "the server did not decide about the renewal at once%s%s",
                                renewal->result.disposition ? ": " : "",
                                renewal->result.disposition ? renewal->result.disposition : "");
    if (status == ENROLL_OK && (!enrollment_fill(&run->enrollment, &renewal->result) ||
                                !enrollment_number_set(&run->enrollment.renewed_at, (uint64_t)time(NULL))))
        status = enroll_error_memory(&run->error, STEP_ENROL);
    if (status == ENROLL_OK && process_cancelled(NULL))
        status = enroll_error_set(&run->error, ENROLL_CANCELLED, STEP_ENROL, "", "cancelled");
    return status;
}

static enum enroll_exit get_ready(struct renewal *renewal)
{
    struct run *run = &renewal->run;
    enum enroll_exit status = prepare(renewal);
    if (status != ENROLL_OK || run->report.action)
        return status;
    /* A machine-id that was set anew, or a profile that was edited, makes no other device of it. */
    const struct device_identity identity = {run->enrollment.device_id_sent,
                                             run->enrollment.hw_device_id_sent};
    status = conversation_begin(&renewal->conversation, run, run->enrollment.ca_file, run->enrollment.profile,
                                &identity, &renewal->facts);
    renewal->has_conversation = true;
    if (status == ENROLL_OK)
        status = issuance_begin(renewal);
    return status;
}

static enum enroll_exit renew(struct renewal *renewal)
{
    struct run *run = &renewal->run;
    terminal_progress(run->terminal, STEP_PREPARE, FLOW_STARTED, "");
    enum enroll_exit status = get_ready(renewal);
    terminal_progress(run->terminal, STEP_PREPARE, status == ENROLL_OK ? FLOW_DONE : FLOW_FAILED, "");
    if (run->report.action)
        return status;
    if (status == ENROLL_OK)
        status = ask(renewal);
    if (status != ENROLL_OK)
        return status;
    renewal->conversation.callbacks.progress(&renewal->conversation, STEP_INSTALL, FLOW_STARTED, "");
    status = issuance_install(renewal->issuance, renewal->result.document, &run->error);
    renewal->conversation.callbacks.progress(&renewal->conversation, STEP_INSTALL,
                                             status == ENROLL_OK ? FLOW_DONE : FLOW_FAILED, "");
    if (status != ENROLL_OK)
        return status;
    run->report.action = "renewed";
    run->report.generation = issuance_generation(renewal->issuance);
    return ENROLL_OK;
}

/* What `status` shows, and what the retry interval counts from. */
static void state_record(struct renewal *renewal, enum enroll_exit status)
{
    struct run *run = &renewal->run;
    time_t now = time(NULL);
    struct enrollment_state state = {.attempted_at = now};
    if (status != ENROLL_OK) {
        state.failed_at = now;
        state.exit_status = process_cancelled(NULL) ? ENROLL_CANCELLED : (unsigned)status;
        snprintf(state.message, sizeof state.message, "%s", run->error.message);
    }
    if (enrollment_state_write(renewal->directory.fd, &state))
        terminal_warn(run->terminal, "the outcome could not be recorded in state.conf");
    run->state = state;
    run->report.state = &run->state;
}

int command_renew(int argc, char **argv)
{
    int exit_status;
    struct renewal *renewal = calloc(1, sizeof *renewal);
    if (!renewal) {
        fputs("intune-enroll: out of memory\n", stderr);
        return ENROLL_FAILED;
    }
    if (!run_begin(COMMAND_RENEW, argc, argv, false, &renewal->run, &exit_status)) {
        free(renewal);
        return exit_status;
    }
    renewal->directory.fd = -1;
    enum enroll_exit status = renew(renewal);
    if (renewal->issuance)
        issuance_settle(renewal->issuance);
    if (renewal->attempted)
        state_record(renewal, status);
    if (renewal->has_conversation)
        conversation_end(&renewal->conversation, status, renewal->has_result ? &renewal->result : NULL,
                         status == ENROLL_OK ? issuance_generation(renewal->issuance) : NULL);
    exit_status = run_end(&renewal->run, status);
    issuance_free(renewal->issuance);
    signing_key_close(renewal->key);
    install_directory_close(&renewal->directory);
    if (renewal->has_result)
        flow_result_free(&renewal->result);
    free(renewal->host_storage);
    run_pin_free(renewal->pin);
    free(renewal);
    return exit_status;
}
