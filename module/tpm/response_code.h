/*
 * Errors of module/tpm: the TPM's own response codes, and ours in a layer of their own. They
 * become an enum tpm_status once, in tpm_operation_run().
 */
#ifndef INTUNE_TPM_RESPONSE_CODE_H
#define INTUNE_TPM_RESPONSE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include <tss2/tss2_common.h>
#include <tss2/tss2_tpm2_types.h>

#include "tpm.h"

/* TSS2_RC of this library: a layer number that no TSS layer uses. */
#define LOCAL_RC(number) (0x00490000U | (number))
enum {
    LOCAL_RC_UNREACHABLE = LOCAL_RC(1),
    LOCAL_RC_PERMISSION = LOCAL_RC(2),
    LOCAL_RC_BUSY = LOCAL_RC(3), /* the device is open in another process */
    LOCAL_RC_BAD_TCTI = LOCAL_RC(4),
    LOCAL_RC_LOST = LOCAL_RC(5),         /* the connection broke while in use */
    LOCAL_RC_MALFORMED = LOCAL_RC(6),    /* an answer that is not one */
    LOCAL_RC_HMAC = LOCAL_RC(7),         /* the answer's HMAC is not the session's */
    LOCAL_RC_NOT_VERIFIED = LOCAL_RC(8), /* a signature that the public key does not confirm */
    LOCAL_RC_WRONG_KEY = LOCAL_RC(9),
    LOCAL_RC_HIERARCHY = LOCAL_RC(10),
    LOCAL_RC_UNSUPPORTED = LOCAL_RC(11),
    LOCAL_RC_BAD_ARGUMENT = LOCAL_RC(12),
    LOCAL_RC_NO_MEMORY = LOCAL_RC(13),
    LOCAL_RC_NO_SPACE = LOCAL_RC(14),
    LOCAL_RC_TIMEOUT = LOCAL_RC(15), /* no answer within the time that the slowest command may take */
};

/*
 * A response code without the number of the handle, parameter or session that it is about (part 2, 6.6.3), so
 * that TPM_RC_HANDLE of any handle compares equal to TPM2_RC_HANDLE. Codes of other forms come back as they
 * are.
 */
uint32_t tpm_rc_base(uint32_t rc);

/* The authorization value was refused. */
bool tpm_rc_is_authorization(uint32_t rc);
/* Object, session or handle memory is full for the moment. */
bool tpm_rc_is_memory(uint32_t rc);
/* The same command may be sent again after a while: TPM_RC_RETRY and its like. */
bool tpm_rc_is_retry(uint32_t rc);
/* Nothing stands at a handle that the command named. */
bool tpm_rc_is_no_object(uint32_t rc);

enum tpm_status tpm_status_from_rc(uint32_t rc);

#endif
