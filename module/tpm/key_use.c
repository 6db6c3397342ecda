#include "key_use.h"

#include <string.h>

#include <openssl/crypto.h>

#include "tpm_object.h"
#include "session_start.h"

static bool key_is_whole(const struct tpm_key *key)
{
    return key->public_blob_size > 2 && key->public_blob_size <= TPM_BLOB_MAX &&
           key->private_blob_size <= TPM_BLOB_MAX && key->parent_public_size <= TPM_BLOB_MAX;
}

/* The place where the key's parent is at the moment. */
struct parent {
    uint32_t handle;
    bool created; /* for this call, to be flushed */
};

/*
 * The storage root key, made again. It has to be the one that the key was made under: another one means that
 * the owner hierarchy was cleared.
 */
static uint32_t parent_create(struct tpm *tpm, const struct tpm_key *key, struct parent *ret_parent)
{
    struct tpm_public_blob blob;
    uint32_t handle, rc = tpm_object_create_storage_root(tpm, &handle, &blob);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (key->parent_public_size != 0 &&
        (blob.size != key->parent_public_size || memcmp(blob.bytes, key->parent_public, blob.size) != 0))
        return LOCAL_RC_WRONG_KEY;
    *ret_parent = (struct parent){.handle = handle, .created = true};
    return TPM2_RC_SUCCESS;
}

/* The stale handles of this key; those of one key are remembered at a time. */
static struct tpm_stale_handles *stale_handles_of(struct tpm *tpm, const struct tpm_key *key)
{
    uint8_t name[TPM_NAME_SIZE];

    tpm_public_name(key->public_blob, key->public_blob_size, name);
    if (memcmp(name, tpm->stale.key_name, sizeof(name)) != 0) {
        tpm->stale = (struct tpm_stale_handles){0};
        memcpy(tpm->stale.key_name, name, sizeof(name));
    }
    return &tpm->stale;
}

static uint32_t parent_find(struct tpm *tpm, const struct tpm_key *key, struct parent *ret_parent)
{
    if (key->parent >> TPM2_HR_SHIFT != TPM2_HT_PERSISTENT || stale_handles_of(tpm, key)->parent)
        return parent_create(tpm, key, ret_parent);
    *ret_parent = (struct parent){.handle = key->parent};
    return TPM2_RC_SUCCESS;
}

/*
 * A failure that is about the object at a persistent handle, not about the connection, the whole TPM or an
 * argument: the handle may be empty or hold another object.
 */
static bool rc_is_stale_object(uint32_t rc)
{
    return tpm_rc_is_no_object(rc) || rc == LOCAL_RC_NOT_VERIFIED ||
           ((rc & 0xffff0000U) == 0 && (rc & TPM2_RC_FMT1) != 0 && tpm_rc_base(rc) != TPM2_RC_HASH &&
            tpm_rc_base(rc) != TPM2_RC_CURVE);
}

static void parent_release(struct tpm *tpm, struct parent *parent)
{
    if (parent->created)
        tpm_object_flush(tpm, parent->handle);
    parent->created = false;
}

/* Starts the session that carries the PIN; a persistent parent that is gone or replaced is made again. */
static uint32_t session_start(struct tpm *tpm, struct tpm_key_use *use, struct parent *parent)
{
    struct tpm_public_area area;
    uint32_t rc;

    if (!tpm_public_area_parse(use->key->parent_public, use->key->parent_public_size, &area) ||
        !tpm_public_area_is_storage_root(&area))
        return LOCAL_RC_WRONG_KEY;
    rc = tpm_session_start(tpm, parent->handle, &area.key, &use->session);
    if (rc_is_stale_object(rc) && !parent->created) {
        rc = parent_create(tpm, use->key, parent);
        if (rc == TPM2_RC_SUCCESS)
            rc = tpm_session_start(tpm, parent->handle, &area.key, &use->session);
    }
    return rc;
}

/* With the key at use->handle and the parent found if it is needed. */
static uint32_t run_authorized(struct tpm *tpm, struct tpm_key_use *use, struct parent *parent)
{
    uint32_t rc;

    if (use->key->has_pin) {
        rc = session_start(tpm, use, parent);
        if (rc != TPM2_RC_SUCCESS)
            return rc;
    }
    use->parent = parent->handle;
    if (!use->needs_parent)
        parent_release(tpm, parent);
    rc = use->run(tpm, use);
    OPENSSL_cleanse(&use->session, sizeof(use->session));
    return rc;
}

/* Loads the blob; a persistent parent that is gone or replaced is made again. */
static uint32_t wrapped_load(struct tpm *tpm, const struct tpm_key *key, struct parent *ret_parent,
                             uint32_t *ret_handle)
{
    uint32_t rc = parent_find(tpm, key, ret_parent), first_rc;

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    rc = tpm_object_load(tpm, ret_parent->handle, key, ret_handle);
    if (rc_is_stale_object(rc) && !ret_parent->created) {
        first_rc = rc;
        rc = parent_create(tpm, key, ret_parent);
        if (rc == LOCAL_RC_WRONG_KEY || rc == LOCAL_RC_HIERARCHY) {
            tpm->last_rc = first_rc;
            return LOCAL_RC_WRONG_KEY;
        }
        if (rc == TPM2_RC_SUCCESS)
            rc = tpm_object_load(tpm, ret_parent->handle, key, ret_handle);
    }
    return tpm_rc_is_authorization(rc) ? LOCAL_RC_WRONG_KEY : rc; /* no PIN was asked for */
}

uint32_t tpm_key_load_wrapped(struct tpm *tpm, const struct tpm_key *key, uint32_t *ret_handle)
{
    struct parent parent;
    uint32_t rc;

    if (!key_is_whole(key))
        return LOCAL_RC_BAD_ARGUMENT;
    rc = wrapped_load(tpm, key, &parent, ret_handle);
    if (rc == TPM2_RC_SUCCESS)
        parent_release(tpm, &parent);
    return rc;
}

