/* Descriptors of devices and sockets in an application's process: applications close them, reuse their
 * numbers and fork. A leaf. */
#ifndef INTUNE_TPM_DESCRIPTOR_H
#define INTUNE_TPM_DESCRIPTOR_H

#include "context.h"

/* The LOCAL_RC for an errno of open(2) or connect(2). */
uint32_t tpm_descriptor_rc_from_errno(int error);
/*
 * A daemon may have closed its standard descriptors, and goes on writing to them: what open(2) or socket(2)
 * gave must not be one of those. Takes their result, and gives it back or another above them; -1 with errno.
 */
int tpm_descriptor_lift(int descriptor) __attribute__((warn_unused_result));
/* A stream socket, remembered by its owner, if there is one, before any fork can copy it. -1 with errno. */
int tpm_socket_make(struct tpm *owner, int family) __attribute__((warn_unused_result));
/* Remembers what the open descriptor is. */
void tpm_descriptor_remember(struct tpm *tpm, int descriptor);
/* False when the application has closed the descriptor, or reused its number: then it is dropped, not closed.
 */
bool tpm_descriptor_is_ours(struct tpm *tpm);

#endif
