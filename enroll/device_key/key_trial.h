/* Whether the TPM signs with a token's key, found out by doing it. */
#ifndef ENROLL_INSTALL_KEY_TRIAL_H
#define ENROLL_INSTALL_KEY_TRIAL_H

#include "tpm.h"

/* Signs a random digest as an application would ask for it; the TPM interface verifies it. pin: NULL for a
 * key that has none. */
enum tpm_status key_trial(struct tpm *tpm, const struct tpm_key *key, const char *pin)
    __attribute__((warn_unused_result));

#endif
