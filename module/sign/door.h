/*
 * The one door to the TPM that all sessions of a process share: made when a signature is first asked for,
 * given to one thread at a time in the order of their coming, and the place where a TPM's status becomes a
 * CK_RV.
 */
#ifndef SIGN_DOOR_H
#define SIGN_DOOR_H

#include "pkcs11.h"
#include "tpm.h"

struct door;

/* tcti as in tpm_new(); NULL when the configuration cannot be read, so that every use is refused. NULL: no
 * memory. */
struct door *door_new(const char *tcti);
/* Closes the connection. Nobody may be inside. NULL is allowed. */
void door_free(struct door *door);
/* In a forked child: forgets the door without touching the connection that the parent goes on using. */
void door_abandon(struct door *door);

/* Waits for the door. On CKR_OK *ret_tpm is this thread's until door_leave(); nothing is to be left
 * otherwise. */
CK_RV door_enter(struct door *door, struct tpm **ret_tpm) __attribute__((warn_unused_result));

/* Gives the door to the next thread. Returns what `status` means to an application; a failure is logged as
 * `what`. */
CK_RV door_leave(struct door *door, const char *what, enum tpm_status status);

/* tpm_auth_check() and tpm_lockout_read() through the door. */
CK_RV door_auth_check(struct door *door, const struct tpm_key *key, const struct tpm_auth *auth)
    __attribute__((warn_unused_result));
CK_RV door_lockout_read(struct door *door, struct tpm_lockout *ret_lockout)
    __attribute__((warn_unused_result));
/* tpm_lockout_glance() if nobody is inside; CKR_CANT_LOCK else. */
CK_RV door_lockout_glance(struct door *door, struct tpm_lockout *ret_lockout)
    __attribute__((warn_unused_result));

#endif
