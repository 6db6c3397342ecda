#include "tcti.h"

#include <string.h>

#include "connection.h"
#include "wire.h"

#define TCTI_MAGIC 0x494e54554e453031ULL

/* Resource managers put their layer's number before a TPM code that they return in the TPM's place. */
static uint32_t rc_without_manager(uint32_t rc)
{
    uint32_t layer = rc & TSS2_RC_LAYER_MASK;

    return layer == TSS2_RESMGR_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER ? rc & ~TSS2_RC_LAYER_MASK : rc;
}

/* The header is consistent; a failure is nothing but a header, with a code of the TPM. */
static uint32_t header_check(struct tpm *tpm, size_t received)
{
    struct tpm_reader reader = {.data = tpm->response, .size = received};
    uint16_t tag = tpm_read_u16(&reader);
    uint32_t size = tpm_read_u32(&reader);
    uint32_t rc = rc_without_manager(tpm_read_u32(&reader));

    if (reader.failed || size != received || (rc & TSS2_RC_LAYER_MASK) != 0)
        return LOCAL_RC_MALFORMED;
    if (rc == TPM2_RC_SUCCESS)
        return tag == TPM2_ST_SESSIONS || tag == TPM2_ST_NO_SESSIONS ? TPM2_RC_SUCCESS : LOCAL_RC_MALFORMED;
    if (reader.size != 0)
        return LOCAL_RC_MALFORMED;
    if (tag == TPM2_ST_RSP_COMMAND) /* a TPM 1.2 */
        return rc;
    for (size_t i = 0; i < sizeof(rc); i++)
        tpm->response[6 + i] = (uint8_t)(rc >> (24 - 8 * i));
    return tag == TPM2_ST_NO_SESSIONS ? TPM2_RC_SUCCESS : LOCAL_RC_MALFORMED;
}

static TSS2_RC tcti_transmit(TSS2_TCTI_CONTEXT *context, size_t size, const uint8_t *command)
{
    struct tpm *tpm = (struct tpm *)context;

    tpm->response_size = 0;
    return tpm->transport->transmit(tpm, command, size);
}

/* tss2-sys 4 calls it twice: without a buffer for the size, then for the response. */
static TSS2_RC tcti_receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *response, int32_t timeout)
{
    struct tpm *tpm = (struct tpm *)context;

    (void)timeout; /* the transport's own */
    if (tpm->response_size == 0) {
        size_t received = 0;
        uint32_t rc = tpm->transport->receive(tpm, tpm->response, &received);

        if (rc == TPM2_RC_SUCCESS)
            rc = header_check(tpm, received);
        if (rc != TPM2_RC_SUCCESS)
            return rc;
        tpm->response_size = received;
    }
    if (response != NULL) {
        if (*size < tpm->response_size)
            return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
        memcpy(response, tpm->response, tpm->response_size);
    }
    *size = tpm->response_size;
    return TPM2_RC_SUCCESS;
}

void tpm_tcti_initialize(struct tpm *tpm)
{
    tpm->interface = (TSS2_TCTI_CONTEXT_COMMON_V1){
        .magic = TCTI_MAGIC, .version = 1, .transmit = tcti_transmit, .receive = tcti_receive};
}
