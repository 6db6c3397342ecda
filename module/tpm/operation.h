/*
 * What surrounds the commands of one call: cleaning up after them, recovery, waiting, and the one place where
 * a response code becomes a status.
 */
#ifndef INTUNE_TPM_OPERATION_H
#define INTUNE_TPM_OPERATION_H

#include <time.h>

#include "context.h"

/* The commands of one call. It may be run again from its beginning. Whatever it remembers is flushed after
 * it. */
typedef uint32_t (*tpm_operation)(struct tpm *tpm, void *context);

/*
 * Runs it: again, once, after a reset of the TPM or a lost connection, and for up to 20 seconds while the
 * TPM's memory is full or its device is somebody else's.
 */
enum tpm_status tpm_operation_run(struct tpm *tpm, tpm_operation operation, void *context)
    __attribute__((warn_unused_result));

/* An object or session was loaded: it is flushed at the end of the call, the last one first. */
void tpm_objects_remember(struct tpm *tpm, uint32_t handle);
/* It is not there any more. */
void tpm_objects_forget(struct tpm *tpm, uint32_t handle);
/* Flushes one of them now. */
void tpm_object_flush(struct tpm *tpm, uint32_t handle);
/* Flushes all of them now. */
void tpm_objects_flush(struct tpm *tpm);

/* Waiting in growing, random steps, up to the timeout of the running call. Starts as {0}. */
struct tpm_back_off {
    struct timespec deadline;
    unsigned milliseconds; /* since the first wait began */
    unsigned step_microseconds;
};
/* Sleeps; false when the time is over. */
bool tpm_back_off_wait(const struct tpm *tpm, struct tpm_back_off *back_off)
    __attribute__((warn_unused_result));

#endif
