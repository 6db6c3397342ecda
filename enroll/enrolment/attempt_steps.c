#include "attempt_steps.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "generation.h"
#include "tpm_error.h"

void attempt_begin(struct attempt *attempt, const struct attempt_options *options,
                   struct attempt_outcome *outcome, struct record *record, struct enroll_error *error)
{
    *outcome = (struct attempt_outcome){0};
    certificate_requirements_default(&outcome->requirements);
    *attempt = (struct attempt){
        .options = options, .outcome = outcome, .record = record, .error = error, .directory = {.fd = -1}};
    certificate_requirements_default(&attempt->answer.requirements);
}

enum enroll_exit attempt_end(struct attempt *attempt, enum enroll_exit status)
{
    if (attempt->protocol != NULL)
        attempt->protocol->close(attempt->session);
    https_client_free(attempt->client);
    issuance_free(attempt->issuance);
    install_directory_close(&attempt->directory);
    protocol_answer_clear(&attempt->answer);
    attempt->options->pin_free(attempt->pin);
    if (status != ENROLL_OK)
        attempt->error->step = attempt->step;
    return status;
}

void attempt_outcome_clear(struct attempt_outcome *outcome)
{
    enrolled_clear(&outcome->now);
    certificate_requirements_free(&outcome->requirements);
}

void attempt_progress(struct attempt *attempt, unsigned step, enum progress_state state, const char *text)
{
    attempt->step = step;
    attempt->options->progress(attempt->options->context, step, state, text);
}

enum enroll_exit attempt_directory_open(struct attempt *attempt, bool make)
{
    const struct attempt_options *options = attempt->options;
    enum enroll_exit status = install_directory_open(options->token_directory, make, options->wait_seconds,
                                                     &attempt->directory, attempt->error);
    return status == ENROLL_OK ? install_switch_complete(&attempt->directory, attempt->error) : status;
}

enum enroll_exit attempt_tpm_read(struct attempt *attempt)
{
    enum tpm_status status = tpm_facts_read(attempt->options->tpm, &attempt->facts);
    if (status == TPM_OK)
        return ENROLL_OK;
    return install_tpm_error(attempt->error, attempt->options->tpm, status, "the TPM cannot be used");
}

/* ---- the service ---- */

static void progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    attempt_progress(context, step, state, text);
}

static bool confirm(void *context, const char *question)
{
    const struct attempt *attempt = context;
    return attempt->options->confirm(attempt->options->context, question);
}

static enum enroll_exit make_request(void *context, const struct certificate_requirements *requirements,
                                     const char *common_name, uint8_t **ret_request, size_t *ret_size,
                                     struct enroll_error *ret_error)
{
    const struct attempt *attempt = context;
    return issuance_request(attempt->issuance, requirements, common_name, ret_request, ret_size, ret_error);
}

static void settings_pick(struct attempt *attempt)
{
    const struct setting *const *own = attempt->protocol->settings, *setting;
    for (size_t i = 0; i < PROTOCOL_SETTINGS_MAX && own[i] != NULL; i++)
        for (size_t j = 0; (setting = protocol_setting_at(j)) != NULL; j++)
            if (setting == own[i])
                attempt->settings[i] = attempt->options->settings[j];
}

enum enroll_exit attempt_protocol_choose(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    char text[256];
    bool fresh = record_get(attempt->record, RECORD_ADDRESS) == NULL, found = false;
    /* What was enrolled stays with its protocol, whatever the configuration says by now. */
    attempt->protocol = fresh ? options->protocol : NULL;
    for (size_t i = 0; fresh && attempt->protocol == NULL && !found && protocols[i] != NULL; i++) {
        found = options->address != NULL && options->url == NULL && protocols[i]->suits != NULL &&
                protocols[i]->suits(options->address);
        attempt->protocol = found ? protocols[i] : NULL;
    }
    if (attempt->protocol == NULL)
        attempt->protocol = fresh ? protocols[0] : protocol_of(attempt->record);
    if (attempt->protocol == NULL)
        return enroll_error_set(
            attempt->error, ENROLL_CONFIGURATION,
            "use the version of intune-enroll that enrolled this machine, or enrol again with "
            "intune-enroll enroll --replace",
            "this program does not have the protocol of the enrolment, %s",
            record_get(attempt->record, RECORD_PROTOCOL));
    settings_pick(attempt);
    options->chosen(options->context, attempt->protocol);
    if (found) {
        snprintf(text, sizeof(text),
                 "protocol %s: the domain leads to such a service; --protocol %s asks another",
                 attempt->protocol->name, protocols[0]->name);
        options->warn(options->context, text);
    }
    return ENROLL_OK;
}

