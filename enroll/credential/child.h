/*
 * A command that the operator names, while it runs: in a process group of its own, so that it ends with all
 * that it started, its output in a pipe, its time limited. Private to enroll/credential.
 */
#ifndef ENROLL_CREDENTIAL_CHILD_H
#define ENROLL_CREDENTIAL_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum child_end {
    CHILD_ENDED,     /* by itself, or by a signal that was not ours */
    CHILD_LATE,      /* by us: the time was over */
    CHILD_CANCELLED, /* by us, or by the interrupt key */
};

struct child {
    pid_t pid;
    int output;    /* to read from, not blocking; -1 when closed */
    int terminal;  /* that was handed to it, as a shell does it for a job in the foreground; -1: none */
    int64_t limit; /* milliseconds of CLOCK_MONOTONIC */
    enum child_end end;
    bool (*cancelled)(void *context); /* or NULL */
    void *context;
};

/*
 * Starts words[0], looked for in PATH, without a shell; fills in all but `cancelled` and `context`, which are
 * the caller's. 0, or an errno. A child that was started has to be waited for with child_wait().
 */
int child_start(char *const words[], unsigned seconds, struct child *child)
    __attribute__((warn_unused_result));

/* Waits for output; false when the time is over or the run was cancelled: ->end says which. */
bool child_output_wait(void *child) __attribute__((warn_unused_result));

/*
 * Closes the output and waits for the end; what is too late or cancelled is ended with its whole group, with
 * SIGTERM and soon after SIGKILL. *ret_state is waitpid()'s.
 */
enum child_end child_wait(struct child *child, int *ret_state) __attribute__((warn_unused_result));

#endif
