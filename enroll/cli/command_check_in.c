#include "commands.h"

#include "service_command.h"

static enum enroll_exit options_set(struct run *run, struct attempt_options *options)
{
    options->if_due = run->line.given[OPTION_IF_DUE];
    run->report.all_rules = run->line.given[OPTION_POLICIES];
    return ENROLL_OK;
}

int command_check_in(int argc, char **argv)
{
    static const struct service_command command = {
        .command = COMMAND_CHECK_IN, .options_set = options_set, .use_case = attempt_check_in};
    return service_command_run(&command, argc, argv);
}
