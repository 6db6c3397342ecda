#include "commands.h"

#include <fcntl.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "registration.h"
#include "service_command.h"

static enum enroll_exit options_set(struct run *run, struct attempt_options *options)
{
    options->force = run->line.given[OPTION_FORCE_REMOVE];
    return ENROLL_OK;
}

/* What it says goes where progress goes: the result alone is on stdout. */
static void registration_undo(struct run *run)
{
    fflush(stdout);
    int result = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (result < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        terminal_warn(run->terminal,
                      "the registration with applications was left; see intune-enroll register --undo");
    else if (registration_undo_system(&run->error) != ENROLL_OK)
        terminal_warn(run->terminal, run->error.message);
    fflush(stdout);
    if (result >= 0) {
        dup2(result, STDOUT_FILENO);
        close(result);
    }
}

/* What `register` told the applications of the system's token is of no use any more. */
static void finish(struct run *run, const struct attempt_outcome *outcome)
{
    if (outcome->action == NULL)
        return;
    if (geteuid() == 0 && strcmp(run->token_directory, TOKEN_SYSTEM_DIRECTORY) == 0)
        registration_undo(run);
    run->report.has_removed = true;
    run->report.removed_keys = outcome->removed_keys;
    run->report.removed_files = outcome->removed_files;
}

int command_remove(int argc, char **argv)
{
    static const struct service_command command = {
        .command = COMMAND_REMOVE, .options_set = options_set, .use_case = attempt_remove, .finish = finish};
    return service_command_run(&command, argc, argv);
}
