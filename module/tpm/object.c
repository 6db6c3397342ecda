#include "object.h"

#include <string.h>

#include "command.h"
#include "operation.h"

static uint32_t public_take(struct tpm_reader *reader, struct tpm_public_blob *ret_public)
{
    struct tpm_public_blob blob;
    struct tpm_writer writer = {.data = blob.bytes, .capacity = sizeof(blob.bytes)};
    size_t size;
    const uint8_t *bytes = tpm_read_sized(reader, TPM_BLOB_MAX - 2, &size);

    if (bytes == NULL || size == 0)
        return LOCAL_RC_MALFORMED;
    tpm_write_sized(&writer, bytes, size);
    blob.size = writer.size;
    *ret_public = blob;
    return TPM2_RC_SUCCESS;
}

/* What the owner hierarchy refuses is not about a PIN. */
static uint32_t owner_rc(uint32_t rc)
{
    if (tpm_rc_is_authorization(rc) || tpm_rc_base(rc) == TPM2_RC_HIERARCHY)
        return LOCAL_RC_HIERARCHY;
    return rc;
}

uint32_t tpm_object_create_storage_root(struct tpm *tpm, uint32_t *ret_handle,
                                        struct tpm_public_blob *ret_public)
{
    struct tpm_command command;
    struct tpm_response response;
    size_t begin;
    uint32_t rc;

    tpm_command_begin(&command, TPM2_CC_CreatePrimary, TPM_AUTHORIZATION_EMPTY,
                      (const uint32_t[TPM_COMMAND_HANDLES]){TPM2_RH_OWNER});
    command.returns_handle = true;
    begin = tpm_write_sized_begin(&command.parameters); /* inSensitive */
    tpm_write_u16(&command.parameters, 0);              /* userAuth */
    tpm_write_u16(&command.parameters, 0);              /* data */
    tpm_write_sized_end(&command.parameters, begin);
    tpm_public_write_storage_root(&command.parameters);
    tpm_write_u16(&command.parameters, 0); /* outsideInfo */
    tpm_write_u32(&command.parameters, 0); /* creationPCR */
    rc = tpm_command_run(tpm, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        return owner_rc(rc);
    tpm_objects_remember(tpm, response.handle);
    rc = public_take(&response.parameters, ret_public); /* creation data, hash, ticket and name follow */
    if (rc == TPM2_RC_SUCCESS)
        *ret_handle = response.handle;
    return rc;
}

uint32_t tpm_object_read_public(struct tpm *tpm, uint32_t handle, struct tpm_public_blob *ret_public)
{
    struct tpm_command command;
    struct tpm_response response;
    uint32_t rc;

    tpm_command_begin(&command, TPM2_CC_ReadPublic, TPM_AUTHORIZATION_NONE,
                      (const uint32_t[TPM_COMMAND_HANDLES]){handle});
    rc = tpm_command_run(tpm, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    return public_take(&response.parameters, ret_public);
}

uint32_t tpm_object_load(struct tpm *tpm, uint32_t parent, const struct tpm_key *key, uint32_t *ret_handle)
{
    struct tpm_command command;
    struct tpm_response response;
    uint32_t rc;

    if (key->private_blob_size == 0 || key->private_blob_size > TPM_BLOB_MAX ||
        key->public_blob_size > TPM_BLOB_MAX)
        return LOCAL_RC_BAD_ARGUMENT;
    tpm_command_begin(&command, TPM2_CC_Load, TPM_AUTHORIZATION_EMPTY,
                      (const uint32_t[TPM_COMMAND_HANDLES]){parent});
    command.returns_handle = true;
    tpm_write_bytes(&command.parameters, key->private_blob, key->private_blob_size);
    tpm_write_bytes(&command.parameters, key->public_blob, key->public_blob_size);
    rc = tpm_command_run(tpm, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    tpm_objects_remember(tpm, response.handle);
    *ret_handle = response.handle;
    return TPM2_RC_SUCCESS;
}

uint32_t tpm_object_evict_control(struct tpm *tpm, uint32_t object, uint32_t persistent_handle)
{
    struct tpm_command command;
    struct tpm_response response;

    tpm_command_begin(&command, TPM2_CC_EvictControl, TPM_AUTHORIZATION_EMPTY,
                      (const uint32_t[TPM_COMMAND_HANDLES]){TPM2_RH_OWNER, object});
    tpm_write_u32(&command.parameters, persistent_handle);
    return owner_rc(tpm_command_run(tpm, &command, &response));
}

uint32_t tpm_object_compare(struct tpm *tpm, uint32_t handle, const uint8_t *public_blob, size_t size,
                            bool *ret_same)
{
    struct tpm_public_blob blob;
    uint32_t rc = tpm_object_read_public(tpm, handle, &blob);

    if (tpm_rc_is_no_object(rc)) {
        *ret_same = false;
        return TPM2_RC_SUCCESS;
    }
    if (rc == TPM2_RC_SUCCESS)
        *ret_same = blob.size == size && memcmp(blob.bytes, public_blob, size) == 0;
    return rc;
}
