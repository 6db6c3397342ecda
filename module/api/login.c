#include "login.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

struct secret {
    atomic_uint references;
    struct tpm_auth auth;
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

bool login_covers(const struct login *login, const struct tpm_key *key)
{
    if (!key->has_pin)
        return true;
    /* a renewed key may have another salt: then the value at hand is not its, and trying it would count as a
     * failure */
    return login->active && login->secret != NULL &&
           memcmp(login->salt, key->pin_salt, sizeof login->salt) == 0;
}

void login_begin(struct login *login, const struct tpm_key *key, struct secret *secret)
{
    secret_unref(login->secret);
    login->active = true;
    login->secret = secret;
    memcpy(login->salt, key->pin_salt, sizeof login->salt);
    memset(&login->lockout, 0, sizeof login->lockout);
}

void login_end(struct login *login)
{
    secret_unref(login->secret);
    login->secret = NULL;
    login->active = false;
}
