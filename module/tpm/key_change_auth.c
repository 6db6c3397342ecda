/* Another PIN for a key (TPM 2.0 part 3, 12.8): the TPM wraps the key again with the new value. */
#include <string.h>

#include "key_use.h"
#include "operation.h"

struct change {
    struct tpm_key_use use; /* first, so that run() finds the rest */
    const struct tpm_auth *new_auth;
    struct tpm_key key;
};

static uint32_t change_run(struct tpm *tpm, struct tpm_key_use *use)
{
    struct change *change = (struct change *)use;
    struct tpm_response response;
    uint32_t rc = tpm_key_use_change_auth(tpm, use, change->new_auth != NULL ? change->new_auth->value : NULL,
                                          &response);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (!tpm_read_blob(&response.parameters, change->key.private_blob, TPM_BLOB_MAX,
                       &change->key.private_blob_size) ||
        !tpm_read_complete(&response.parameters))
        return LOCAL_RC_MALFORMED;
    return TPM2_RC_SUCCESS;
}

static uint32_t use_run(struct tpm *tpm, void *context)
{
    return tpm_key_use(tpm, &((struct change *)context)->use);
}

enum tpm_status tpm_key_change_auth(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                    const struct tpm_auth *new_auth, const uint8_t *new_salt,
                                    struct tpm_key *ret_key)
{
    struct change change = {.use = {.key = key, .auth = auth, .needs_parent = true, .run = change_run},
                            .new_auth = new_auth,
                            .key = *key};
    enum tpm_status status;

    if (!key->has_pin || (new_auth == NULL) != (new_salt == NULL))
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    status = tpm_operation_run(tpm, __func__, key, use_run, &change);
    if (status != TPM_OK)
        return status;
    change.key.persistent_handle = 0;
    change.key.has_pin = new_auth != NULL;
    memset(change.key.pin_salt, 0, sizeof(change.key.pin_salt));
    if (new_salt != NULL)
        memcpy(change.key.pin_salt, new_salt, TPM_PIN_SALT_SIZE);
    *ret_key = change.key;
    return TPM_OK;
}
