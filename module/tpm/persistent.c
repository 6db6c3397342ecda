/* Resident keys: storing, finding and removing them in our range of persistent handles. */
#include <string.h>

#include "capability.h"
#include "key_use.h"
#include "tpm_object.h"
#include "operation.h"

#define PERSIST_ATTEMPTS 8  /* while others take the handle that was free */
#define HANDLES_MAX      64 /* more than any TPM stores */

struct persistence {
    const struct tpm_key *key;
    uint32_t handle;
};

static uint32_t handle_find_free(struct tpm *tpm, uint32_t *ret_handle)
{
    uint32_t handles[HANDLES_MAX], candidate = TPM_OURS_FIRST;
    size_t count;
    uint32_t rc = tpm_capability_handles(tpm, TPM_OURS_FIRST, TPM_OURS_LAST, handles, HANDLES_MAX, &count);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    for (size_t i = 0; i < count && handles[i] == candidate; i++)
        candidate++;
    if (candidate > TPM_OURS_LAST)
        return LOCAL_RC_NO_SPACE;
    *ret_handle = candidate;
    return TPM2_RC_SUCCESS;
}

static uint32_t persist_run(struct tpm *tpm, void *context)
{
    struct persistence *persistence = context;
    uint32_t object, rc = tpm_key_load_wrapped(tpm, persistence->key, &object);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    rc = TPM2_RC_NV_DEFINED;
    for (int i = 0; rc == TPM2_RC_NV_DEFINED && i < PERSIST_ATTEMPTS; i++) {
        rc = handle_find_free(tpm, &persistence->handle);
        if (rc == TPM2_RC_SUCCESS)
            rc = tpm_object_evict_control(tpm, object, persistence->handle);
    }
    return rc;
}

enum tpm_status tpm_key_persist(struct tpm *tpm, const struct tpm_key *key, uint32_t *ret_handle)
{
    struct persistence persistence = {.key = key};
    enum tpm_status status = tpm_operation_run(tpm, __func__, NULL, persist_run, &persistence);

    if (status == TPM_OK)
        *ret_handle = persistence.handle;
    return status;
}

static uint32_t evict_run(struct tpm *tpm, void *context)
{
    const struct tpm_key *key = context;
    bool same = false;
    uint32_t rc =
        tpm_object_compare(tpm, key->persistent_handle, key->public_blob, key->public_blob_size, &same);

    if (rc != TPM2_RC_SUCCESS || !same)
        return rc;
    return tpm_object_evict_control(tpm, key->persistent_handle, key->persistent_handle);
}

enum tpm_status tpm_key_evict(struct tpm *tpm, const struct tpm_key *key)
{
    struct tpm_key copy = *key;

    if (key->persistent_handle == 0)
        return TPM_OK;
    if (key->persistent_handle < TPM_OURS_FIRST || key->persistent_handle > TPM_OURS_LAST)
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    return tpm_operation_run(tpm, __func__, NULL, evict_run, &copy);
}

struct listing {
    struct tpm_resident *list;
    size_t capacity, count;
};

static uint32_t resident_read(struct tpm *tpm, uint32_t handle, struct tpm_resident *ret_resident,
                              bool *ret_is_key)
{
    struct tpm_public_blob blob;
    uint32_t rc = tpm_object_read_public(tpm, handle, &blob);

    *ret_is_key = false;
    if (tpm_rc_is_no_object(rc))
        return TPM2_RC_SUCCESS; /* removed since it was listed */
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    ret_resident->handle = handle;
    *ret_is_key = tpm_public_parse(blob.bytes, blob.size, &ret_resident->public_key);
    return TPM2_RC_SUCCESS;
}

static uint32_t list_run(struct tpm *tpm, void *context)
{
    struct listing *listing = context;
    uint32_t handles[HANDLES_MAX];
    size_t count;
    uint32_t rc = tpm_capability_handles(tpm, TPM_OURS_FIRST, TPM_OURS_LAST, handles, HANDLES_MAX, &count);

    listing->count = 0;
    for (size_t i = 0; rc == TPM2_RC_SUCCESS && i < count && listing->count < listing->capacity; i++) {
        bool is_key;

        rc = resident_read(tpm, handles[i], &listing->list[listing->count], &is_key);
        if (rc == TPM2_RC_SUCCESS && is_key)
            listing->count++;
    }
    return rc;
}

enum tpm_status tpm_resident_list(struct tpm *tpm, struct tpm_resident *ret_list, size_t capacity,
                                  size_t *ret_count)
{
    struct listing listing = {.list = ret_list, .capacity = capacity};
    enum tpm_status status = tpm_operation_run(tpm, __func__, NULL, list_run, &listing);

    if (status == TPM_OK)
        *ret_count = listing.count;
    return status;
}

static uint32_t resident_evict_run(struct tpm *tpm, void *context)
{
    const struct tpm_resident *expected = context;
    struct tpm_resident found;
    bool is_key;
    uint32_t rc = resident_read(tpm, expected->handle, &found, &is_key);

    if (rc != TPM2_RC_SUCCESS || !is_key)
        return rc;
    if (!tpm_public_key_equal(&found.public_key, &expected->public_key))
        return LOCAL_RC_WRONG_KEY;
    return tpm_object_evict_control(tpm, expected->handle, expected->handle);
}

enum tpm_status tpm_resident_evict(struct tpm *tpm, const struct tpm_resident *resident)
{
    struct tpm_resident copy = *resident;

    if (resident->handle < TPM_OURS_FIRST || resident->handle > TPM_OURS_LAST)
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    return tpm_operation_run(tpm, __func__, NULL, resident_evict_run, &copy);
}

/* The handle first, which costs one command; else whether this TPM loads the wrapped blob, which needs its
 * storage key. */
static uint32_t probe_run(struct tpm *tpm, void *context)
{
    const struct tpm_key *key = context;
    bool same = false;
    uint32_t rc = TPM2_RC_SUCCESS, object;

    if (key->persistent_handle != 0)
        rc = tpm_object_compare(tpm, key->persistent_handle, key->public_blob, key->public_blob_size, &same);
    if (rc != TPM2_RC_SUCCESS || same)
        return rc;
    return tpm_key_load_wrapped(tpm, key, &object);
}

enum tpm_status tpm_key_probe(struct tpm *tpm, const struct tpm_key *key)
{
    struct tpm_key copy = *key;

    return tpm_operation_run(tpm, __func__, NULL, probe_run, &copy);
}
