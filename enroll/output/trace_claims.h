/* What of a token and of a token service's JSON may be shown. Pure; private to enroll/output. */
#ifndef ENROLL_TRACE_CLAIMS_H
#define ENROLL_TRACE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

struct trace_secrets;

/* One or more lines about a token: the claims of a JWT for identity and validity, else its length. free()
 * it. */
char *trace_claims_describe(const char *token);

/*
 * JSON set in lines, the strings of secret members replaced (a JWT by its claims) and remembered. NULL when
 * it is no JSON. free() it.
 */
char *trace_json_format(const char *json, size_t size, bool (*is_secret)(const char *name, size_t size),
                        void (*remember)(struct trace_secrets *secrets, const char *value),
                        struct trace_secrets *secrets);

#endif
