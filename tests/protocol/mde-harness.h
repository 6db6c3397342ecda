/*
 * A real mde-server process for the protocol tests, and one run of the flow against it. The key here is in
 * software: these tests are about messages; tests/faults and tests/demo run the whole helper with a TPM.
 */
#ifndef TESTS_PROTOCOL_MDE_HARNESS_H
#define TESTS_PROTOCOL_MDE_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "attempt.h"
#include "credential.h"
#include "flow.h"
#include "issued_certificate.h"
#include "https_client.h"
#include "profile.h"

#define HARNESS_HOST     "EnterpriseEnrollment.contoso.test"
#define HARNESS_ADDRESS  "alice@contoso.test"
#define HARNESS_TOKEN    "given-token-4711"
#define HARNESS_PASSWORD "correct horse battery"

/* Makes a directory for all servers of this program, with token and password files in it; removed at exit. */
const char *harness_directory(void);
/* A path in it; static, valid until the third next call. */
const char *harness_path(const char *name);

struct mde_server {
    pid_t pid;
    unsigned port;
    char address[24]; /* of loopback; this program's own where port 443 can be had there, so that names alone
                         lead to it */
};

/* arguments: NULL-terminated, after --directory and --listen; may be NULL. Fails the test when it does not
 * start. */
void mde_server_start(struct mde_server *server, const char *const *arguments);
void mde_server_stop(struct mde_server *server);

/* What a run needs and gave. */
struct harness_run {
    const char *address; /* NULL with discovery_url */
    const char *discovery_url;
    const char *request_version;
    const char *accept_redirects[4];
    unsigned timeout; /* 0: 20 s */
    bool say_yes;     /* to every question */
    bool stop_after_policy;
    enum tpm_key_type force_type;   /* 0: as the policy says */
    EVP_PKEY *key;                  /* that asks; NULL: one in software. Not owned */
    struct credential_options auth; /* with HARNESS_TOKEN's file, unless changed */
    const char *token_type;         /* NULL: the default */
    struct device_profile *profile; /* NULL: this machine's */
    void (*observe)(void *context, const struct https_exchange *exchange);
    void (*observe_progress)(void *context, unsigned step, enum progress_state state, const char *text);
    void *observe_context; /* of both */
    /* outcome */
    enum enroll_exit status;
    struct flow_result result;
    struct enroll_error error;
    unsigned questions;
    char question[512]; /* the last one */
    char notes[4096];   /* what progress said: notes and warnings, a line each */
    unsigned requests_made;
};

void harness_run_init(struct harness_run *run);
/* A discovery URL of the running server by name. */
const char *harness_discovery_url(const struct mde_server *server, const char *host);
/* The five steps against the server. */
void harness_enroll(struct harness_run *run, const struct mde_server *server);
void harness_resume(struct harness_run *run, const struct mde_server *server,
                    const struct flow_pending *pending);
void harness_renew(struct harness_run *run, const struct mde_server *server,
                   const struct flow_renewal *renewal);
/* Which certificate came for the key of the last request. */
enum enroll_exit harness_issued(const struct harness_run *run, struct issued_certificate *ret_issued,
                                struct enroll_error *ret_error);
/* What the page of a trace needs: the record, and as generation `issued` alone. Cleared with
 * attempt_outcome_clear(). */
void harness_outcome(const struct issued_certificate *issued, struct attempt_outcome *ret_outcome);
void harness_run_clear(struct harness_run *run);

/* Whether some file in the server's received/ whose name ends with `end` holds `text`; how many files end so.
 */
unsigned harness_received(const char *end, const char *text);
void harness_received_forget(void);

#endif
