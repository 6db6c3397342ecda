/* The commands on keys that several operations need. What they load is flushed at the end of
 * the call. */
#ifndef INTUNE_TPM_OBJECT_H
#define INTUNE_TPM_OBJECT_H

#include "context.h"
#include "public_area.h"

/* A TPM2B_PUBLIC. */
struct tpm_public_blob {
    uint8_t bytes[TPM_BLOB_MAX];
    size_t size;
};

/* TPM2_CreatePrimary of the TCG ECC P-256 storage root key under the owner. LOCAL_RC_HIERARCHY when the owner
 * forbids it. */
uint32_t tpm_object_create_storage_root(struct tpm *tpm, uint32_t *ret_handle,
                                        struct tpm_public_blob *ret_public)
    __attribute__((warn_unused_result));
/* TPM2_ReadPublic. */
uint32_t tpm_object_read_public(struct tpm *tpm, uint32_t handle, struct tpm_public_blob *ret_public)
    __attribute__((warn_unused_result));
/* TPM2_Load of the key's blobs under `parent`, whose authorization is empty. */
uint32_t tpm_object_load(struct tpm *tpm, uint32_t parent, const struct tpm_key *key, uint32_t *ret_handle)
    __attribute__((warn_unused_result));
/* TPM2_EvictControl under the owner, who has no authorization: stores a loaded object, or removes a
 * persistent one. */
uint32_t tpm_object_evict_control(struct tpm *tpm, uint32_t object, uint32_t persistent_handle)
    __attribute__((warn_unused_result));

/* TPM2_FlushContext of one loaded object or session, or of all of the running call, the last one first. */
void tpm_object_flush(struct tpm *tpm, uint32_t handle);
void tpm_objects_flush(struct tpm *tpm);

/* The object at a handle is the one whose TPM2B_PUBLIC is given. False also when nothing is there. */
uint32_t tpm_object_compare(struct tpm *tpm, uint32_t handle, const uint8_t *public_blob, size_t size,
                            bool *ret_same) __attribute__((warn_unused_result));

#endif
