#include "login.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#define LOCKOUT_FRESH_SECONDS  2
#define LOCKOUT_SILENT_SECONDS 30 /* each question to a TPM that does not answer holds its caller up */

struct secret {
    atomic_uint references;
    struct tpm_auth auth;
    bool refused;
};

struct secret *secret_new(const struct tpm_auth *auth)
{
    struct secret *secret =
        mmap(NULL, sizeof *secret, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (secret == MAP_FAILED)
        return NULL;
    /* each may be refused (a limit, an old kernel); the value is then as well kept as the PIN the application
     * typed */
    (void)mlock(secret, sizeof *secret);
    (void)madvise(secret, sizeof *secret, MADV_DONTDUMP);
    (void)madvise(secret, sizeof *secret, MADV_WIPEONFORK);
    atomic_init(&secret->references, 1);
    secret->auth = *auth;
    secret->auth.refused = &secret->refused;
    return secret;
}

struct secret *secret_ref(struct secret *secret)
{
    if (secret != NULL)
        atomic_fetch_add(&secret->references, 1);
    return secret;
}

void secret_unref(struct secret *secret)
{
    if (secret == NULL || atomic_fetch_sub(&secret->references, 1) != 1)
        return;
    OPENSSL_cleanse(&secret->auth, sizeof secret->auth);
    munmap(secret, sizeof *secret);
}

const struct tpm_auth *secret_auth(const struct secret *secret)
{
    return secret == NULL ? NULL : &secret->auth;
}

/* By the salt: a renewed key has another, and trying a value that is not its would count as a failure. */
struct secret *login_secret(const struct login *login, const struct tpm_key *key)
{
    if (!key->has_pin || !login->active)
        return NULL;
    for (size_t i = 0; i < LOGIN_KEYS; i++)
        if (login->known[i].secret != NULL &&
            memcmp(login->known[i].salt, key->pin_salt, sizeof key->pin_salt) == 0)
            return login->known[i].secret;
    return NULL;
}

bool login_covers(const struct login *login, const struct tpm_key *key)
{
    return !key->has_pin || login_secret(login, key) != NULL;
}

void login_begin(struct login *login, const struct tpm_key *key, struct secret *secret)
{
    login->active = true;
    memset(&login->lockout, 0, sizeof login->lockout);
    if (secret == NULL)
        return;
    secret_unref(login->known[login->next].secret);
    login->known[login->next].secret = secret;
    memcpy(login->known[login->next].salt, key->pin_salt, sizeof key->pin_salt);
    login->next = (login->next + 1) % LOGIN_KEYS;
}

void login_end(struct login *login)
{
    for (size_t i = 0; i < LOGIN_KEYS; i++) {
        secret_unref(login->known[i].secret);
        login->known[i].secret = NULL;
    }
    login->active = false;
}

void login_forget(struct login *login, const struct secret *secret)
{
    bool found = false, others = false;
    for (size_t i = 0; i < LOGIN_KEYS; i++) {
        if (login->known[i].secret == secret) {
            secret_unref(login->known[i].secret);
            login->known[i].secret = NULL;
            found = true;
        }
        others = others || login->known[i].secret != NULL;
    }
    if (found && !others)
        login_end(login);
}

static time_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

bool login_lockout_is_due(struct login *login)
{
    time_t now = seconds_now();
    if (login->active || now < login->lockout_due)
        return false;
    login->lockout_due = now + LOCKOUT_FRESH_SECONDS;
    return true;
}

void login_lockout_note(struct login *login, const struct tpm_lockout *lockout)
{
    login->lockout_due = seconds_now() + (lockout == NULL ? LOCKOUT_SILENT_SECONDS : LOCKOUT_FRESH_SECONDS);
    if (lockout != NULL)
        login->lockout = *lockout;
}
