#include "operation.h"

#include <openssl/err.h>

#include "back_off.h"
#include "command.h"
#include "connection.h"
#include "key_reclaim.h"
#include "tpm_object.h"

#define RECLAIM_AFTER 3000 /* milliseconds; far longer than one call takes */

/* A simulator's firmware is whoever talks to it first; a second TPM2_Startup is refused and harmless. */
static void start_up(struct tpm *tpm)
{
    const struct tpm_command command = {.code = TPM2_CC_Startup};
    struct tpm_response response;
    TSS2_RC prepared = Tss2_Sys_Startup_Prepare(tpm_command_begin(tpm), TPM2_SU_CLEAR);

    if (tpm_command_run(tpm, prepared, &command, &response) != TPM2_RC_SUCCESS)
        return;
}

static bool rc_is_recoverable(uint32_t rc)
{
    return rc == LOCAL_RC_LOST || rc == TPM2_RC_INITIALIZE || tpm_rc_is_no_object(rc);
}

enum tpm_status tpm_operation_refuse(struct tpm *tpm, const char *function, uint32_t rc)
{
    tpm->failed_function = function;
    tpm->failed_command = 0;
    tpm->last_rc = rc;
    return tpm_status_from_rc(rc);
}

enum tpm_status tpm_operation_run(struct tpm *tpm, const char *function, const struct tpm_key *key,
                                  tpm_operation operation, void *context)
{
    struct tpm_back_off back_off = {0};
    bool recovered = false, reclaimed = false, again;
    uint32_t rc;

    ERR_set_mark(); /* the queue is the application's */
    do {
        again = false;
        tpm->failed_command = 0;
        rc = tpm_connection_open(tpm);
        if (rc == TPM2_RC_SUCCESS)
            rc = operation(tpm, context);
        if (rc == LOCAL_RC_LOST || rc == LOCAL_RC_TIMEOUT || rc == TPM2_RC_INITIALIZE) {
            /* What was loaded is gone with the connection or the reset. */
            tpm->loaded.count = 0;
            if (rc == TPM2_RC_INITIALIZE && tpm->transport->starts_up && !recovered)
                start_up(tpm);
            tpm_connection_close(tpm);
        } else {
            tpm_objects_flush(tpm);
            if (tpm_rc_is_memory(rc) && key != NULL && !tpm->transport->keeps(tpm) && !reclaimed &&
                back_off.milliseconds > RECLAIM_AFTER) {
                tpm_key_reclaim(tpm, key);
                reclaimed = true;
            }
            tpm_connection_release(tpm);
        }
        if (tpm_rc_is_memory(rc) || rc == LOCAL_RC_BUSY)
            again = tpm_back_off_wait(&back_off, tpm->timeout_seconds);
        else if (rc_is_recoverable(rc) && !recovered)
            again = recovered = true;
    } while (again);
    ERR_pop_to_mark();
    if (rc == TPM2_RC_SUCCESS)
        return TPM_OK;
    tpm->failed_function = function;
    tpm->last_rc = rc;
    return tpm_status_from_rc(rc);
}
