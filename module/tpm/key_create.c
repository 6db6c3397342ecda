/* Making a device key under the storage root key (TPM 2.0 part 3, 12.1). */
#include <string.h>

#include <openssl/crypto.h>

#include "algorithm.h"
#include "command.h"
#include "tpm_object.h"
#include "operation.h"
#include "session_start.h"

struct creation {
    const struct tpm_key_request *request;
    const struct tpm_auth *auth;
    struct tpm_key key;
};

struct parent {
    uint32_t handle;   /* where it is now */
    uint32_t recorded; /* what the key file will say */
    struct tpm_public_blob public_blob;
    struct tpm_public_area area;
};

/* Somebody may store the same key there at the same time. */
static bool storage_root_store(struct tpm *tpm, const struct parent *parent)
{
    uint32_t rc = tpm_object_evict_control(tpm, parent->handle, TPM_SRK_HANDLE);
    bool same = false;

    if (rc == TPM2_RC_NV_DEFINED)
        rc = tpm_object_compare(tpm, TPM_SRK_HANDLE, parent->public_blob.bytes, parent->public_blob.size,
                                &same);
    else
        same = true;
    return rc == TPM2_RC_SUCCESS && same;
}

/* The storage root key for the moment; stored at its handle where that is free and allowed, as installers do.
 */
static uint32_t parent_make(struct tpm *tpm, bool store, struct parent *parent)
{
    uint32_t rc = tpm_object_create_storage_root(tpm, &parent->handle, &parent->public_blob);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    parent->recorded = TPM2_RH_OWNER;
    if (store && storage_root_store(tpm, parent)) {
        tpm_object_flush(tpm, parent->handle);
        parent->handle = parent->recorded = TPM_SRK_HANDLE;
    }
    if (!tpm_public_area_parse(parent->public_blob.bytes, parent->public_blob.size, &parent->area) ||
        !tpm_public_area_is_storage_root(&parent->area))
        return LOCAL_RC_MALFORMED;
    return TPM2_RC_SUCCESS;
}

/* The object at the storage root's handle may be an RSA key, or missing. */
static uint32_t parent_find(struct tpm *tpm, bool may_persist, struct parent *parent)
{
    uint32_t rc = tpm_object_read_public(tpm, TPM_SRK_HANDLE, &parent->public_blob);

    if (tpm_rc_is_no_object(rc))
        return parent_make(tpm, may_persist, parent);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (!tpm_public_area_parse(parent->public_blob.bytes, parent->public_blob.size, &parent->area) ||
        !tpm_public_area_is_storage_root(&parent->area))
        return parent_make(tpm, false, parent);
    parent->handle = parent->recorded = TPM_SRK_HANDLE;
    return TPM2_RC_SUCCESS;
}

static bool key_is_as_requested(const struct tpm_key_request *request, const struct tpm_public_key *key)
{
    if (request->type != key->type)
        return false;
    return key->type == TPM_KEY_RSA ? key->bits == request->bits : key->curve == request->curve;
}

static uint32_t key_read(const struct tpm_key_request *request, struct tpm_reader *reader,
                         struct tpm_key *key)
{
    if (!tpm_read_blob(reader, key->private_blob, TPM_BLOB_MAX, &key->private_blob_size) ||
        !tpm_read_blob(reader, key->public_blob, TPM_BLOB_MAX, &key->public_blob_size) ||
        !tpm_public_parse(key->public_blob, key->public_blob_size, &key->public_key) ||
        !key_is_as_requested(request, &key->public_key))
        return LOCAL_RC_MALFORMED;
    return TPM2_RC_SUCCESS;
}

