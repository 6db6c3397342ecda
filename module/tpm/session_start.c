#include "session_start.h"

#include <string.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "command.h"
#include "curve.h"
#include "kdf.h"

#define SALT_ATTEMPTS  64
#define NONCE_SIZE_MIN 16

/*
 * TPM 2.0 part 1, C.6.1: an ephemeral key, and the salt from its ECDH with the storage key. TPMs differ in
 * whether KDFe sees the leading zero bytes of a coordinate, so a key for which that matters is not used.
 */
static uint32_t salt_agree(struct tpm *tpm, const struct tpm_public_key *parent,
                           TPM2B_ENCRYPTED_SECRET *ret_secret, uint8_t ret_salt[TPM_SHA256_SIZE])
{
    TPMS_ECC_POINT point = {.x.size = TPM_P256_SIZE, .y.size = TPM_P256_SIZE};
    uint8_t z[TPM_P256_SIZE];
    uint32_t rc = LOCAL_RC_NO_MEMORY;

    for (unsigned i = 0; i < SALT_ATTEMPTS; i++) {
        rc = tpm_curve_agree(tpm, parent, point.x.buffer, point.y.buffer, z);
        if (rc != TPM2_RC_SUCCESS || (point.x.buffer[0] != 0 && z[0] != 0))
            break;
    }
    if (rc == TPM2_RC_SUCCESS) {
        size_t size = 0;

        rc = Tss2_MU_TPMS_ECC_POINT_Marshal(&point, ret_secret->secret, sizeof(ret_secret->secret), &size);
        ret_secret->size = (uint16_t)size;
        tpm_kdfe(&(struct tpm_part){z, TPM_P256_SIZE}, "SECRET",
                 &(struct tpm_part){point.x.buffer, TPM_P256_SIZE},
                 &(struct tpm_part){parent->x, TPM_P256_SIZE}, ret_salt);
    }
    OPENSSL_cleanse(z, sizeof(z));
    return rc;
}

uint32_t tpm_session_start(struct tpm *tpm, uint32_t parent, const struct tpm_public_key *parent_public,
                           struct tpm_session *ret_session)
{
    static const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    const struct tpm_command command = {.code = TPM2_CC_StartAuthSession, .returns_handle = true};
    struct tpm_session session = {0};
    TPM2B_NONCE nonce_caller = {.size = sizeof(session.nonce_caller)};
    TPM2B_ENCRYPTED_SECRET secret = {0};
    uint8_t salt[TPM_SHA256_SIZE] = {0};
    struct tpm_response response;
    uint32_t rc = tpm_session_nonce_renew(&session);

    if (rc == TPM2_RC_SUCCESS)
        rc = salt_agree(tpm, parent_public, &secret, salt);
    if (rc != TPM2_RC_SUCCESS)
        goto out;
    memcpy(nonce_caller.buffer, session.nonce_caller, sizeof(session.nonce_caller));
    rc = Tss2_Sys_StartAuthSession_Prepare(tpm_command_begin(tpm), parent, TPM2_RH_NULL, &nonce_caller,
                                           &secret, TPM2_SE_HMAC, &symmetric, TPM2_ALG_SHA256);
    rc = tpm_command_run(tpm, rc, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        goto out;
    session.handle = response.handle;
    tpm_loaded_objects_add(&tpm->loaded, session.handle);
    const uint8_t *nonce = tpm_read_sized(&response.parameters, TPM_NONCE_MAX, &session.nonce_tpm_size);
    if (nonce == NULL || !tpm_read_complete(&response.parameters) ||
        session.nonce_tpm_size < NONCE_SIZE_MIN) {
        rc = LOCAL_RC_MALFORMED;
        goto out;
    }
    memcpy(session.nonce_tpm, nonce, session.nonce_tpm_size);
    tpm_kdfa(&(struct tpm_part){salt, sizeof(salt)}, "ATH",
             &(struct tpm_part){session.nonce_tpm, session.nonce_tpm_size},
             &(struct tpm_part){session.nonce_caller, sizeof(session.nonce_caller)}, session.key);
    *ret_session = session;
out:
    OPENSSL_cleanse(salt, sizeof(salt));
    OPENSSL_cleanse(&session, sizeof(session));
    return rc;
}
