/*
 * The chip behind the proxy: a software TPM that answers no sooner than a real one would, and the record of
 * every command that reaches it. One command at a time, as a TPM is; the caller holds the lock of the whole
 * proxy.
 */
#ifndef BENCH_TPM_CHIP_H
#define BENCH_TPM_CHIP_H

#include <stdio.h>
#include <sys/types.h>

#include "tpm-wire.h"

struct tpm_figures; /* how long a real chip takes */

enum tpm_origin { ORIGIN_SENT, ORIGIN_MANAGER };

struct tpm_chip {
    const char *socket;                /* the software TPM's */
    const struct tpm_figures *figures; /* NULL: as fast as it goes */
    FILE *record; /* NULL: none. A line: pid, program, "sent" or "manager", command, response code */
};

/* NULL when no chip has this name. */
const struct tpm_figures *tpm_figures_find(const char *name);
/* The names, for a message. */
void tpm_figures_list(FILE *stream);

/* Sends a command to the chip for `pid` and waits for its answer. False when the software TPM cannot be
 * reached. */
bool tpm_chip_transmit(struct tpm_chip *chip, pid_t pid, enum tpm_origin origin,
                       const struct tpm_message *command, struct tpm_message *ret_response);

/* Records a command that the resource manager refused itself. */
void tpm_chip_record(struct tpm_chip *chip, pid_t pid, enum tpm_origin origin, uint32_t command_code,
                     uint32_t response_code);

#endif
