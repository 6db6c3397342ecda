/*
 * `--trace DIR` writes every message of a run, numbered and pretty-printed with each secret cut
 * out, and flow.html, a self-contained page that draws the sequence. Fed by the observer of https_client.h
 * and by the progress of the flow; called by the commands.
 */
#ifndef ENROLL_TRACE_H
#define ENROLL_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "attempt.h"
#include "error.h"
#include "https_client.h"

struct trace;

/* Makes the directory (mode 0700) if it is not there; it must be empty of another trace. Errors:
 * ENROLL_CONFIGURATION. */
enum enroll_exit trace_new(const char *directory, struct trace **ret_trace, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* For client_options.observe, with the trace as context. */
void trace_observe(void *trace, const struct https_exchange *exchange);

/* The progress of the flow, to be called beside the terminal's; draws what happens in the TPM and notes. */
void trace_progress(struct trace *trace, unsigned step, enum progress_state state, const char *text);

/* Whose steps and peers the page shows. */
void trace_protocol_set(struct trace *trace, const struct protocol *protocol);

/* What came of it: either may be NULL. */
void trace_outcome(struct trace *trace, const struct attempt_outcome *outcome,
                   const struct enroll_error *error);

/* Writes flow.html and frees the trace. Errors: ENROLL_CONFIGURATION (what could not be written, also earlier
 * on). */
enum enroll_exit trace_close(struct trace *trace, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

#endif
