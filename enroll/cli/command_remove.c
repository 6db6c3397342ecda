#include "command.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "generation.h"
#include "registration.h"
#include "run.h"

static enum enroll_exit ask_first(struct run *run)
{
    char question[PATH_MAX + 128];
    if (run->line.given[OPTION_YES])
        return ENROLL_OK;
    if (!terminal_is_interactive(run->terminal))
        return enroll_error_set(&run->error, ENROLL_USAGE, "Give --yes.",
                                "removing a key asks first, and there is nobody to ask");
    snprintf(question, sizeof question,
             "Remove the key from the TPM and the token from %s? It cannot be brought back.",
             run->token_directory);
    if (!terminal_confirm(run->terminal, question))
        return enroll_error_set(&run->error, ENROLL_CANCELLED, "", "nothing was removed");
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

static enum enroll_exit take_away(struct run *run, struct install_directory *directory)
{
    struct install_recovery recovery;
    struct record undecided;
    unsigned wait = 0;

    if (run->line.given[OPTION_WAIT] && !command_line_number(&run->line, OPTION_WAIT, 0, 86400, &wait))
        return enroll_error_set(&run->error, ENROLL_USAGE, "", "--wait is not a number of seconds");
    enum enroll_exit status =
        install_directory_open(run->token_directory, false, wait, directory, &run->error);
    if (status != ENROLL_OK)
        return status;
    status = install_switch_complete(directory, &run->error);
    if (status != ENROLL_OK)
        return status;
    bool pending = install_pending_undecided(directory, &undecided);
    if (pending)
        record_clear(&undecided);
    if (install_generation_current(directory) == 0 && !pending)
        return enroll_error_set(&run->error, ENROLL_NOT_ENROLLED, "", "there is no enrolment in %s",
                                run->token_directory);
    status = ask_first(run);
    if (status != ENROLL_OK)
        return status;
    status = install_remove_all(directory, run->line.given[OPTION_FORCE_REMOVE] ? NULL : run->tpm, &recovery,
                                &run->error);
    if (status == ENROLL_TPM)
        snprintf(run->error.advice, sizeof run->error.advice,
                 "Nothing was removed. If that TPM is gone for good, --force removes the files alone.");
    if (status != ENROLL_OK)
        return status;
    /* What `register` told the applications of the system's token is of no use any more. */
    if (geteuid() == 0 && strcmp(run->token_directory, TOKEN_SYSTEM_DIRECTORY) == 0) {
        registration_undo(run);
    }
    run->report.action = "removed";
    run->report.has_removed = true;
    run->report.removed_keys = recovery.evicted;
    run->report.removed_files = recovery.removed;
    return ENROLL_OK;
}

int command_remove(int argc, char **argv)
{
    struct run run;
    struct install_directory directory = {.fd = -1};
    int exit_status;
    if (!run_begin(COMMAND_REMOVE, argc, argv, false, &run, &exit_status))
        return exit_status;
    exit_status = run_end(&run, take_away(&run, &directory));
    install_directory_close(&directory);
    return exit_status;
}
