#include "service_command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "trace.h"

#define SETTINGS_MAX 64 /* of all protocols */

/* Everything one command holds. */
struct service_run {
    struct run run;
    struct trace *trace; /* NULL: no --trace */
    struct credential_options credentials;
    const char *settings[SETTINGS_MAX];
    struct attempt_options options;
    struct attempt_outcome outcome;
};

/* ---- callbacks ---- */

static void progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    struct service_run *service = context;
    terminal_progress(service->run.terminal, step, state, text);
    if (service->trace != NULL)
        trace_progress(service->trace, step, state, text);
}

static void chosen(void *context, const struct protocol *protocol)
{
    struct service_run *service = context;
    terminal_protocol_set(service->run.terminal, protocol);
    service->run.report.protocol = protocol;
    if (service->trace != NULL)
        trace_protocol_set(service->trace, protocol);
}

static void warn(void *context, const char *text)
{
    struct service_run *service = context;
    terminal_warn(service->run.terminal, text);
}

static void detail(void *context, const char *text)
{
    struct service_run *service = context;
    if (service->run.line.given[OPTION_VERBOSE])
        terminal_say(service->run.terminal, text);
}

static bool confirm(void *context, const char *question)
{
    struct service_run *service = context;
    return terminal_confirm(service->run.terminal, question);
}

static enum enroll_exit remove_confirm(void *context, struct enroll_error *ret_error)
{
    struct service_run *service = context;
    const struct run *run = &service->run;
    char question[PATH_MAX + 128];
    if (run->line.given[OPTION_YES])
        return ENROLL_OK;
    if (!terminal_is_interactive(run->terminal))
        return enroll_error_set(ret_error, ENROLL_USAGE, "use --yes",
                                "removing a key asks first, and there is nobody to ask");
    snprintf(question, sizeof(question),
             "remove the key from the TPM and the token from %s? It cannot be brought back",
             run->token_directory);
    if (!terminal_confirm(run->terminal, question))
        return enroll_error_set(ret_error, ENROLL_CANCELLED, "", "nothing was removed");
    return ENROLL_OK;
}

static char *ask_secret(void *context, const char *prompt)
{
    struct service_run *service = context;
    return terminal_ask_secret(service->run.terminal, prompt);
}

static char *ask_line(void *context, const char *prompt)
{
    struct service_run *service = context;
    return terminal_ask_line(service->run.terminal, prompt);
}

static bool wants_to_paste(void *context)
{
    struct service_run *service = context;
    return terminal_entered(service->run.terminal);
}

static void show(void *context, const struct credential_instruction *instruction)
{
    struct service_run *service = context;
    terminal_instruction(service->run.terminal, instruction);
}

static enum enroll_exit pin_read(void *context, bool for_new_key, char **ret_pin,
                                 struct enroll_error *ret_error)
{
    struct service_run *service = context;
    enum enroll_exit status =
        run_pin_read(&service->run, OPTION_PIN_FILE, for_new_key ? "PIN for the new key" : "PIN of the key",
                     for_new_key, ret_pin);
    if (status != ENROLL_OK)
        *ret_error = service->run.error;
    return status;
}

/* ---- options ---- */

static bool has_display(void)
{
    const char *wayland = getenv("WAYLAND_DISPLAY"), *x11 = getenv("DISPLAY");
    return (wayland != NULL && wayland[0] != '\0') || (x11 != NULL && x11[0] != '\0');
}

