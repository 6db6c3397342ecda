/*
 * Salted HMAC sessions with SHA-256 and AES-128-CFB (TPM 2.0 part 1, 19.6 and 21): the authorization that
 * goes with a command and comes with its response. session_start.h starts one.
 */
#ifndef INTUNE_TPM_SESSION_H
#define INTUNE_TPM_SESSION_H

#include <tss2/tss2_sys.h>

#include "context.h"
#include "primitives.h"
#include "wire.h"

#define TPM_COMMAND_HANDLES 2
#define TPM_NONCE_MAX       64

struct tpm_session {
    uint32_t handle;
    uint8_t key[TPM_SHA256_SIZE];
    uint8_t nonce_tpm[TPM_NONCE_MAX];
    size_t nonce_tpm_size;
    uint8_t nonce_caller[TPM_SHA256_SIZE];
};

/* One command that a session authorizes. */
struct tpm_session_use {
    struct tpm_session *session;
    const struct tpm_auth *auth; /* of the first handle, NULL for the empty value */
    uint32_t code;               /* of the command */
    size_t handle_count;
    uint8_t names[TPM_COMMAND_HANDLES][TPM_NAME_SIZE]; /* of the objects at the handles */
    bool encrypts;                                     /* the first parameter, a TPM2B */
};

/* Draws the nonce of the next command. Comes before the other two. */
uint32_t tpm_session_nonce_renew(struct tpm_session *session) __attribute__((warn_unused_result));
/* Encrypts the content of the first parameter, in place (part 1, 21.3). */
void tpm_session_encrypt(const struct tpm_session_use *use, uint8_t *content, size_t size);
/* The command's authorization; parameters as they are sent, `size` bytes. */
void tpm_session_authorize(const struct tpm_session_use *use, const uint8_t *parameters, size_t size,
                           TPMS_AUTH_COMMAND *ret_authorization);
/* Checks the authorization of a successful response; parameters as they arrived. */
uint32_t tpm_session_check(const struct tpm_session_use *use, const uint8_t *parameters, size_t size,
                           struct tpm_reader *authorization) __attribute__((warn_unused_result));

#endif
