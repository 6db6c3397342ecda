/* The PIN: what becomes of it, whether it is right, and how many wrong ones the TPM still takes. */
#include <string.h>

#include <openssl/crypto.h>

#include "capability.h"
#include "key_use.h"
#include "operation.h"

/*
 * The TPM's lock-out stops guessing. The iterations only slow an attacker who has broken the session's
 * secrecy; most of the time of a login is spent here.
 */
#define PIN_ITERATIONS 10000

#define QUICK_SECONDS 1

bool tpm_auth_derive(const uint8_t *pin, size_t pin_size, const uint8_t salt[TPM_PIN_SALT_SIZE],
                     struct tpm_auth *ret_auth)
{
    if (pin == NULL || pin_size < TPM_PIN_MIN || pin_size > TPM_PIN_MAX)
        return false;
    ret_auth->refused = NULL;
    tpm_pbkdf2_sha256(pin, pin_size, salt, TPM_PIN_SALT_SIZE, PIN_ITERATIONS, ret_auth->value);
    return true;
}

/*
 * TPM2_ObjectChangeAuth to a random value, and the blob that comes back is thrown away: a command that needs
 * the key's authorization, costs the TPM no asymmetric operation, changes nothing, and succeeds, which closes
 * the session. A TPM2_Sign that is made to fail would leave the session to be flushed by a third command.
 */
static uint32_t check_run(struct tpm *tpm, struct tpm_key_use *use)
{
    uint8_t random[TPM_AUTH_SIZE];
    struct tpm_response response;

    if (!tpm_random(random, sizeof(random)))
        return TPM2_RC_FAILURE;
    uint32_t rc = tpm_key_use_change_auth(tpm, use, random, &response);
    OPENSSL_cleanse(random, sizeof(random));
    return rc;
}

static uint32_t use_run(struct tpm *tpm, void *context)
{
    return tpm_key_use(tpm, context);
}

enum tpm_status tpm_auth_check(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth)
{
    struct tpm_key_use use = {
        .key = key, .auth = auth, .needs_parent = true, .rechecks = true, .run = check_run};

    if (!key->has_pin)
        return auth == NULL ? TPM_OK : tpm_operation_refuse(tpm, __func__, TPM2_RC_AUTH_FAIL);
    return tpm_operation_run(tpm, __func__, key, use_run, &use);
}

static uint32_t lockout_run(struct tpm *tpm, void *context)
{
    uint32_t values[TPM2_PT_LOCKOUT_INTERVAL - TPM2_PT_PERMANENT + 1];
    struct tpm_lockout *lockout = context;
    uint32_t rc =
        tpm_capability_properties(tpm, TPM2_PT_PERMANENT, sizeof(values) / sizeof(values[0]), values);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    lockout->failures = values[TPM2_PT_LOCKOUT_COUNTER - TPM2_PT_PERMANENT];
    lockout->max_failures = values[TPM2_PT_MAX_AUTH_FAIL - TPM2_PT_PERMANENT];
    lockout->recovery_seconds = values[TPM2_PT_LOCKOUT_INTERVAL - TPM2_PT_PERMANENT];
    lockout->locked = (values[0] & TPMA_PERMANENT_INLOCKOUT) != 0;
    return TPM2_RC_SUCCESS;
}

enum tpm_status tpm_lockout_read(struct tpm *tpm, struct tpm_lockout *ret_lockout)
{
    struct tpm_lockout lockout;
    enum tpm_status status = tpm_operation_run(tpm, __func__, NULL, lockout_run, &lockout);

    if (status == TPM_OK)
        *ret_lockout = lockout;
    return status;
}

enum tpm_status tpm_lockout_read_quick(struct tpm *tpm, struct tpm_lockout *ret_lockout)
{
    tpm->timeout_seconds = QUICK_SECONDS;
    enum tpm_status status = tpm_lockout_read(tpm, ret_lockout);
    tpm->timeout_seconds = 0;
    return status;
}
