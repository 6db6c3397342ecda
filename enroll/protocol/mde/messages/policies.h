/* MS-XCEP GetPolicies. Pure functions: bytes to struct and struct to bytes. */
#ifndef ENROLL_MDE_POLICIES_H
#define ENROLL_MDE_POLICIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "requirements.h"
#include "soap.h"

#define GET_POLICIES_ACTION                                                                                  \
    "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies"

/* Appends the whole GetPolicies message. tpm_manufacturer and tpm_firmware: both NULL, or what the TPM says
 * of itself. */
void policies_request_write(struct xml_text *text, const char *message_id, const char *to,
                            const struct soap_security *security, const char *tpm_manufacturer,
                            const char *tpm_firmware);

/*
 * Reads GetPoliciesResponse (MS-XCEP 3.1.4.1.3). Errors: ENROLL_PROTOCOL (it is no such response),
 * ENROLL_POLICY (it asks for what cannot be done: key archival, an RA's signature, an unknown key algorithm,
 * or nobody may enrol).
 */
enum enroll_exit policies_response_parse(const struct soap_reply *reply,
                                         struct certificate_requirements *ret_requirements,
                                         struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
