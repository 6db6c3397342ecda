/* What a service asks of the key and the request: the blueprint of the certificate. */
#ifndef ENROLL_DEVICE_KEY_REQUIREMENTS_H
#define ENROLL_DEVICE_KEY_REQUIREMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tpm.h"

#define REQUIREMENTS_EXTENSIONS_MAX 16
#define REQUIREMENTS_WARNINGS_MAX   8

/* An extension that is to be in the request. */
struct requested_extension {
    char *oid; /* dotted */
    bool critical;
    uint8_t *value; /* DER of the extension's value */
    size_t size;
};

/* Strings are owned. */
struct certificate_requirements {
    bool from_policy; /* false: the service gave no usable policy, these are the defaults */
    enum tpm_key_type key_type;
    unsigned minimum_bits;     /* at least 2048 for RSA */
    enum tpm_curve curve;      /* EC */
    enum tpm_hash hash;        /* never SHA-1 */
    char *policy_id;           /* may be NULL */
    char *policy_name;         /* friendly name, may be NULL */
    uint64_t validity_seconds; /* 0: not said */
    uint64_t renewal_seconds;  /* 0: not said */
    size_t extension_count;
    struct requested_extension extensions[REQUIREMENTS_EXTENSIONS_MAX];
    size_t warning_count;
    char *warnings[REQUIREMENTS_WARNINGS_MAX]; /* what was odd in the answer, for people */
};

/* RSA 2048 with SHA-256, from_policy false. */
void certificate_requirements_default(struct certificate_requirements *ret_requirements);

/* Frees what it holds, not itself; leaves the defaults. */
void certificate_requirements_free(struct certificate_requirements *requirements);

#endif
