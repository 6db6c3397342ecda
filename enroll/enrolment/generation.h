/*
 * Writing generations. At every instant `current` leads to one complete generation, or there is none;
 * everything else in the directory is either the generation before or left over from a run that was
 * interrupted.
 */
#ifndef ENROLL_INSTALL_GENERATION_H
#define ENROLL_INSTALL_GENERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "directory.h"
#include "enrollment.h"
#include "error.h"
#include "token_directory.h"
#include "tpm.h"

/* Writes generations/N, N one above the highest there, whole and synced. Nothing leads to it yet. */
enum enroll_exit install_generation_write(const struct install_directory *directory,
                                          const struct token_generation *generation,
                                          unsigned long *ret_number, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* Makes `current` lead to generations/N in one step: a link beside it, then rename(2), then fsync(2). */
enum enroll_exit install_generation_switch(const struct install_directory *directory, unsigned long number,
                                           struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* What `current` leads to; 0 when there is none or it is not of our form. */
unsigned long install_generation_current(const struct install_directory *directory);

/*
 * pending/: the key of an enrolment under way, durable before the key is made resident, so that a later run
 * can find a key that this one left in the TPM. A token directory without certificate, with enrollment.conf
 * in it.
 */
enum enroll_exit install_pending_write(const struct install_directory *directory,
                                       const struct token_generation *generation, const struct record *record,
                                       struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* Replaces pending/enrollment.conf. */
enum enroll_exit install_pending_update(const struct install_directory *directory,
                                        const struct record *record, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));
/* The path of pending/ for the readers of token directories; `size` bytes. False when it does not fit. */
bool install_pending_path(const struct install_directory *directory, char *ret_path, size_t size)
    __attribute__((warn_unused_result));
/* Moves pending/enrollment.conf to its place, once `current` leads to the new generation, and removes
 * pending/. */
enum enroll_exit install_pending_finish(const struct install_directory *directory,
                                        struct enroll_error *ret_error) __attribute__((warn_unused_result));
/* 0, or -1 with errno. */
int install_pending_discard(const struct install_directory *directory) __attribute__((warn_unused_result));
/* Whether pending/ holds a request that the server has not decided; then *ret_record is the caller's. */
bool install_pending_undecided(const struct install_directory *directory, struct record *ret_record);

/* Whether a run left pending/ behind, or one is under way. */
bool install_pending_exists(int directory_fd);

/*
 * Completes what a run that was killed between the switch of `current` and the record of the enrolment left:
 * the record that goes with the current generation. To be called before anything reads the record; nothing is
 * asked of the TPM.
 */
enum enroll_exit install_switch_complete(const struct install_directory *directory,
                                         struct enroll_error *ret_error) __attribute__((warn_unused_result));

struct install_recovery {
    size_t evicted; /* keys taken out of the TPM */
    size_t removed; /* directories and files */
    bool finished;  /* a switch that had been made was completed */
};

enum install_recover_flag {
    RECOVER_KEEP_PENDING = 1, /* a request that the server has not decided stays */
    RECOVER_NO_PREVIOUS = 2,  /* nor does the generation before the current one stay */
};

/*
 * Sets right what an interrupted run left: a key in the TPM that is not the current generation's (recognised
 * by the public keys recorded in pending/ and in the generations), half-written generations, links and files.
 * The generation before the current one stays, without its place in the TPM. flags: of install_recover_flag.
 */
enum enroll_exit install_recover(const struct install_directory *directory, struct tpm *tpm, unsigned flags,
                                 struct install_recovery *ret_recovery, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/*
 * Takes everything out: the keys from the TPM, every file of ours from the directory, which itself stays. tpm
 * NULL: the TPM is gone, the files alone.
 */
enum enroll_exit install_remove_all(const struct install_directory *directory, struct tpm *tpm,
                                    struct install_recovery *ret_recovery, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

#endif
