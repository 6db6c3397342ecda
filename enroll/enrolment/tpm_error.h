/* What failed in the TPM, in words. */
#ifndef ENROLL_ENROLMENT_TPM_ERROR_H
#define ENROLL_ENROLMENT_TPM_ERROR_H

#include "error.h"
#include "tpm.h"

/* "what: why", with advice for that status. Returns ENROLL_TPM. */
enum enroll_exit install_tpm_error(struct enroll_error *error, struct tpm *tpm, enum tpm_status status,
                                   const char *what);

#endif