static uint32_t use_wrapped(struct tpm *tpm, struct tpm_key_use *use)
{
    struct parent parent;
    uint32_t rc = wrapped_load(tpm, use->key, &parent, &use->handle);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (!use->key->has_pin && !use->needs_parent)
        parent_release(tpm, &parent);
    return run_authorized(tpm, use, &parent);
}

/*
 * The TPM refused the HMAC of a command on a resident key. That is a wrong PIN only if the key and the parent
 * are the ones that the HMAC was made for; else nothing was said about the PIN.
 */
static uint32_t refusal_explain(struct tpm *tpm, const struct tpm_key_use *use, const struct parent *parent,
                                struct tpm_stale_handles *stale)
{
    const struct tpm_key *key = use->key;
    bool same = true;
    uint32_t rc = tpm_object_compare(tpm, use->handle, key->public_blob, key->public_blob_size, &same);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    stale->resident = !same;
    if (parent->handle >> TPM2_HR_SHIFT == TPM2_HT_PERSISTENT) {
        rc = tpm_object_compare(tpm, parent->handle, key->parent_public, key->parent_public_size, &same);
        stale->parent = rc == TPM2_RC_SUCCESS && !same;
    }
    return rc;
}

static uint32_t use_resident(struct tpm *tpm, struct tpm_key_use *use, struct tpm_stale_handles *stale)
{
    struct parent parent = {0};
    uint32_t rc = TPM2_RC_SUCCESS, explained;

    use->handle = use->key->persistent_handle;
    if (use->key->has_pin || use->needs_parent)
        rc = parent_find(tpm, use->key, &parent);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    rc = run_authorized(tpm, use, &parent);
    if (use->key->has_pin && tpm_rc_is_authorization(rc)) {
        explained = refusal_explain(tpm, use, &parent, stale);
        return explained != TPM2_RC_SUCCESS ? explained : rc;
    }
    /* A key without a PIN is exempt from the lock-out: what is locked is another object. */
    stale->resident = rc_is_stale_object(rc) || (!use->key->has_pin && rc == TPM2_RC_LOCKOUT);
    return rc;
}

/* The resident key, or the wrapped one. */
static uint32_t use_either(struct tpm *tpm, struct tpm_key_use *use)
{
    const struct tpm_key *key = use->key;
    struct tpm_stale_handles *stale = stale_handles_of(tpm, key);
    bool parent_was_stale = stale->parent;
    uint32_t rc;

    if (key->persistent_handle == 0 || stale->resident)
        return use_wrapped(tpm, use);
    if (key->persistent_handle < TPM_OURS_FIRST || key->persistent_handle > TPM_OURS_LAST)
        return LOCAL_RC_BAD_ARGUMENT;
    rc = use_resident(tpm, use, stale);
    if (!stale->resident && stale->parent && !parent_was_stale) {
        tpm_objects_flush(tpm);
        rc = use_resident(tpm, use, stale);
    }
    if (stale->resident && key->private_blob_size != 0) {
        tpm_objects_flush(tpm);
        rc = use_wrapped(tpm, use);
    }
    return rc;
}

static uint32_t use_with_pin(struct tpm *tpm, struct tpm_key_use *use)
{
    const struct tpm_auth *auth = use->auth;
    uint32_t rc;

    /* Without a PIN, or with one that was refused, nothing is sent, and nothing counted. */
    if (auth == NULL || (!use->rechecks && auth->refused != NULL && *auth->refused))
        return TPM2_RC_AUTH_FAIL;
    rc = use_either(tpm, use);
    if (auth->refused != NULL && (tpm_rc_is_authorization(rc) || rc == TPM2_RC_SUCCESS))
        *auth->refused = rc != TPM2_RC_SUCCESS;
    return rc;
}

uint32_t tpm_key_use(struct tpm *tpm, struct tpm_key_use *use)
{
    if (!key_is_whole(use->key))
        return LOCAL_RC_BAD_ARGUMENT;
    return use->key->has_pin ? use_with_pin(tpm, use) : use_either(tpm, use);
}

struct tpm_command tpm_key_use_command(struct tpm_key_use *use, uint32_t code)
{
    const struct tpm_key *key = use->key;
    struct tpm_command command = {.code = code, .authorization = TPM_AUTHORIZATION_EMPTY};

    if (key->has_pin) {
        command.authorization = TPM_AUTHORIZATION_SESSION;
        command.session =
            (struct tpm_session_use){.session = &use->session, .auth = use->auth, .handle_count = 1};
        tpm_public_name(key->public_blob, key->public_blob_size, command.session.names[0]);
        if (use->needs_parent)
            tpm_public_name(key->parent_public, key->parent_public_size,
                            command.session.names[command.session.handle_count++]);
    }
    return command;
}

uint32_t tpm_key_use_change_auth(struct tpm *tpm, struct tpm_key_use *use, const uint8_t *new_value,
                                 struct tpm_response *ret_response)
{
    struct tpm_command command = tpm_key_use_command(use, TPM2_CC_ObjectChangeAuth);
    TPM2B_AUTH value = {.size = new_value != NULL ? TPM_AUTH_SIZE : 0};

    command.session.encrypts = true;
    if (new_value != NULL)
        memcpy(value.buffer, new_value, TPM_AUTH_SIZE);
    uint32_t rc = Tss2_Sys_ObjectChangeAuth_Prepare(tpm_command_begin(tpm), use->handle, use->parent, &value);
    rc = tpm_command_run(tpm, rc, &command, ret_response);
    OPENSSL_cleanse(&value, sizeof(value));
    return rc;
}
