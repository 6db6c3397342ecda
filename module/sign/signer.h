/*
 * The TPM context that all sessions of a process share: created at the first signature, granted to one thread
 * at a time in FIFO order. A TPM status becomes a CK_RV here.
 */
#ifndef SIGN_SIGNER_H
#define SIGN_SIGNER_H

#include "pkcs11.h"
#include "tpm.h"

struct signer;

/* tcti as in tpm_new(); NULL when the configuration cannot be read: every use then fails. Returns NULL when
 * out of memory. */
struct signer *signer_new(const char *tcti);
/* Closes the connection. No thread may hold it. NULL is allowed. */
void signer_free(struct signer *signer);
/* In a forked child: drops the context without touching the connection, which is still the parent's. */
void signer_abandon(struct signer *signer);

/* Waits for the turn of this thread. On CKR_OK *ret_tpm is its own until signer_release(); on an error there
 * is nothing to release. */
CK_RV signer_acquire(struct signer *signer, struct tpm **ret_tpm) __attribute__((warn_unused_result));

/* Passes the context on to the next thread. Returns what `status` means to an application; a failure is
 * logged as `what`. */
CK_RV signer_release(struct signer *signer, const char *what, enum tpm_status status);

/* tpm_auth_check() and tpm_lockout_read() on the shared context. */
CK_RV signer_auth_check(struct signer *signer, const struct tpm_key *key, const struct tpm_auth *auth)
    __attribute__((warn_unused_result));
CK_RV signer_lockout_read(struct signer *signer, struct tpm_lockout *ret_lockout)
    __attribute__((warn_unused_result));
/* tpm_lockout_read_quick() if no thread holds the context, else CKR_CANT_LOCK. */
CK_RV signer_lockout_try_read(struct signer *signer, struct tpm_lockout *ret_lockout)
    __attribute__((warn_unused_result));

#endif
