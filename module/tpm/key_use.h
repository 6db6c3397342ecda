/*
 * Getting a device key into the TPM's hands for one command: the resident copy, else the wrapped blob under
 * its parent; with a PIN, in a session salted to the parent that was recorded at enrolment.
 */
#ifndef INTUNE_TPM_KEY_USE_H
#define INTUNE_TPM_KEY_USE_H

#include "command.h"
#include "context.h"
#include "hmac_session.h"

struct tpm_key_use {
    const struct tpm_key *key;
    const struct tpm_auth *auth;
    bool needs_parent; /* the command names the parent too */
    bool rechecks;     /* a value that was refused before is sent again */
    uint32_t (*run)(struct tpm *tpm, struct tpm_key_use *use);
    /* Filled in for run(): */
    uint32_t handle;            /* the key */
    uint32_t parent;            /* valid if needs_parent */
    struct tpm_session session; /* valid if the key has a PIN */
};

/*
 * Runs `run` on the resident key; where that handle is empty or holds something else, once more on the
 * wrapped blob. A refused PIN of this very key is sent again only if it `rechecks`.
 */
uint32_t tpm_key_use(struct tpm *tpm, struct tpm_key_use *use) __attribute__((warn_unused_result));

/* Loads the wrapped blob under its parent. */
uint32_t tpm_key_load_wrapped(struct tpm *tpm, const struct tpm_key *key, uint32_t *ret_handle)
    __attribute__((warn_unused_result));

/* The command of a run() on the key, and on the parent if that is needed, with the key's authorization. */
struct tpm_command tpm_key_use_command(struct tpm_key_use *use, uint32_t code);
/* TPM2_ObjectChangeAuth (part 3, 12.8) of a run() that needs the parent, with the new value encrypted; NULL
 * for the empty one. The response's parameter is the new TPM2B_PRIVATE. */
uint32_t tpm_key_use_change_auth(struct tpm *tpm, struct tpm_key_use *use, const uint8_t *new_value,
                                 struct tpm_response *ret_response) __attribute__((warn_unused_result));

#endif
