#include "command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conversation.h"
#include "directory.h"
#include "generation.h"
#include "issuance.h"
#include "process.h"
#include "run.h"

/* Everything one enrolment holds; freed at its one end. */
struct enrolment {
    struct run run;
    struct install_directory directory;
    struct conversation conversation;
    struct tpm_facts facts;
    struct enrollment enrollment;
    struct issuance *issuance;
    struct flow_result result;
    char *pin;
    bool has_conversation, has_result;
};

/*
 * Run twice with the same address, the second run finds what it was to bring about: that is no error. An
 * enrolment with another address is one.
 */
static enum enroll_exit existing_left(struct run *run)
{
    const char *before = run->report.enrollment ? run->enrollment.address : NULL;
    const char *now = run->line.operand ? run->line.operand : run->line.values[OPTION_DISCOVERY_URL];
    if (before && now && strcasecmp(before, now) != 0)
        return enroll_error_set(&run->error, ENROLL_ALREADY, STEP_PREPARE,
                                "Look at it with intune-enroll status; --replace enrols again.",
                                "this machine is enrolled already, as %s", before);
    run->report.action = "unchanged";
    return ENROLL_OK;
}

/* To resume what is pending replaces an enrolment, as the run that asked for it was told to. */
static bool replacing(const struct enrolment *enrolment)
{
    const struct run *run = &enrolment->run;
    if (run->line.given[OPTION_REPLACE] || !run->line.given[OPTION_RESUME])
        return run->line.given[OPTION_REPLACE];
    struct enrollment pending = {0};
    bool undecided = install_pending_undecided(&enrolment->directory, &pending);
    if (undecided)
        enrollment_free(&pending);
    return undecided;
}

/* A valid enrolment is named and left, unless it is to be replaced. A damaged or expired one is replaced. */
static enum enroll_exit existing_check(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    struct enroll_error unreadable;
    enum enroll_exit status = run_token_read(run);
    unreadable = run->error;
    memset(&run->error, 0, sizeof run->error);
    if (status == ENROLL_NOT_ENROLLED || (status == ENROLL_OK && !run_token_valid(run)))
        return ENROLL_OK;
    if (status == ENROLL_OK && !replacing(enrolment)) {
        /* A key that is proven lost is replaced, so that what runs this command every hour heals the machine.
         */
        if (run_key_probe(run) != ENROLL_KEY_LOST)
            return existing_left(run);
        if (run->line.given[OPTION_KEEP_DEAD])
            return ENROLL_KEY_LOST;
        terminal_warn(run->terminal, run->error.message);
        memset(&run->error, 0, sizeof(run->error));
        return ENROLL_OK;
    }
    if (status != ENROLL_OK && !replacing(enrolment)) {
        run->error = unreadable;
        return status;
    }
    return ENROLL_OK;
}

/* Takes everything that can be known to fail before the server is asked for anything. */
static enum enroll_exit prepare(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    struct install_recovery recovery;
    unsigned wait = 0;
    char text[160];

    if (run->line.given[OPTION_WAIT] && !command_line_number(&run->line, OPTION_WAIT, 0, 86400, &wait))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE, "",
                                "--wait is not a number of seconds");
    enum enroll_exit status =
        install_directory_open(run->token_directory, true, wait, &enrolment->directory, &run->error);
    if (status == ENROLL_OK)
        status = install_switch_complete(&enrolment->directory, &run->error);
    if (status == ENROLL_OK)
        status = existing_check(enrolment);
    if (status != ENROLL_OK || run->report.action)
        return status;
    status = run_pin_read(run, OPTION_PIN_FILE, "PIN for the new key", true, &enrolment->pin);
    if (status != ENROLL_OK)
        return status;
    enum tpm_status tpm = tpm_facts_read(run->tpm, &enrolment->facts);
    if (tpm != TPM_OK)
        return install_tpm_error(&run->error, STEP_PREPARE, run->tpm, tpm, "the TPM cannot be used");
    status =
        install_recover(&enrolment->directory, run->tpm,
                        run->line.given[OPTION_RESUME] ? RECOVER_KEEP_PENDING : 0, &recovery, &run->error);
    if (status == ENROLL_OK && (recovery.evicted || recovery.removed || recovery.finished)) {
        snprintf(text, sizeof text,
                 "tidied up after an earlier run: %zu key%s taken out of the TPM, %zu item%s removed",
                 recovery.evicted, recovery.evicted == 1 ? "" : "s", recovery.removed,
                 recovery.removed == 1 ? "" : "s");
        if (run->line.given[OPTION_VERBOSE])
            terminal_say(run->terminal, text);
    }
    return status;
}