/* The option's value, else the configuration's; an empty value there is none. */
static const char *setting_value(const struct run *run, const struct setting *setting, const char *given)
{
    if (given != NULL || setting->section == NULL || run->configuration == NULL)
        return given;
    const char *value = keyfile_get(run->configuration, setting->section, setting->name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum enroll_exit settings_set(struct service_run *service)
{
    struct run *run = &service->run;
    const struct command_line *line = &run->line;
    const struct setting *setting;
    size_t credentials = 0;
    if (!command_line_settings_check(line))
        return enroll_error_set(&run->error, ENROLL_USAGE, "", "invalid number");
    for (; (setting = credential_option_at(credentials)) != NULL; credentials++)
        service->credentials.values[credentials] = setting_value(run, setting, line->settings[credentials]);
    for (size_t i = 0; (setting = protocol_setting_at(i)) != NULL && i < SETTINGS_MAX; i++)
        service->settings[i] = setting_value(run, setting, line->settings[credentials + i]);
    return ENROLL_OK;
}

static enum enroll_exit credentials_set(struct service_run *service)
{
    struct run *run = &service->run;
    struct credential_options *credentials = &service->credentials;
    const char *method = run->line.values[OPTION_AUTH];
    bool interactive = terminal_is_interactive(run->terminal);
    if (method != NULL && strcmp(method, "auto") != 0) {
        credentials->forced = credential_source_find(method);
        if (credentials->forced == NULL)
            return enroll_error_set(&run->error, ENROLL_USAGE, "see intune-enroll enroll --help",
                                    "unknown authentication method '%s'", method);
    }
    credentials->may_open_browser = interactive && has_display();
    credentials->context = service;
    credentials->ask_secret = interactive ? ask_secret : NULL;
    credentials->ask_line = interactive ? ask_line : NULL;
    credentials->wants_to_paste = interactive ? wants_to_paste : NULL;
    credentials->confirm = interactive ? confirm : NULL;
    credentials->show = show;
    credentials->cancelled = process_cancelled;
    return ENROLL_OK;
}

static enum enroll_exit https_set(struct service_run *service)
{
    struct run *run = &service->run;
    struct https_client_options *https = &service->options.https;
    https->ca_file = run_setting(run, OPTION_CA_FILE, "enroll", "ca-file");
    https->resolve = run->line.given[OPTION_RESOLVE] ? run->line.lists[OPTION_RESOLVE] : NULL;
    https->cancelled = process_cancelled;
    if (run->line.given[OPTION_TIMEOUT] &&
        !command_line_number(&run->line, OPTION_TIMEOUT, 1, 3600, &https->timeout_seconds))
        return enroll_error_set(&run->error, ENROLL_USAGE, "", "invalid --timeout");
    service->credentials.timeout_seconds = https->timeout_seconds;
    if (!run->line.given[OPTION_TRACE])
        return ENROLL_OK;
    enum enroll_exit status = trace_new(run->line.values[OPTION_TRACE], &service->trace, &run->error);
    https->observe = trace_observe;
    https->observe_context = service->trace;
    return status;
}

static enum enroll_exit key_set(struct run *run, struct attempt_options *options)
{
    const char *key = run->line.values[OPTION_KEY];
    options->request_extensions = run->line.given[OPTION_CSR_EXT];
    if (key == NULL || key_choice_parse(key, &options->key))
        return ENROLL_OK;
    return enroll_error_set(&run->error, ENROLL_USAGE,
                            "use one of rsa2048, rsa3072, rsa4096, p256, p384, p521", "unknown key type '%s'",
                            key);
}

static enum enroll_exit options_set(struct service_run *service, const struct service_command *command)
{
    struct run *run = &service->run;
    const struct command_line *line = &run->line;
    const char *protocol = run_setting(run, OPTION_PROTOCOL, "enroll", "protocol");
    struct attempt_options *options = &service->options;
    *options = (struct attempt_options){
        .token_directory = run->token_directory,
        .tpm = run->tpm,
        .tcti = run->tcti,
        .address = line->operand,
        .url = run_setting(run, OPTION_DISCOVERY_URL, "enroll", "discovery-url"),
        .accept_redirects = line->given[OPTION_ACCEPT_REDIRECT] ? line->lists[OPTION_ACCEPT_REDIRECT] : NULL,
        .settings = service->settings,
        .credentials = &service->credentials,
        .context = service,
        .progress = progress,
        .confirm = confirm,
        .pin_read = pin_read,
        .pin_free = run_pin_free,
        .warn = warn,
        .detail = detail,
        .remove_confirm = remove_confirm,
        .chosen = chosen,
    };
    if (protocol != NULL && (options->protocol = protocol_find(protocol)) == NULL)
        return enroll_error_set(&run->error, ENROLL_USAGE, "see intune-enroll enroll --help",
                                "unknown protocol '%s'", protocol);
    if (line->given[OPTION_WAIT] && !command_line_number(line, OPTION_WAIT, 0, 86400, &options->wait_seconds))
        return enroll_error_set(&run->error, ENROLL_USAGE, "", "invalid --wait");
    enum enroll_exit status = settings_set(service);
    if (status == ENROLL_OK)
        status = credentials_set(service);
    if (status == ENROLL_OK)
        status = key_set(run, options);
    if (status == ENROLL_OK && command->options_set != NULL)
        status = command->options_set(run, options);
    return status == ENROLL_OK ? https_set(service) : status;
}

/* ---- the command ---- */

static void report_fill(struct service_run *service)
{
    struct report *report = &service->run.report;
    const struct attempt_outcome *outcome = &service->outcome;
    report->action = outcome->action;
    report->generation = outcome->now.generation;
    report->record = outcome->now.has_record ? &outcome->now.record : NULL;
    report->state =
        outcome->now.has_record && outcome->now.state.attempted_at != 0 ? &outcome->now.state : NULL;
    report->requirements =
        outcome->described && strcmp(outcome->action != NULL ? outcome->action : "", "policy") == 0
            ? &outcome->requirements
            : NULL;
    report->check_in =
        outcome->now.has_record && outcome->now.check_in.count > 0 ? &outcome->now.check_in : NULL;
    report->has_key_state = outcome->key_probed;
    report->key_lost = outcome->key_lost;
}

static void trace_end(struct service_run *service, enum enroll_exit status)
{
    struct enroll_error trace_error;
    if (service->trace == NULL)
        return;
    trace_outcome(service->trace, &service->outcome, status == ENROLL_OK ? NULL : &service->run.error);
    if (trace_close(service->trace, &trace_error) != ENROLL_OK)
        terminal_warn(service->run.terminal, trace_error.message);
}

int service_command_run(const struct service_command *command, int argc, char **argv)
{
    int exit_status;
    struct service_run *service = calloc(1, sizeof(*service));
    if (service == NULL) {
        fputs("intune-enroll: out of memory\n", stderr);
        return ENROLL_FAILED;
    }
    if (run_begin(command->command, argc, argv, command->writes, &service->run, &exit_status)) {
        enum enroll_exit status = options_set(service, command);
        if (status == ENROLL_OK) {
            status = command->use_case(&service->options, &service->outcome, &service->run.error);
            report_fill(service);
            if (command->finish != NULL)
                command->finish(&service->run, &service->outcome);
        }
        trace_end(service, status);
        exit_status = run_end(&service->run, status);
        attempt_outcome_clear(&service->outcome);
    }
    free(service);
    return exit_status;
}
