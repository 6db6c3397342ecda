/*
 * Who is logged in: one state for the process (PKCS #11 3.0, 5.6.8), and the authorization value that a PIN
 * became. The value lives in memory that is neither swapped, dumped nor inherited, and is wiped when the last
 * one who uses it lets go.
 */
#ifndef SESSION_LOGIN_H
#define SESSION_LOGIN_H

#include <stdbool.h>
#include <time.h>

#include "tpm.h"

struct secret; /* an authorization value, counted */

/* A secret of our own from this value; NULL when memory is out. */
struct secret *secret_new(const struct tpm_auth *auth);
struct secret *secret_ref(struct secret *secret);
void secret_unref(struct secret *secret);                        /* NULL is allowed */
const struct tpm_auth *secret_auth(const struct secret *secret); /* NULL for NULL */

/* Keys whose PIN is known at the same time: the present one, and those of generations that sessions still
 * hold. */
#define LOGIN_KEYS 4

/* Under the library's lock. */
struct login {
    bool active;
    struct {
        struct secret *secret;
        uint8_t salt[TPM_PIN_SALT_SIZE]; /* which it was derived with */
    } known[LOGIN_KEYS];
    size_t next;                /* of known, to be taken by the next login */
    struct tpm_lockout lockout; /* as last read from the TPM; all zero after a login */
    time_t lockout_due;         /* when C_GetTokenInfo may read it again, of CLOCK_MONOTONIC */
};

/* Whether the login is one for this key: also without a login, where it needs none. */
bool login_covers(const struct login *login, const struct tpm_key *key);

/* The key's authorization value; NULL where it has none or the login does not cover it. Not a reference. */
struct secret *login_secret(const struct login *login, const struct tpm_key *key);

/* Takes the secret over; NULL where the key needs none. */
void login_begin(struct login *login, const struct tpm_key *key, struct secret *secret);
void login_end(struct login *login);
/* The TPM refuses this one: it is forgotten, and with the last one the login ends. */
void login_forget(struct login *login, const struct secret *secret);

/* Whether the TPM is to be asked for the counters; then nobody else is told so for a moment. */
bool login_lockout_is_due(struct login *login);
/* What the TPM answered; NULL: nothing, and it is left alone for a while. */
void login_lockout_note(struct login *login, const struct tpm_lockout *lockout);

#endif
