/*
 * enroll/output: output to the terminal and the log. Called by the commands.
 *
 * Progress goes to stderr: on a terminal one line a step that shows its state and time while it runs, under
 * systemd one line a step with its level, elsewhere one plain line a step. Results go to stdout: text or JSON
 * (report.h).
 */
#ifndef ENROLL_TERMINAL_H
#define ENROLL_TERMINAL_H

#include <stdbool.h>

#include "credential.h"
#include "error.h"
#include "protocol.h"

struct terminal;

/* Its shape follows from stderr, TERM, NO_COLOR and JOURNAL_STREAM. NULL: out of memory. */
struct terminal *terminal_new(bool verbose) __attribute__((warn_unused_result));
/* Ends a line that is under way and frees it. NULL is allowed. */
void terminal_free(struct terminal *terminal);

/* Whether stdin and stderr are terminals. */
bool terminal_is_interactive(const struct terminal *terminal);
/* Whether stderr shows moving lines. */
bool terminal_is_live(const struct terminal *terminal);

/* Whose steps are numbered and named from now on. */
void terminal_protocol_set(struct terminal *terminal, const struct protocol *protocol);
/* Progress of a step, as protocol.h has it. */
void terminal_progress(struct terminal *terminal, unsigned step, enum progress_state state, const char *text);
/* A line that belongs to no step. */
void terminal_say(struct terminal *terminal, const char *text);
void terminal_warn(struct terminal *terminal, const char *text);
/* The message of an error: the step, what failed and why, the server's words, what to do next. */
void terminal_error(struct terminal *terminal, const struct enroll_error *error);

/* Yes or no; false without a terminal, at end of input, or when cancelled. */
bool terminal_confirm(struct terminal *terminal, const char *question);
/* A secret without echo, at most 1023 bytes, malloc()ed; NULL as above. The caller wipes it. */
char *terminal_ask_secret(struct terminal *terminal, const char *prompt) __attribute__((warn_unused_result));
/* A line with echo, at most 128 KiB, malloc()ed; NULL as above. */
char *terminal_ask_line(struct terminal *terminal, const char *prompt) __attribute__((warn_unused_result));
/* Whether a line was typed without a prompt; it is discarded. */
bool terminal_entered(const struct terminal *terminal);
/* Code and address to sign in with, and the time left; called again each second. */
void terminal_instruction(struct terminal *terminal, const struct credential_instruction *instruction);

#endif
