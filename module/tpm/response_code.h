/*
 * What can go wrong below the door: the TPM's own response codes, and ours in a layer of their own. They
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
#define DOOR_RC(number) (0x00490000U | (number))
enum {
    DOOR_RC_UNREACHABLE = DOOR_RC(1),
    DOOR_RC_PERMISSION = DOOR_RC(2),
    DOOR_RC_BUSY = DOOR_RC(3), /* the device is opened by somebody else */
    DOOR_RC_BAD_TCTI = DOOR_RC(4),
    DOOR_RC_LOST = DOOR_RC(5),         /* the connection broke while in use */
    DOOR_RC_MALFORMED = DOOR_RC(6),    /* an answer that is not one */
    DOOR_RC_HMAC = DOOR_RC(7),         /* the answer's HMAC is not the session's */
    DOOR_RC_NOT_VERIFIED = DOOR_RC(8), /* a signature that the public key does not confirm */
    DOOR_RC_WRONG_KEY = DOOR_RC(9),
    DOOR_RC_HIERARCHY = DOOR_RC(10),
    DOOR_RC_UNSUPPORTED = DOOR_RC(11),
    DOOR_RC_BAD_ARGUMENT = DOOR_RC(12),
    DOOR_RC_NO_MEMORY = DOOR_RC(13),
    DOOR_RC_NO_SPACE = DOOR_RC(14),
    DOOR_RC_TIMEOUT = DOOR_RC(15), /* no answer within the time that the slowest command may take */
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
