/* MS-XCEP GetPolicies: the blueprint of the certificate. Pure functions: bytes to struct and struct to bytes. */
#ifndef ENROLL_MDE_POLICIES_H
#define ENROLL_MDE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tpm.h"

#define POLICY_EXTENSIONS_MAX 16
#define POLICY_WARNINGS_MAX 8

/* An extension the policy wants in the request. */
struct policy_extension {
    char *oid;          /* dotted */
    bool critical;
    uint8_t *value;     /* DER of the extension's value */
    size_t size;
};

/* What the policy comes down to for the key and the request. Defaults: RSA 2048, SHA-256. */
struct certificate_requirements {
    bool from_policy;             /* false: the server gave no usable policy, these are the defaults */
    enum tpm_key_type key_type;
    unsigned minimum_bits;        /* at least 2048 for RSA */
    enum tpm_curve curve;         /* EC */
    enum tpm_hash hash;           /* never SHA-1 */
    char *policy_id;              /* may be NULL */
    char *policy_name;            /* friendly name, may be NULL */
    uint64_t validity_seconds;    /* 0: not said */
    uint64_t renewal_seconds;     /* 0: not said */
    size_t extension_count;
    struct policy_extension extensions[POLICY_EXTENSIONS_MAX];
    size_t warning_count;
    char *warnings[POLICY_WARNINGS_MAX]; /* what was odd in the answer, for people */
};

void certificate_requirements_free(struct certificate_requirements *requirements);

#endif
