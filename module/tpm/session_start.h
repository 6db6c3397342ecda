/* Starting a session, salted by ECDH with a storage key that the caller knows, so that nobody on the bus can
 * take the TPM's place or guess the authorization value (TPM 2.0 part 1, 19.6.13). */
#ifndef INTUNE_TPM_SESSION_START_H
#define INTUNE_TPM_SESSION_START_H

#include "hmac_session.h"

/*
 * Starts a session salted to the storage key at `parent`, whose public area is the caller's own record of it.
 * The session is flushed at the end of the call unless a command closes it. Callers wipe *ret_session.
 */
uint32_t tpm_session_start(struct tpm *tpm, uint32_t parent, const struct tpm_public_key *parent_public,
                           struct tpm_session *ret_session) __attribute__((warn_unused_result));

#endif
