/* One command: its bytes, its authorization, its answer (TPM 2.0 part 1, 18). */
#ifndef INTUNE_TPM_COMMAND_H
#define INTUNE_TPM_COMMAND_H

#include "context.h"
#include "public_area.h"
#include "wire.h"

#define TPM_COMMAND_HANDLES 3
#define TPM_PARAMETERS_MAX  3200 /* two blobs and a digest */

struct tpm_session;

enum tpm_authorization {
    TPM_AUTHORIZATION_NONE,
    TPM_AUTHORIZATION_EMPTY,   /* a password session with the empty value */
    TPM_AUTHORIZATION_SESSION, /* an HMAC session, closed by the command's success */
};

struct tpm_command {
    uint32_t code;
    enum tpm_authorization authorization; /* of the first handle */
    bool returns_handle;
    size_t handle_count;
    uint32_t handles[TPM_COMMAND_HANDLES];
    /* For TPM_AUTHORIZATION_SESSION only: */
    uint8_t names[TPM_COMMAND_HANDLES][TPM_NAME_SIZE];
    struct tpm_session *session;
    const struct tpm_auth *auth; /* of the first handle, NULL for the empty value */
    bool encrypts;               /* the first parameter, a TPM2B, is encrypted */

    struct tpm_writer parameters; /* written into `bytes` */
    uint8_t bytes[TPM_PARAMETERS_MAX];
};

struct tpm_response {
    uint32_t handle;              /* where the command returns one */
    struct tpm_reader parameters; /* inside `bytes` */
    uint8_t bytes[TPM_MESSAGE_MAX];
};

/* An empty command on one to three handles; `handles` ends with a 0 where there are fewer. */
void tpm_command_begin(struct tpm_command *command, uint32_t code, enum tpm_authorization authorization,
                       const uint32_t handles[TPM_COMMAND_HANDLES]);
/*
 * Sends it and takes the answer apart; the parameters in a command with a session are wiped. TPM_RC_RETRY and
 * its like are waited for here. Every success with an HMAC session had its answer's HMAC checked. Returns
 * TPM2_RC_SUCCESS, the TPM's code or a LOCAL_RC.
 */
uint32_t tpm_command_run(struct tpm *tpm, struct tpm_command *command, struct tpm_response *ret_response)
    __attribute__((warn_unused_result));

#endif
