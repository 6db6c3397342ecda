/* The commands that speak to a service: enroll, renew and policy. What they share: sign-in, HTTPS, the trace,
 * and the callbacks of a use case wired to the terminal. */
#ifndef ENROLL_SERVICE_COMMAND_H
#define ENROLL_SERVICE_COMMAND_H

#include "attempt.h"
#include "run.h"

struct service_command {
    enum command_id command;
    bool writes; /* as in run_begin() */
    /* Fills in what only this command has; may be NULL. */
    enum enroll_exit (*options_set)(struct run *run, struct attempt_options *options);
    enum enroll_exit (*use_case)(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                 struct enroll_error *ret_error);
    /* After the use case, before the report is printed; may be NULL. */
    void (*finish)(struct run *run, const struct attempt_outcome *outcome);
};

/* Runs it from the command line to the exit status. */
int service_command_run(const struct service_command *command, int argc, char **argv);

#endif