static uint32_t key_make(struct tpm *tpm, struct creation *creation, const struct parent *parent)
{
    const bool has_auth = creation->auth != NULL;
    struct tpm_session session = {0};
    struct tpm_command command = {.code = TPM2_CC_Create,
                                  .authorization =
                                      has_auth ? TPM_AUTHORIZATION_SESSION : TPM_AUTHORIZATION_EMPTY,
                                  .session = {.session = &session, .handle_count = 1, .encrypts = true}};
    TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA outside_info = {0};
    const TPML_PCR_SELECTION pcrs = {0};
    TPM2B_PUBLIC template;
    struct tpm_response response;
    uint32_t rc = TPM2_RC_SUCCESS;

    if (has_auth) {
        rc = tpm_session_start(tpm, parent->handle, &parent->area.key, &session);
        if (rc != TPM2_RC_SUCCESS)
            return rc;
        tpm_public_name(parent->public_blob.bytes, parent->public_blob.size, command.session.names[0]);
        sensitive.sensitive.userAuth.size = TPM_AUTH_SIZE;
        memcpy(sensitive.sensitive.userAuth.buffer, creation->auth->value, TPM_AUTH_SIZE);
    }
    tpm_public_template_device_key(creation->request, has_auth, &template);
    rc = Tss2_Sys_Create_Prepare(tpm_command_begin(tpm), parent->handle, &sensitive, &template, &outside_info,
                                 &pcrs);
    rc = tpm_command_run(tpm, rc, &command, &response);
    OPENSSL_cleanse(&sensitive, sizeof(sensitive));
    OPENSSL_cleanse(&session, sizeof(session));
    return rc == TPM2_RC_SUCCESS ? key_read(creation->request, &response.parameters, &creation->key) : rc;
}

/* The owner of a storage root key at the handle may have given it an authorization: then it is not for us. */
static bool rc_is_refusal_of_parent(uint32_t rc)
{
    return tpm_rc_is_authorization(rc) || rc == TPM2_RC_LOCKOUT;
}

static uint32_t create_run(struct tpm *tpm, void *context)
{
    struct creation *creation = context;
    struct tpm_key *key = &creation->key;
    struct parent parent;
    uint32_t rc = parent_find(tpm, creation->request->may_persist, &parent);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    rc = key_make(tpm, creation, &parent);
    if (rc_is_refusal_of_parent(rc) && parent.handle == TPM_SRK_HANDLE) {
        tpm_objects_flush(tpm);
        rc = parent_make(tpm, false, &parent);
        if (rc == TPM2_RC_SUCCESS)
            rc = key_make(tpm, creation, &parent);
    }
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    key->parent = parent.recorded;
    memcpy(key->parent_public, parent.public_blob.bytes, parent.public_blob.size);
    key->parent_public_size = parent.public_blob.size;
    return TPM2_RC_SUCCESS;
}

static bool request_is_possible(const struct tpm_key_request *request)
{
    if (request->type == TPM_KEY_RSA)
        return request->bits == 2048 || request->bits == 3072 || request->bits == 4096;
    return request->type == TPM_KEY_EC && curve_algorithm_find(request->curve) != NULL;
}

enum tpm_status tpm_key_create(struct tpm *tpm, const struct tpm_key_request *request,
                               const struct tpm_auth *auth, const uint8_t *pin_salt, struct tpm_key *ret_key)
{
    struct creation creation = {.request = request, .auth = auth};
    enum tpm_status status;

    if (!request_is_possible(request) || (auth == NULL) != (pin_salt == NULL))
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    status = tpm_operation_run(tpm, __func__, NULL, create_run, &creation);
    /* TPM_RC_VALUE is how many TPMs refuse a size that they do not have. */
    if (status == TPM_FAILED && tpm_rc_base(tpm->last_rc) == TPM2_RC_VALUE)
        return TPM_UNSUPPORTED;
    if (status != TPM_OK)
        return status;
    creation.key.has_pin = auth != NULL;
    if (pin_salt != NULL)
        memcpy(creation.key.pin_salt, pin_salt, TPM_PIN_SALT_SIZE);
    *ret_key = creation.key;
    return TPM_OK;
}
