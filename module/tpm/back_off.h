/* Waiting in growing, random steps until a time limit. A leaf. */
#ifndef INTUNE_TPM_BACK_OFF_H
#define INTUNE_TPM_BACK_OFF_H

#include <stdbool.h>
#include <time.h>

/* Starts as {0}. */
struct tpm_back_off {
    struct timespec deadline;
    unsigned milliseconds; /* since the first wait began */
    unsigned step_microseconds;
};

/* Sleeps for one step; false when `timeout_seconds` (0: 20) are over. */
bool tpm_back_off_wait(struct tpm_back_off *back_off, unsigned timeout_seconds)
    __attribute__((warn_unused_result));

#endif
