/* Which key to make: what the policy asks for, what the operator asks for, what this TPM can do. */
#ifndef ENROLL_INSTALL_KEY_CHOICE_H
#define ENROLL_INSTALL_KEY_CHOICE_H

#include <stdbool.h>

#include "error.h"
#include "requirements.h"
#include "tpm.h"

/* A key that the operator asks for instead of the policy's default. */
struct key_choice {
    bool chosen;
    enum tpm_key_type type;
    unsigned bits;
    enum tpm_curve curve;
};
/* "rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521". False when it is none of these. */
bool key_choice_parse(const char *text, struct key_choice *ret_choice) __attribute__((warn_unused_result));

/*
 * ENROLL_POLICY: the operator's key is not what the policy allows, or the TPM cannot make what it takes (said
 * with both numbers).
 */
enum enroll_exit key_choice_decide(const struct key_choice *choice,
                                   const struct certificate_requirements *requirements,
                                   const struct tpm_facts *facts, struct tpm_key_request *ret_request,
                                   struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
