/*
 * One command: prepared by tss2-sys (Tss2_Sys_*_Prepare), authorized and sent here, its response checked here
 * (TPM 2.0 part 1, 18).
 *
 * The parameters of a response are taken from a reader that ends where the response ends, by wire.h or
 * tss2-mu, and not by Tss2_Sys_*_Complete: 3.2 takes the end of its buffer for the end of the response, and
 * goes on with what an earlier one left there.
 */
#ifndef INTUNE_TPM_COMMAND_H
#define INTUNE_TPM_COMMAND_H

#include <tss2/tss2_sys.h>

#include "context.h"
#include "hmac_session.h"
#include "wire.h"

enum tpm_authorization {
    TPM_AUTHORIZATION_NONE,
    TPM_AUTHORIZATION_EMPTY,   /* a password session with the empty value */
    TPM_AUTHORIZATION_SESSION, /* an HMAC session, closed by the command's success */
};

struct tpm_command {
    uint32_t code;
    enum tpm_authorization authorization; /* of the first handle */
    bool returns_handle;
    struct tpm_session_use
        session; /* for TPM_AUTHORIZATION_SESSION only; its code is set by tpm_command_run() */
};

struct tpm_response {
    uint32_t handle;              /* where the command returns one */
    struct tpm_reader parameters; /* inside the context: valid until the next command */
};

/* The context of tss2-sys for the next command; NULL, which Tss2_Sys_*_Prepare refuse, when out of memory. */
TSS2_SYS_CONTEXT *tpm_command_begin(struct tpm *tpm) __attribute__((warn_unused_result));

/*
 * Sends the prepared command; `prepared` is what Tss2_Sys_*_Prepare returned. TPM_RC_RETRY and its like are
 * waited for. After success with an HMAC session, the response's HMAC was checked. Returns TPM2_RC_SUCCESS,
 * the TPM's code or a LOCAL_RC; the failure is remembered for tpm_failure_describe().
 */
uint32_t tpm_command_run(struct tpm *tpm, TSS2_RC prepared, const struct tpm_command *command,
                         struct tpm_response *ret_response) __attribute__((warn_unused_result));

#endif
