#include "commands.h"

#include <string.h>
#include <unistd.h>

#include "next_steps.h"
#include "service_command.h"

static enum enroll_exit options_set(struct run *run, struct attempt_options *options)
{
    const struct command_line *line = &run->line;
    options->label = line->values[OPTION_LABEL];
    if (options->label != NULL && (options->label[0] == '\0' || strlen(options->label) > TOKEN_LABEL_MAX))
        return enroll_error_set(&run->error, ENROLL_USAGE, "", "invalid --label: must have 1 to %d bytes",
                                TOKEN_LABEL_MAX);
    options->replace = line->given[OPTION_REPLACE];
    options->resume = line->given[OPTION_RESUME];
    options->keep_dead = line->given[OPTION_KEEP_DEAD];
    options->persistent = run_persistence(run);
    return options->persistent != NULL ? ENROLL_OK : run->error.exit_status;
}

/* What is left to do, for the system's token. */
static void finish(struct run *run, const struct attempt_outcome *outcome)
{
    if (outcome->action == NULL || strcmp(outcome->action, "enrolled") != 0 || geteuid() != 0 ||
        strcmp(run->token_directory, TOKEN_SYSTEM_DIRECTORY) != 0)
        return;
    bool checks_in = run->report.protocol != NULL && run->report.protocol->check_in != NULL;
    run->report.next_step_count = next_steps_list("", checks_in, run->report.next_steps);
}

int command_enroll(int argc, char **argv)
{
    static const struct service_command command = {.command = COMMAND_ENROLL,
                                                   .writes = true,
                                                   .options_set = options_set,
                                                   .use_case = attempt_enrol,
                                                   .finish = finish};
    return service_command_run(&command, argc, argv);
}
