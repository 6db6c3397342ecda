#include "tpm_object.h"

#include <string.h>

#include "command.h"

/* What the owner hierarchy refuses is not about a PIN. */
static uint32_t owner_rc(uint32_t rc)
{
    if (tpm_rc_is_authorization(rc) || tpm_rc_base(rc) == TPM2_RC_HIERARCHY)
        return LOCAL_RC_HIERARCHY;
    return rc;
}

static bool public_read(struct tpm_reader *reader, struct tpm_public_blob *ret_public)
{
    return tpm_read_blob(reader, ret_public->bytes, sizeof(ret_public->bytes), &ret_public->size);
}

uint32_t tpm_object_create_storage_root(struct tpm *tpm, uint32_t *ret_handle,
                                        struct tpm_public_blob *ret_public)
{
    const struct tpm_command command = {
        .code = TPM2_CC_CreatePrimary, .authorization = TPM_AUTHORIZATION_EMPTY, .returns_handle = true};
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside_info = {0};
    const TPML_PCR_SELECTION pcrs = {0};
    TPM2B_PUBLIC template;
    struct tpm_response response;

    tpm_public_template_storage_root(&template);
    uint32_t rc = Tss2_Sys_CreatePrimary_Prepare(tpm_command_begin(tpm), TPM2_RH_OWNER, &sensitive, &template,
                                                 &outside_info, &pcrs);
    rc = tpm_command_run(tpm, rc, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        return owner_rc(rc);
    tpm_loaded_objects_add(&tpm->loaded, response.handle);
    if (!public_read(&response.parameters, ret_public)) /* creation data, hash, ticket and name follow */
        return LOCAL_RC_MALFORMED;
    *ret_handle = response.handle;
    return TPM2_RC_SUCCESS;
}

uint32_t tpm_object_read_public(struct tpm *tpm, uint32_t handle, struct tpm_public_blob *ret_public)
{
    const struct tpm_command command = {.code = TPM2_CC_ReadPublic};
    struct tpm_response response;
    uint32_t rc = Tss2_Sys_ReadPublic_Prepare(tpm_command_begin(tpm), handle);

    rc = tpm_command_run(tpm, rc, &command, &response);
    if (rc == TPM2_RC_SUCCESS && !public_read(&response.parameters, ret_public))
        rc = LOCAL_RC_MALFORMED;
    return rc;
}

uint32_t tpm_object_load(struct tpm *tpm, uint32_t parent, const struct tpm_key *key, uint32_t *ret_handle)
{
    const struct tpm_command command = {
        .code = TPM2_CC_Load, .authorization = TPM_AUTHORIZATION_EMPTY, .returns_handle = true};
    struct tpm_reader reader = {.data = key->private_blob, .size = key->private_blob_size};
    TPM2B_PRIVATE private_area = {0};
    TPM2B_PUBLIC public_area;
    struct tpm_response response;
    size_t size;
    const uint8_t *bytes = tpm_read_sized(&reader, sizeof(private_area.buffer), &size);

    if (!tpm_read_complete(&reader) || size == 0 ||
        !tpm_public_area_decode(key->public_blob, key->public_blob_size, &public_area))
        return LOCAL_RC_BAD_ARGUMENT;
    private_area.size = (uint16_t)size;
    memcpy(private_area.buffer, bytes, size);
    uint32_t rc = Tss2_Sys_Load_Prepare(tpm_command_begin(tpm), parent, &private_area, &public_area);
    rc = tpm_command_run(tpm, rc, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    tpm_loaded_objects_add(&tpm->loaded, response.handle);
    *ret_handle = response.handle;
    return TPM2_RC_SUCCESS;
}

uint32_t tpm_object_evict_control(struct tpm *tpm, uint32_t object, uint32_t persistent_handle)
{
    const struct tpm_command command = {.code = TPM2_CC_EvictControl,
                                        .authorization = TPM_AUTHORIZATION_EMPTY};
    struct tpm_response response;
    uint32_t rc =
        Tss2_Sys_EvictControl_Prepare(tpm_command_begin(tpm), TPM2_RH_OWNER, object, persistent_handle);

    return owner_rc(tpm_command_run(tpm, rc, &command, &response));
}

/* A failure leaves nothing else to do. */
void tpm_object_flush(struct tpm *tpm, uint32_t handle)
{
    const struct tpm_command command = {.code = TPM2_CC_FlushContext};
    const uint32_t last_rc = tpm->last_rc, failed_command = tpm->failed_command;
    struct tpm_response response;
    uint32_t rc = Tss2_Sys_FlushContext_Prepare(tpm_command_begin(tpm), handle);

    if (tpm_command_run(tpm, rc, &command, &response) != TPM2_RC_SUCCESS) {
        tpm->last_rc = last_rc;
        tpm->failed_command = failed_command;
    }
    tpm_loaded_objects_remove(&tpm->loaded, handle);
}

void tpm_objects_flush(struct tpm *tpm)
{
    while (tpm->loaded.count > 0)
        tpm_object_flush(tpm, tpm->loaded.handles[tpm->loaded.count - 1]);
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