/* A path that still means the same when the timer renews. */
static bool path_remember(char **string, const char *path)
{
    char resolved[PATH_MAX];
    return enrollment_string_set(string, path ? realpath(path, resolved) : NULL);
}

static enum enroll_exit address_set(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    struct flow_options *options = &enrolment->conversation.options;
    const char *operand = run->line.operand ? run->line.operand : enrolment->enrollment.address;
    if (operand && strstr(operand, "://"))
        options->discovery_url = operand;
    else
        options->address = operand;
    if (!options->address && !options->discovery_url)
        return enroll_error_set(
            &run->error, ENROLL_USAGE, STEP_PREPARE, "Try intune-enroll enroll user@example.com.",
            "it was not said where to enrol: a user's address, a domain or a URL is needed");
    return ENROLL_OK;
}

static enum enroll_exit remember(struct enrolment *enrolment)
{
    struct enrollment *enrollment = &enrolment->enrollment;
    struct conversation *conversation = &enrolment->conversation;
    const char *persistence = run_persistence(&enrolment->run);
    if (!persistence)
        return enrolment->run.error.exit_status;
    if (enrolment->run.line.given[OPTION_RESUME])
        return ENROLL_OK; /* it stands in pending/ */
    const char *address =
        conversation->options.address ? conversation->options.address : conversation->options.discovery_url;
    const char *at = conversation->options.address ? strchr(conversation->options.address, '@') : NULL;
    if (!enrollment_string_set(&enrollment->address, address) ||
        (at && !enrollment_string_set(&enrollment->user, conversation->options.address)) ||
        !enrollment_string_set(&enrollment->request_version, conversation->options.request_version) ||
        !enrollment_string_set(&enrollment->persistent, persistence) ||
        !enrollment_string_set(&enrollment->device_id_sent, conversation->profile->values[ITEM_DEVICE_ID]) ||
        !enrollment_string_set(&enrollment->hw_device_id_sent,
                               conversation->profile->values[ITEM_HW_DEVICE_ID]) ||
        !path_remember(&enrollment->ca_file, conversation->ca_file) ||
        !path_remember(&enrollment->profile, conversation->profile_path) ||
        !enrollment_number_set(&enrollment->enrolled_at, (uint64_t)time(NULL)))
        return enroll_error_memory(&enrolment->run.error, STEP_PREPARE);
    return ENROLL_OK;
}

static enum enroll_exit issuance_begin(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    struct issuance_options options = {
        .directory = &enrolment->directory,
        .tpm = run->tpm,
        .tcti = run->tcti,
        .facts = &enrolment->facts,
        /* Enrolled again, the token keeps its names too: what applications were told stays true. */
        .previous = run->line.values[OPTION_LABEL] ? NULL : run->generation,
        .label = run->line.values[OPTION_LABEL],
        .request_extensions = run->line.given[OPTION_CSR_EXT],
        .device_id = enrolment->conversation.profile->values[ITEM_DEVICE_ID],
        .pin = enrolment->pin,
        .persistence = issuance_persistence_of(enrolment->enrollment.persistent),
        .enrollment = &enrolment->enrollment,
        .note = conversation_note,
        .note_context = &enrolment->conversation,
    };
    if (options.label && (!options.label[0] || strlen(options.label) > TOKEN_LABEL_MAX))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE, "", "--label has 1 to %d characters",
                                TOKEN_LABEL_MAX);
    if (run->line.values[OPTION_KEY] &&
        !issuance_key_choice_parse(run->line.values[OPTION_KEY], &options.key))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE,
                                "It is one of rsa2048, rsa3072, rsa4096, p256, p384, p521.",
                                "--key knows no key called %s", run->line.values[OPTION_KEY]);
    enrolment->issuance = issuance_new(&options);
    enrolment->conversation.issuance = enrolment->issuance;
    return enrolment->issuance ? ENROLL_OK : enroll_error_memory(&run->error, STEP_PREPARE);
}

