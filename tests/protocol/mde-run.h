/* The one server and the one run at a time of a test program, and what most tests expect of them. */
#ifndef TESTS_PROTOCOL_MDE_RUN_H
#define TESTS_PROTOCOL_MDE_RUN_H

#include "mde-harness.h"

extern struct mde_server server;
extern struct harness_run run;

/*
 * Starts the server, which knows HARNESS_TOKEN, with these arguments (NULL-terminated; NULL: none), and makes
 * the run ready: discovery by URL, with that token.
 */
void run_begin(const char *const *arguments);
/* The same with a Federated server, and without a token: the test says how to come by one. */
void run_begin_federated(const char *const *arguments);
/* As a teardown of cmocka. */
int run_end(void **state);

/* The run gave a certificate. */
void run_expect_enrolled(void);
/* The run ended at the security token, with these words in the message; no key was made. */
void run_expect_no_token(enum enroll_exit exit_status, const char *words);

#endif
