#include "commands.h"

#include "service_command.h"

static enum enroll_exit options_set(struct run *run, struct attempt_options *options)
{
    const struct command_line *line = &run->line;
    const char *persistent = run_persistence(run);
    options->if_due = line->given[OPTION_IF_DUE];
    options->force = line->given[OPTION_FORCE];
    /* As at enrolment, unless it is said anew. */
    if (line->given[OPTION_PERSISTENT] || line->given[OPTION_NO_PERSISTENT])
        options->persistent = persistent;
    return persistent != NULL ? ENROLL_OK : run->error.exit_status;
}

int command_renew(int argc, char **argv)
{
    static const struct service_command command = {
        .command = COMMAND_RENEW, .writes = false, .options_set = options_set, .use_case = attempt_renew};
    return service_command_run(&command, argc, argv);
}
