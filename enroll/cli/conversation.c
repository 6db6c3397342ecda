#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

static void progress(void *context, enum enroll_step step, enum flow_state state, const char *text)
{
    struct conversation *conversation = context;
    terminal_progress(conversation->run->terminal, step, state, text);
    if (conversation->trace)
        trace_progress(conversation->trace, step, state, text);
}

void conversation_note(void *context, bool warning, const char *text)
{
    struct conversation *conversation = context;
    progress(conversation, STEP_ENROL, warning ? FLOW_WARNING : FLOW_NOTE, text);
}

static enum enroll_exit make_request(void *context, const struct certificate_requirements *requirements,
                                     uint8_t **ret_request, size_t *ret_size, struct enroll_error *ret_error)
{
    struct conversation *conversation = context;
    return issuance_request(conversation->issuance, requirements, ret_request, ret_size, ret_error);
}

static bool confirm(void *context, const char *question)
{
    struct conversation *conversation = context;
    return terminal_confirm(conversation->run->terminal, question);
}

static char *ask_secret(void *context, const char *prompt)
{
    struct conversation *conversation = context;
    return terminal_ask_secret(conversation->run->terminal, prompt);
}

static char *ask_line(void *context, const char *prompt)
{
    struct conversation *conversation = context;
    return terminal_ask_line(conversation->run->terminal, prompt);
}

static bool wants_to_paste(void *context)
{
    struct conversation *conversation = context;
    return terminal_entered(conversation->run->terminal);
}

static void show(void *context, const struct credential_instruction *instruction)
{
    struct conversation *conversation = context;
    terminal_instruction(conversation->run->terminal, instruction);
}

static bool has_display(void)
{
    const char *wayland = getenv("WAYLAND_DISPLAY"), *x11 = getenv("DISPLAY");
    return (wayland && wayland[0]) || (x11 && x11[0]);
}

static enum enroll_exit auth_begin(struct conversation *conversation)
{
    struct run *run = conversation->run;
    const struct command_line *line = &run->line;
    struct credential_options *auth = &conversation->auth;
    bool interactive = terminal_is_interactive(run->terminal);

    const struct credential_option *option;
    *auth = (struct credential_options){0};
    if (line->values[OPTION_AUTH] != NULL && strcmp(line->values[OPTION_AUTH], "auto") != 0) {
        auth->forced = credential_source_find(line->values[OPTION_AUTH]);
        if (auth->forced == NULL)
            return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE,
                                    "intune-enroll enroll --help lists them.",
                                    "unknown authentication method '%s'", line->values[OPTION_AUTH]);
    }
    if (!command_line_credential_numbers_check(line))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE, "", "invalid number");
    for (size_t i = 0; (option = credential_option_at(i)) != NULL; i++) {
        auth->values[i] = line->credential_values[i];
        if (auth->values[i] == NULL && option->section != NULL && run->configuration != NULL)
            auth->values[i] = keyfile_get(run->configuration, option->section, option->name);
        if (auth->values[i] != NULL && auth->values[i][0] == '\0' && line->credential_values[i] == NULL)
            auth->values[i] = NULL;
    }
    auth->may_open_browser = interactive && has_display();
    auth->context = conversation;
    auth->ask_secret = interactive ? ask_secret : NULL;
    auth->ask_line = interactive ? ask_line : NULL;
    auth->wants_to_paste = interactive ? wants_to_paste : NULL;
    auth->confirm = interactive ? confirm : NULL;
    auth->show = show;
    auth->cancelled = process_cancelled;
    return ENROLL_OK;
}

