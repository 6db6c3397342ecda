#include "command.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "back_off.h"
#include "connection.h"
#include "loaded_objects.h"
#include "tcti.h"

TSS2_SYS_CONTEXT *tpm_command_begin(struct tpm *tpm)
{
    TSS2_ABI_VERSION version = TSS2_ABI_VERSION_CURRENT;
    const size_t size = Tss2_Sys_GetContextSize(TPM_MESSAGE_MAX);

    if (tpm->sapi == NULL) {
        tpm_tcti_initialize(tpm);
        tpm->sapi = calloc(1, size);
    }
    /* each time: a transport's failure leaves a context waiting for the response */
    if (tpm->sapi == NULL || Tss2_Sys_Initialize(tpm->sapi, size, (TSS2_TCTI_CONTEXT *)&tpm->interface,
                                                 &version) != TSS2_RC_SUCCESS)
        return NULL;
    return tpm->sapi;
}

static uint32_t first_parameter_encrypt(TSS2_SYS_CONTEXT *sapi, const struct tpm_session_use *use)
{
    uint8_t content[128];
    const uint8_t *plain;
    size_t size;
    TSS2_RC rc = Tss2_Sys_GetDecryptParam(sapi, &size, &plain);

    if (rc != TSS2_RC_SUCCESS || size > sizeof(content))
        return LOCAL_RC_BAD_ARGUMENT;
    if (size == 0)
        return TPM2_RC_SUCCESS;
    memcpy(content, plain, size);
    tpm_session_encrypt(use, content, size);
    rc = Tss2_Sys_SetDecryptParam(sapi, size, content);
    OPENSSL_cleanse(content, sizeof(content));
    return rc;
}

static uint32_t authorization_set(TSS2_SYS_CONTEXT *sapi, enum tpm_authorization authorization,
                                  const struct tpm_session_use *use)
{
    TSS2L_SYS_AUTH_COMMAND auths = {.count = 1};
    const uint8_t *parameters;
    size_t size;
    uint32_t rc = TPM2_RC_SUCCESS;

    if (authorization == TPM_AUTHORIZATION_NONE)
        return TPM2_RC_SUCCESS;
    if (authorization == TPM_AUTHORIZATION_EMPTY) {
        auths.auths[0].sessionHandle = TPM2_RS_PW;
        auths.auths[0].sessionAttributes = TPMA_SESSION_CONTINUESESSION;
        return Tss2_Sys_SetCmdAuths(sapi, &auths);
    }
    rc = tpm_session_nonce_renew(use->session);
    if (rc == TPM2_RC_SUCCESS && use->encrypts)
        rc = first_parameter_encrypt(sapi, use);
    if (rc == TPM2_RC_SUCCESS)
        rc = Tss2_Sys_GetCpBuffer(sapi, &size, &parameters);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    tpm_session_authorize(use, parameters, size, &auths.auths[0]);
    return Tss2_Sys_SetCmdAuths(sapi, &auths);
}

/* The response to a password is empty: no nonce, no HMAC. */
static uint32_t password_check(struct tpm_reader *authorization)
{
    size_t size;

    (void)tpm_read_sized(authorization, 0, &size);
    (void)tpm_read_u8(authorization);
    (void)tpm_read_sized(authorization, 0, &size);
    return tpm_read_complete(authorization) ? TPM2_RC_SUCCESS : LOCAL_RC_MALFORMED;
}

/* A successful response, whose header tcti.c has checked. */
static uint32_t response_parse(struct tpm *tpm, const struct tpm_command *command,
                               const struct tpm_session_use *use, struct tpm_response *ret_response)
{
    const bool authorized = command->authorization != TPM_AUTHORIZATION_NONE;
    struct tpm_reader reader = {.data = tpm->response, .size = tpm->response_size};
    uint16_t tag = tpm_read_u16(&reader);

    (void)tpm_read_bytes(&reader, TPM_HEADER_SIZE - sizeof(tag));
    if (tag != (authorized ? TPM2_ST_SESSIONS : TPM2_ST_NO_SESSIONS))
        return LOCAL_RC_MALFORMED;
    if (command->authorization == TPM_AUTHORIZATION_SESSION)
        tpm_loaded_objects_remove(&tpm->loaded, use->session->handle); /* continueSession was clear */
    ret_response->handle = command->returns_handle ? tpm_read_u32(&reader) : 0;
    const size_t size = authorized ? tpm_read_u32(&reader) : reader.size;
    ret_response->parameters = (struct tpm_reader){.size = size};
    ret_response->parameters.data = tpm_read_bytes(&reader, size);
    if (reader.failed)
        return LOCAL_RC_MALFORMED;
    if (command->authorization == TPM_AUTHORIZATION_SESSION)
        return tpm_session_check(use, ret_response->parameters.data, size, &reader);
    return authorized ? password_check(&reader) : TPM2_RC_SUCCESS;
}

/* A code of tss2-sys itself: the response is malformed. */
static uint32_t rc_without_sapi(uint32_t rc)
{
    return (rc & TSS2_RC_LAYER_MASK) == TSS2_SYS_RC_LAYER ? LOCAL_RC_MALFORMED : rc;
}

uint32_t tpm_command_run(struct tpm *tpm, TSS2_RC prepared, const struct tpm_command *command,
                         struct tpm_response *ret_response)
{
    struct tpm_session_use use = command->session;
    struct tpm_back_off back_off = {0};
    uint32_t rc = prepared;

    use.code = command->code;
    if (rc == TPM2_RC_SUCCESS)
        rc = authorization_set(tpm->sapi, command->authorization, &use);
    if (rc != TPM2_RC_SUCCESS)
        rc = tpm->sapi == NULL ? LOCAL_RC_NO_MEMORY : rc == TPM2_RC_FAILURE ? rc : LOCAL_RC_BAD_ARGUMENT;
    else
        do {
            rc = tpm_connection_open(tpm);
            if (rc == TPM2_RC_SUCCESS)
                rc = Tss2_Sys_ExecuteAsync(tpm->sapi);
            if (rc == TPM2_RC_SUCCESS)
                rc = Tss2_Sys_ExecuteFinish(tpm->sapi, TSS2_TCTI_TIMEOUT_BLOCK);
            rc = rc_without_sapi(rc);
            if (rc == TPM2_RC_SUCCESS)
                rc = response_parse(tpm, command, &use, ret_response);
        } while (tpm_rc_is_retry(rc) && tpm_back_off_wait(&back_off, tpm->timeout_seconds));
    if (rc != TPM2_RC_SUCCESS) {
        tpm->last_rc = rc;
        tpm->failed_command = command->code;
    }
    return rc;
}
