/*
 * The descriptor of a credential source. To add a source: a file that defines one, a line in sources.c, the
 * file in meson.build, and its options in intune-enroll(8). Private to enroll/credential.
 */
#ifndef ENROLL_CREDENTIAL_SOURCE_H
#define ENROLL_CREDENTIAL_SOURCE_H

#include "credential.h"

#define SOURCE_OPTIONS_MAX 8

struct credential_source {
    const char *name; /* of --auth, and in "authentication by %s" */
    unsigned kinds;   /* set of enum credential_kind: the services that it serves */
    /* Wins over the automatic choice when `needs` is given. */
    bool explicit_only;
    const struct setting *needs; /* without it the source cannot work; NULL: none */
    bool client_id_suffices;     /* the request's client_id is as good as `needs` */
    const struct setting *options[SOURCE_OPTIONS_MAX + 1];
    /* Whether these options can be used with the source; NULL: when `needs` is given. */
    bool (*offers)(const struct credential_options *options);
    /* Why the source suits the request, NULL if it does not. Called when it offers; NULL: always. */
    const char *(*suits)(const struct credential_options *options, const struct credential_request *request);
    /* Fills in kind and members of *ret_credential; after a failure the caller frees what is in it. */
    enum enroll_exit (*obtain)(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error);
};

/* NULL-terminated, in the order of preference. */
extern const struct credential_source *const credential_sources[];

/* An option's value, NULL when it was not given. */
const char *credential_option_value(const struct credential_options *options, const struct setting *option);
/* The same of a number, already checked by whoever set it; `unset` when it was not given. */
unsigned credential_option_number(const struct credential_options *options, const struct setting *option,
                                  unsigned unset);

#endif