enum enroll_exit attempt_connect(struct attempt *attempt, const struct protocol_identity *present)
{
    const struct attempt_options *options = attempt->options;
    const char *operand =
        options->address != NULL ? options->address : record_get(attempt->record, RECORD_ADDRESS);
    bool is_url = operand != NULL && strstr(operand, "://") != NULL;
    struct https_client_options https = options->https;
    if (https.ca_file == NULL)
        https.ca_file = record_get(attempt->record, RECORD_CA_FILE);
    enum enroll_exit status = https_client_new(&https, &attempt->client, attempt->error);
    if (status != ENROLL_OK)
        return status;
    attempt->request = (struct protocol_request){
        .address = is_url ? NULL : operand,
        .url = is_url ? operand : options->url,
        .accept_redirects = options->accept_redirects,
        .settings = attempt->settings,
        .client = attempt->client,
        .credentials = options->credentials,
        .facts = attempt->facts.manufacturer[0] != '\0' ? &attempt->facts : NULL,
        .present = present,
        .key_type = options->key.chosen ? options->key.type : (enum tpm_key_type)0,
        .request_extensions = options->request_extensions,
        .replace = options->replace,
        .reporting = attempt->reporting,
        .record = attempt->record,
        .context = attempt,
        .progress = progress,
        .confirm = confirm,
        .make_request = make_request,
    };
    if (present == NULL && !attempt->reporting && attempt->request.address == NULL &&
        attempt->request.url == NULL)
        return enroll_error_set(attempt->error, ENROLL_USAGE, "try intune-enroll enroll user@example.com",
                                "missing address: a user's address, a domain or a URL is needed");
    return attempt->protocol->open(&attempt->request, &attempt->session, attempt->error);
}

/* ---- the key and its certificate ---- */

static void note(void *context, bool warning, const char *text)
{
    struct attempt *attempt = context;
    attempt_progress(attempt, attempt->step, warning ? PROGRESS_WARNING : PROGRESS_NOTE, text);
}

enum enroll_exit attempt_issuance_begin(struct attempt *attempt, const struct token_generation *previous,
                                        bool keep_kind)
{
    const struct attempt_options *options = attempt->options;
    const struct issuance_options issuance = {
        .directory = &attempt->directory,
        .tpm = options->tpm,
        .tcti = options->tcti,
        .facts = &attempt->facts,
        .previous = previous,
        .label = options->label,
        .persistence = issuance_persistence_of(record_get(attempt->record, RECORD_PERSISTENT)),
        .key = options->key,
        .keep_key_kind = keep_kind,
        .request_extensions = options->request_extensions,
        .pin = attempt->pin,
        .record = attempt->record,
        .note = note,
        .note_context = attempt,
    };
    attempt->issuance = issuance_new(&issuance);
    return attempt->issuance != NULL ? ENROLL_OK : enroll_error_memory(attempt->error);
}

enum enroll_exit attempt_install(struct attempt *attempt)
{
    struct attempt_outcome *outcome = attempt->outcome;
    attempt_progress(attempt, STEP_INSTALL, PROGRESS_STARTED, "");
    enum enroll_exit status = issuance_install(attempt->issuance, &attempt->answer.received, attempt->error);
    attempt_progress(attempt, STEP_INSTALL, status == ENROLL_OK ? PROGRESS_DONE : PROGRESS_FAILED, "");
    if (status != ENROLL_OK)
        return status;
    token_generation_free(outcome->now.generation);
    outcome->now.generation = issuance_generation_take(attempt->issuance);
    outcome->now.has_record = true;
    return ENROLL_OK;
}
