/* What happened, in order, as trace.c gathers it and trace_page.c draws it. Private to enroll/output. */
#ifndef ENROLL_TRACE_EVENTS_H
#define ENROLL_TRACE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "attempt.h"
#include "trace_redact.h"

#define TRACE_EVENTS_MAX 512

enum trace_event_kind { EVENT_EXCHANGE, EVENT_TPM, EVENT_NOTE, EVENT_WARNING, EVENT_FAILURE };

struct trace_event {
    enum trace_event_kind kind;
    unsigned step;
    double at;      /* seconds since the trace began */
    double seconds; /* how long it took; exchanges and the TPM */
    char *name;     /* "Discover", or the words of a note */
    /* of an exchange */
    unsigned number; /* of its files */
    char *url;
    long status;    /* 0: no answer */
    char *failure;  /* why, or NULL */
    char *location; /* of a redirect, or NULL */
    char tls[16];
    bool client_certificate;
    bool post;
    size_t request_size, response_size;
    struct trace_text request, response; /* text NULL: none */
};

/* What came of it all; strings may be NULL. */
struct trace_outcome {
    bool known;
    char *facts[16][2]; /* what and its value */
    size_t fact_count;
    char *policy[16][2];
    size_t policy_count;
    char *certificate[16][2];
    size_t certificate_count;
    char *failure;
    char *advice;
};

struct trace_page {
    const struct protocol *protocol; /* NULL: none was chosen */
    const struct trace_event *events;
    size_t event_count;
    double began; /* seconds since the epoch */
    const struct trace_outcome *outcome;
};

/* The self-contained page; malloc()ed, NULL: out of memory. */
char *trace_page_write(const struct trace_page *page, size_t *ret_size);

/* Its style sheet, in pieces; NULL-terminated. */
extern const char *const trace_page_style[];

/* Fills in the outcome. Strings are copied; what was there is freed. */
void trace_outcome_fill(struct trace_outcome *outcome, const struct protocol *protocol,
                        const struct attempt_outcome *attempt, const struct enroll_error *error);
void trace_outcome_clear(struct trace_outcome *outcome);

#endif
