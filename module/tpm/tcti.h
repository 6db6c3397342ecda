/*
 * The connection as a TCTI (TCG TSS 2.0 TCTI API 3.2.5), for tss2-sys. A response's header is checked here,
 * before tss2-sys looks at it: 3.2 believes the lengths in it and prints to stderr about a wrong tag.
 */
#ifndef INTUNE_TPM_TCTI_H
#define INTUNE_TPM_TCTI_H

#include "context.h"

/* Sets the functions of tpm->interface. They return a LOCAL_RC where the connection or the response fails;
 * tpm->response then holds the whole response. */
void tpm_tcti_initialize(struct tpm *tpm);

#endif