static enum enroll_exit client_begin(struct conversation *conversation)
{
    struct run *run = conversation->run;
    struct enroll_error *error = &run->error;
    struct https_client_options options = {
        .ca_file = conversation->ca_file,
        .resolve = run->line.given[OPTION_RESOLVE] ? run->line.lists[OPTION_RESOLVE] : NULL,
        .cancelled = process_cancelled};
    if (run->line.given[OPTION_TIMEOUT] &&
        !command_line_number(&run->line, OPTION_TIMEOUT, 1, 3600, &options.timeout_seconds))
        return enroll_error_set(error, ENROLL_USAGE, STEP_PREPARE, "",
                                "--timeout is not a number of seconds");
    conversation->auth.timeout_seconds = options.timeout_seconds;
    if (run->line.given[OPTION_TRACE]) {
        enum enroll_exit status = trace_new(run->line.values[OPTION_TRACE], &conversation->trace, error);
        if (status != ENROLL_OK)
            return status;
        options.observe = trace_observe;
        options.observe_context = conversation->trace;
    }
    return https_client_new(&options, &conversation->client, error);
}

static const char *request_version(const struct run *run)
{
    const char *version = run_setting(run, OPTION_REQUEST_VERSION, "enroll", "request-version");
    return version ? version : "4.0";
}

enum enroll_exit conversation_begin(struct conversation *conversation, struct run *run, const char *ca_file,
                                    const char *profile_path, const struct device_identity *identity,
                                    const struct tpm_facts *facts)
{
    *conversation = (struct conversation){.run = run};
    const char *chosen_ca = run_setting(run, OPTION_CA_FILE, "enroll", "ca-file");
    const char *chosen_profile = run_setting(run, OPTION_PROFILE, "enroll", "profile");
    conversation->ca_file = chosen_ca ? chosen_ca : ca_file;
    conversation->profile_path = chosen_profile ? chosen_profile : profile_path;

    enum enroll_exit status =
        device_profile_read(conversation->profile_path, identity, &conversation->profile, &run->error);
    if (status == ENROLL_OK)
        status = auth_begin(conversation);
    if (status == ENROLL_OK)
        status = client_begin(conversation);
    if (status != ENROLL_OK)
        return status;
    conversation->callbacks = (struct flow_callbacks){
        .context = conversation, .progress = progress, .confirm = confirm, .make_request = make_request};
    conversation->options = (struct flow_options){
        .request_version = request_version(run),
        .accept_redirects =
            run->line.given[OPTION_ACCEPT_REDIRECT] ? run->line.lists[OPTION_ACCEPT_REDIRECT] : NULL,
        .profile = conversation->profile,
        .client = conversation->client,
        .auth = &conversation->auth,
        .token_type = run->line.values[OPTION_TOKEN_TYPE],
        .discovery_url = run_setting(run, OPTION_DISCOVERY_URL, "enroll", "discovery-url"),
    };
    if (facts && conversation->profile->send_tpm_facts) {
        snprintf(conversation->firmware, sizeof conversation->firmware, "%u.%u.%u.%u",
                 (unsigned)(facts->firmware_1 >> 16), (unsigned)(facts->firmware_1 & 0xffff),
                 (unsigned)(facts->firmware_2 >> 16), (unsigned)(facts->firmware_2 & 0xffff));
        conversation->options.tpm_manufacturer = facts->manufacturer;
        conversation->options.tpm_firmware = conversation->firmware;
    }
    return ENROLL_OK;
}

void conversation_end(struct conversation *conversation, enum enroll_exit status,
                      const struct flow_result *result, const struct token_generation *generation)
{
    struct run *run = conversation->run;
    struct enroll_error trace_error;
    if (conversation->trace) {
        bool issued = generation && generation->has_certificate;
        trace_outcome(conversation->trace, result, issued ? generation->certificate.value.data : NULL,
                      issued ? generation->certificate.value.size : 0,
                      status == ENROLL_OK ? NULL : &run->error);
        if (trace_close(conversation->trace, &trace_error) != ENROLL_OK)
            terminal_warn(run->terminal, trace_error.message);
    }
    https_client_free(conversation->client);
    device_profile_free(conversation->profile);
    *conversation = (struct conversation){.run = run};
}
