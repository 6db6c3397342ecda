/*
 * Salted HMAC sessions with SHA-256 and AES-128-CFB (TPM 2.0 part 1, 19.6 and 21): the salt is agreed with
 * ECDH to a storage key that the caller knows, so that nobody on the bus can take the TPM's place or guess
 * the authorization value.
 */
#ifndef INTUNE_TPM_SESSION_H
#define INTUNE_TPM_SESSION_H

#include "command.h"
#include "context.h"
#include "primitives.h"

#define TPM_NONCE_MAX 64

struct tpm_session {
    uint32_t handle;
    uint8_t key[TPM_SHA256_SIZE];
    uint8_t nonce_tpm[TPM_NONCE_MAX];
    size_t nonce_tpm_size;
    uint8_t nonce_caller[TPM_SHA256_SIZE];
};

/*
 * Starts a session salted to the storage key at `parent`, whose public area is the caller's own record of it.
 * The session is flushed at the end of the call unless a command closes it. Callers wipe *ret_session.
 */
uint32_t tpm_session_start(struct tpm *tpm, uint32_t parent, const struct tpm_public_key *parent_public,
                           struct tpm_session *ret_session) __attribute__((warn_unused_result));

/*
 * For tpm_command_run(): encrypts the first parameter if the command wants it and writes the command's
 * authorization. parameters are those of the command, `size` bytes.
 */
uint32_t tpm_session_authorize(const struct tpm_command *command, uint8_t *parameters, size_t size,
                               struct tpm_writer *ret_authorization) __attribute__((warn_unused_result));
/* Checks the authorization that came with a successful answer; parameters as they arrived. */
uint32_t tpm_session_check(const struct tpm_command *command, const uint8_t *parameters, size_t size,
                           struct tpm_reader *authorization) __attribute__((warn_unused_result));

#endif
