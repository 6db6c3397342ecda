/* Which key to make: what the policy asks for, what the operator asks for, what this TPM can do. */
#ifndef ENROLL_INSTALL_KEY_CHOICE_H
#define ENROLL_INSTALL_KEY_CHOICE_H

#include "error.h"
#include "issuance.h"
#include "requirements.h"
#include "tpm.h"

/*
 * ENROLL_POLICY: the operator's key is not what the policy allows, or the TPM cannot make what it takes (said
 * with both numbers).
 */
enum enroll_exit key_choice_decide(const struct issuance_key_choice *choice,
                                   const struct certificate_requirements *requirements,
                                   const struct tpm_facts *facts, struct tpm_key_request *ret_request,
                                   struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
