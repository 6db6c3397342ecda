#include "commands.h"

#include <string.h>

#include "run.h"

static enum enroll_exit look(struct run *run, struct tpm_lockout *lockout)
{
    enum enroll_exit status = run_token_read(run);
    if (status != ENROLL_OK)
        return status;
    run->report.action = "status";
    /* One command to the TPM: reachable or not is part of the status, and no failure of this command. */
    enum tpm_status tpm = tpm_lockout_read(run->tpm, lockout);
    run->report.tpm_state = tpm == TPM_OK ? "ready" : tpm_status_text(tpm);
    if (tpm != TPM_OK)
        return ENROLL_OK;
    run->report.tpm_lockout = lockout;
    return run_key_probe(run);
}

int command_status(int argc, char **argv)
{
    struct run run;
    struct tpm_lockout lockout;
    int exit_status;
    if (!run_begin(COMMAND_STATUS, argc, argv, false, &run, &exit_status))
        return exit_status;
    run.report.metrics = run.line.given[OPTION_METRICS];
    return run_end(&run, look(&run, &lockout));
}
