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

static void show(void *context, const struct auth_instruction *instruction)
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
    struct auth_options *auth = &conversation->auth;
    bool interactive = terminal_is_interactive(run->terminal);

    *auth = AUTH_OPTIONS_NONE;
    if (line->values[OPTION_AUTH] && !auth_way_find(line->values[OPTION_AUTH], &auth->force))
        return enroll_error_set(
            &run->error, ENROLL_USAGE, STEP_PREPARE,
            "It is one of auto, file, fd, command, device-code, broker, browser, password, certificate.",
            "--auth knows no way called %s", line->values[OPTION_AUTH]);
    if (line->given[OPTION_TOKEN_FD]) {
        unsigned fd;
        if (!command_line_number(line, OPTION_TOKEN_FD, 0, 65535, &fd))
            return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE, "",
                                    "--token-fd is not a file descriptor");
        auth->token_fd = (int)fd;
    }
    if (line->given[OPTION_TOKEN_COMMAND_TIMEOUT] &&
        !command_line_number(line, OPTION_TOKEN_COMMAND_TIMEOUT, 1, 86400, &auth->token_command_seconds))
        return enroll_error_set(&run->error, ENROLL_USAGE, STEP_PREPARE, "",
                                "--token-command-timeout is not a number of seconds");
    auth->token_file = line->values[OPTION_TOKEN_FILE];
    auth->token_command = line->values[OPTION_TOKEN_COMMAND];
    auth->token_type = line->values[OPTION_TOKEN_TYPE];
    auth->username = line->values[OPTION_USERNAME];
    auth->password_file = line->values[OPTION_PASSWORD_FILE];
    auth->client_id = run_setting(run, OPTION_CLIENT_ID, "oauth", "client-id");
    auth->scope = run_setting(run, OPTION_SCOPE, "oauth", "scope");
    auth->resource = run_setting(run, OPTION_RESOURCE, "oauth", "resource");
    auth->tenant = run_setting(run, OPTION_TENANT, "oauth", "tenant");
    auth->authority = run_setting(run, OPTION_AUTHORITY, "oauth", "authority");
    auth->certificate = line->values[OPTION_CERTIFICATE];
    auth->certificate_key = line->values[OPTION_CERTIFICATE_KEY];
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

static enum enroll_exit net_begin(struct conversation *conversation)
{
    struct run *run = conversation->run;
    struct enroll_error *error = &run->error;
    struct net_options options = {.ca_file = conversation->ca_file,
                                  .resolve = run->line.given[OPTION_RESOLVE] ? run->line.lists[OPTION_RESOLVE]
                                                                             : NULL,
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
    return net_new(&options, &conversation->net, error);
}

static const char *request_version(const struct run *run)
{
    const char *version = run_setting(run, OPTION_REQUEST_VERSION, "enroll", "request-version");
    return version ? version : "4.0";
}

enum enroll_exit conversation_begin(struct conversation *conversation, struct run *run, const char *ca_file,
                                    const char *profile_path, const struct tpm_facts *facts)
{
    *conversation = (struct conversation){.run = run};
    const char *chosen_ca = run_setting(run, OPTION_CA_FILE, "enroll", "ca-file");
    const char *chosen_profile = run_setting(run, OPTION_PROFILE, "enroll", "profile");
    conversation->ca_file = chosen_ca ? chosen_ca : ca_file;
    conversation->profile_path = chosen_profile ? chosen_profile : profile_path;

    enum enroll_exit status =
        device_profile_read(conversation->profile_path, &conversation->profile, &run->error);
    if (status == ENROLL_OK)
        status = auth_begin(conversation);
    if (status == ENROLL_OK)
        status = net_begin(conversation);
    if (status != ENROLL_OK)
        return status;
    conversation->callbacks = (struct flow_callbacks){
        .context = conversation, .progress = progress, .confirm = confirm, .make_request = make_request};
    conversation->options = (struct flow_options){
        .request_version = request_version(run),
        .accept_redirects =
            run->line.given[OPTION_ACCEPT_REDIRECT] ? run->line.lists[OPTION_ACCEPT_REDIRECT] : NULL,
        .profile = conversation->profile,
        .net = conversation->net,
        .auth = &conversation->auth,
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
    net_free(conversation->net);
    device_profile_free(conversation->profile);
    *conversation = (struct conversation){.run = run};
}
