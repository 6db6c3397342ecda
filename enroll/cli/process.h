/* This process: no core dump, nothing for a debugger, and signals that end it in order. */
#ifndef ENROLL_PROCESS_H
#define ENROLL_PROCESS_H

#include <stdbool.h>

/* Before any secret is read: not dumpable (prctl(2)), no core (setrlimit(2)), umask 022, stdin, stdout,
 * stderr open. */
void process_protect(void);

/*
 * SIGINT, SIGTERM and SIGHUP from now on only set what process_cancelled() returns, and end a system call
 * that waits. A second one ends the process at once; what that leaves is for the next run to set right.
 */
void process_signals_catch(void);

/* For the `cancelled` callbacks; the context is not used. */
bool process_cancelled(void *context);

#endif