static enum enroll_exit ask(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    struct conversation *conversation = &enrolment->conversation;
    enum enroll_exit status;
    if (run->line.given[OPTION_RESUME]) {
        const struct flow_pending pending = {.enrollment_url = enrolment->enrollment.enrollment_url,
                                             .request_id = enrolment->enrollment.request_id};
        status = issuance_resume(enrolment->issuance, &run->error);
        if (status == ENROLL_OK)
            status = flow_resume(&conversation->options, &pending, &conversation->callbacks,
                                 &enrolment->result, &run->error);
    } else {
        status =
            flow_enroll(&conversation->options, &conversation->callbacks, &enrolment->result, &run->error);
    }
    enrolment->has_result = status == ENROLL_OK;
    if (status == ENROLL_OK && (!enrollment_fill(&enrolment->enrollment, &enrolment->result) ||
                                !enrollment_hosts_accept(&enrolment->enrollment)))
        status = enroll_error_memory(&run->error, STEP_ENROL);
    return status;
}

static enum enroll_exit install(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    enum enroll_exit status;
    if (enrolment->result.pending) {
        status = issuance_suspend(enrolment->issuance, &run->error);
        run->report.action = "pending";
        run->report.enrollment = &enrolment->enrollment;
        run->report.generation = NULL;
        return status == ENROLL_OK ? ENROLL_PENDING : status;
    }
    enrolment->conversation.callbacks.progress(&enrolment->conversation, STEP_INSTALL, FLOW_STARTED, "");
    status = issuance_install(enrolment->issuance, enrolment->result.document, &run->error);
    enrolment->conversation.callbacks.progress(&enrolment->conversation, STEP_INSTALL,
                                               status == ENROLL_OK ? FLOW_DONE : FLOW_FAILED, "");
    if (status != ENROLL_OK)
        return status;
    run->report.action = "enrolled";
    run->report.generation = issuance_generation(enrolment->issuance);
    run->report.enrollment = &enrolment->enrollment;
    run->report.state = NULL;
    return ENROLL_OK;
}

static enum enroll_exit get_ready(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    enum enroll_exit status = prepare(enrolment);
    if (status != ENROLL_OK || run->report.action)
        return status;
    if (run->line.given[OPTION_RESUME] &&
        !install_pending_undecided(&enrolment->directory, &enrolment->enrollment))
        return enroll_error_set(&run->error, ENROLL_NOT_ENROLLED, STEP_PREPARE,
                                "Start a new one with intune-enroll enroll.",
                                "there is no pending request in %s", run->token_directory);
    status = conversation_begin(&enrolment->conversation, run, enrolment->enrollment.ca_file,
                                enrolment->enrollment.profile, NULL, &enrolment->facts);
    enrolment->has_conversation = true;
    if (status == ENROLL_OK)
        status = address_set(enrolment);
    if (status == ENROLL_OK)
        status = remember(enrolment);
    if (status == ENROLL_OK)
        status = issuance_begin(enrolment);
    return status;
}

static enum enroll_exit enrol(struct enrolment *enrolment)
{
    struct run *run = &enrolment->run;
    terminal_progress(run->terminal, STEP_PREPARE, FLOW_STARTED, "");
    enum enroll_exit status = get_ready(enrolment);
    terminal_progress(run->terminal, STEP_PREPARE, status == ENROLL_OK ? FLOW_DONE : FLOW_FAILED, "");
    if (run->report.action)
        return status;
    if (status == ENROLL_OK)
        status = ask(enrolment);
    /* A signal that came while nobody looked: the certificate is not taken. */
    if (status == ENROLL_OK && process_cancelled(NULL))
        status = enroll_error_set(&run->error, ENROLL_CANCELLED, STEP_ENROL, "", "cancelled");
    if (status == ENROLL_OK)
        status = install(enrolment);
    return status;
}

int command_enroll(int argc, char **argv)
{
    int exit_status;
    struct enrolment *enrolment = calloc(1, sizeof *enrolment);
    if (!enrolment) {
        fputs("intune-enroll: out of memory\n", stderr);
        return ENROLL_FAILED;
    }
    if (!run_begin(COMMAND_ENROLL, argc, argv, true, &enrolment->run, &exit_status)) {
        free(enrolment);
        return exit_status;
    }
    enrolment->directory.fd = -1;
    enum enroll_exit status = enrol(enrolment);
    if (enrolment->issuance)
        issuance_settle(enrolment->issuance);
    if (enrolment->has_conversation)
        conversation_end(&enrolment->conversation, status, enrolment->has_result ? &enrolment->result : NULL,
                         status == ENROLL_OK ? issuance_generation(enrolment->issuance) : NULL);
    exit_status = run_end(&enrolment->run, status);
    issuance_free(enrolment->issuance);
    install_directory_close(&enrolment->directory);
    if (enrolment->has_result)
        flow_result_free(&enrolment->result);
    enrollment_free(&enrolment->enrollment);
    run_pin_free(enrolment->pin);
    free(enrolment);
    return exit_status;
}
