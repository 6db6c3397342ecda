/*
 * What surrounds the commands of one call: cleaning up after them, recovery, waiting, and the one place where
 * a response code becomes a status.
 */
#ifndef INTUNE_TPM_OPERATION_H
#define INTUNE_TPM_OPERATION_H

#include "context.h"

/* The commands of one call. It may be run again from its beginning. Whatever it remembers is flushed after
 * it. */
typedef uint32_t (*tpm_operation)(struct tpm *tpm, void *context);

/*
 * Runs it: again, once, after a reset of the TPM or a lost connection, and for up to 20 seconds while the
 * TPM's memory is full or its device is in use by another process. function: of include/tpm.h, for
 * tpm_failure_describe(). key: whose copies may be flushed where a TPM without a resource manager stays full;
 * or NULL.
 */
enum tpm_status tpm_operation_run(struct tpm *tpm, const char *function, const struct tpm_key *key,
                                  tpm_operation operation, void *context) __attribute__((warn_unused_result));

/* A call that fails without an operation. Returns the status of `rc`, which is not success. */
enum tpm_status tpm_operation_refuse(struct tpm *tpm, const char *function, uint32_t rc)
    __attribute__((warn_unused_result));

#endif
