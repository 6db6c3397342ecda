#ifndef INTUNE_TPM_KEY_RECLAIM_H
#define INTUNE_TPM_KEY_RECLAIM_H

#include "context.h"

/*
 * Flushes loaded objects that are this very key. For a TPM without a resource manager, held by this call
 * alone, whose memory has been full for seconds: they were left by a process that was killed between loading
 * the key and flushing it.
 */
void tpm_key_reclaim(struct tpm *tpm, const struct tpm_key *key);

#endif
