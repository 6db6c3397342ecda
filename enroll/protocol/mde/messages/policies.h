/* MS-XCEP GetPolicies: the blueprint of the certificate. Pure functions: bytes to struct and struct to bytes.
 */
#ifndef ENROLL_MDE_POLICIES_H
#define ENROLL_MDE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "soap.h"
#include "tpm.h"

#define GET_POLICIES_ACTION                                                                                  \
    "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies"

#define POLICY_EXTENSIONS_MAX 16
#define POLICY_WARNINGS_MAX   8

/* An extension the policy wants in the request. */
struct policy_extension {
    char *oid; /* dotted */
    bool critical;
    uint8_t *value; /* DER of the extension's value */
    size_t size;
};

/* What the policy comes down to for the key and the request. Defaults: RSA 2048, SHA-256. */
struct certificate_requirements {
    bool from_policy; /* false: the server gave no usable policy, these are the defaults */
    enum tpm_key_type key_type;
    unsigned minimum_bits;     /* at least 2048 for RSA */
    enum tpm_curve curve;      /* EC */
    enum tpm_hash hash;        /* never SHA-1 */
    char *policy_id;           /* may be NULL */
    char *policy_name;         /* friendly name, may be NULL */
    uint64_t validity_seconds; /* 0: not said */
    uint64_t renewal_seconds;  /* 0: not said */
    size_t extension_count;
    struct policy_extension extensions[POLICY_EXTENSIONS_MAX];
    size_t warning_count;
    char *warnings[POLICY_WARNINGS_MAX]; /* what was odd in the answer, for people */
};

/* RSA 2048 with SHA-256, from_policy false. */
void certificate_requirements_default(struct certificate_requirements *ret_requirements);

/* Frees what it holds, not itself; leaves the defaults. */
void certificate_requirements_free(struct certificate_requirements *requirements);

/* Appends the whole GetPolicies message. tpm_manufacturer and tpm_firmware: both NULL, or what the TPM says
 * of itself. */
void policies_request_write(struct xml_text *text, const char *message_id, const char *to,
                            const struct soap_security *security, const char *tpm_manufacturer,
                            const char *tpm_firmware);

/*
 * Reads GetPoliciesResponse (MS-XCEP 3.1.4.1.3). Errors: ENROLL_NOT_MDE (it is no such response),
 * ENROLL_POLICY (it asks for what cannot be done: key archival, an RA's signature, an unknown key algorithm,
 * or nobody may enrol).
 */
enum enroll_exit policies_response_parse(const struct soap_reply *reply,
                                         struct certificate_requirements *ret_requirements,
                                         struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
