/*
 * A message as people may see it: pretty-printed, with every secret cut out. Pure; private to enroll/output.
 *
 * Passwords and security tokens go by the names of their elements, members and fields; whatever was
 * recognised as a secret once is then cut out wherever it turns up again, for servers do echo. A token shows
 * as the claims that name user, tenant, device and expiry, never its signature.
 */
#ifndef ENROLL_TRACE_REDACT_H
#define ENROLL_TRACE_REDACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_SECRETS_MAX 32

/* The secrets seen so far; starts as {0}; wiped by trace_secrets_clear(). */
struct trace_secrets {
    char *values[TRACE_SECRETS_MAX];
    size_t count;
};
void trace_secrets_clear(struct trace_secrets *secrets);

/* A message without its secrets. free() both. */
struct trace_text {
    char *text;            /* never NULL on success */
    const char *extension; /* "xml", "json", "txt" */
    char *document;        /* the provisioning document that came in it, or NULL */
};

/* content_type may be NULL. What is neither XML, JSON nor a form is only described. False when memory is out.
 */
bool trace_text_make(struct trace_secrets *secrets, const char *content_type, const uint8_t *bytes,
                     size_t size, struct trace_text *ret_text) __attribute__((warn_unused_result));
void trace_text_clear(struct trace_text *text);

/* Cuts the known secrets out of a text, in place. */
void trace_secrets_cut(const struct trace_secrets *secrets, char *text);

#endif
