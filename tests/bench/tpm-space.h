/*
 * What /dev/tpmrm0 does (drivers/char/tpm/tpm2-space.c of Linux): each client has a space of its own, whose
 * objects and sessions are loaded into the TPM before each of its commands and taken out again after it.
 * Transient handles are virtual. So the commands that a chip executes behind the kernel can be counted where
 * there is no kernel driver.
 */
#ifndef BENCH_TPM_SPACE_H
#define BENCH_TPM_SPACE_H

#include <sys/types.h>

#include "tpm-chip.h"

#define TPM_SPACE_SLOTS 3 /* objects, and sessions, as in the kernel */

struct tpm_space_slot {
    uint32_t handle;            /* in the TPM while a command runs; 0: free */
    struct tpm_message context; /* the ContextLoad command that brings it back */
};

struct tpm_space {
    pid_t pid;
    struct tpm_space_slot objects[TPM_SPACE_SLOTS];
    struct tpm_space_slot sessions[TPM_SPACE_SLOTS];
};

/* Runs one command of the space's client. False when the TPM cannot be reached. */
bool tpm_space_execute(struct tpm_space *space, struct tpm_chip *chip, struct tpm_message *command,
                       struct tpm_message *ret_response);

/* The client has closed: its sessions leave the TPM; its saved objects are nothing but memory. */
void tpm_space_close(struct tpm_space *space, struct tpm_chip *chip);

#endif
