#include "capability.h"

#include <string.h>

#include "command.h"

/*
 * TPMS_CAPABILITY_DATA up to the list; its first number is the list's length. Not by tss2-mu, which prints to
 * stderr about a list that is too long (tests/unit/test-tpm-tss.c shows it).
 */
static uint32_t capability_send(struct tpm *tpm, uint32_t capability, uint32_t property, uint32_t count,
                                struct tpm_response *ret_response, bool *ret_more, uint32_t *ret_count)
{
    const struct tpm_command command = {.code = TPM2_CC_GetCapability};
    uint32_t rc = Tss2_Sys_GetCapability_Prepare(tpm_command_begin(tpm), capability, property, count);

    rc = tpm_command_run(tpm, rc, &command, ret_response);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    *ret_more = tpm_read_u8(&ret_response->parameters) != 0;
    if (tpm_read_u32(&ret_response->parameters) != capability)
        return LOCAL_RC_MALFORMED;
    *ret_count = tpm_read_u32(&ret_response->parameters);
    return ret_response->parameters.failed ? LOCAL_RC_MALFORMED : TPM2_RC_SUCCESS;
}

uint32_t tpm_capability_properties(struct tpm *tpm, uint32_t first, size_t count, uint32_t *ret_values)
{
    struct tpm_response response;
    uint32_t rc, given;
    bool more;

    memset(ret_values, 0, count * sizeof(ret_values[0]));
    rc = capability_send(tpm, TPM2_CAP_TPM_PROPERTIES, first, (uint32_t)count, &response, &more, &given);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (given > response.parameters.size / 8)
        return LOCAL_RC_MALFORMED;
    for (uint32_t i = 0; i < given; i++) {
        uint32_t property = tpm_read_u32(&response.parameters), value = tpm_read_u32(&response.parameters);

        if (property >= first && property - first < count)
            ret_values[property - first] = value;
    }
    return tpm_read_complete(&response.parameters) ? TPM2_RC_SUCCESS : LOCAL_RC_MALFORMED;
}

uint32_t tpm_capability_handles(struct tpm *tpm, uint32_t first, uint32_t last, uint32_t *ret_handles,
                                size_t capacity, size_t *ret_count)
{
    struct tpm_response response;
    uint32_t next = first, given = 0;
    size_t count = 0;
    bool more = true;

    while (more && count < capacity && next <= last) {
        uint32_t rc = capability_send(tpm, TPM2_CAP_HANDLES, next, (uint32_t)(capacity - count), &response,
                                      &more, &given);

        if (rc != TPM2_RC_SUCCESS)
            return rc;
        if (given > response.parameters.size / 4 || given > capacity - count || (more && given == 0))
            return LOCAL_RC_MALFORMED;
        for (uint32_t i = 0; i < given; i++) {
            uint32_t handle = tpm_read_u32(&response.parameters);

            if (handle < next)
                return LOCAL_RC_MALFORMED; /* they come in order, and never again */
            next = handle + 1;
            if (handle > last) {
                more = false;
                break;
            }
            ret_handles[count++] = handle;
        }
    }
    *ret_count = count;
    return TPM2_RC_SUCCESS;
}

uint32_t tpm_capability_has_key(struct tpm *tpm, const struct tpm_key_request *request, bool *ret_has)
{
    const struct tpm_command command = {.code = TPM2_CC_TestParms};
    TPMT_PUBLIC_PARMS parameters;
    struct tpm_response response;

    tpm_public_template_parameters(request, &parameters);
    uint32_t rc = Tss2_Sys_TestParms_Prepare(tpm_command_begin(tpm), &parameters);
    rc = tpm_command_run(tpm, rc, &command, &response);
    *ret_has = rc == TPM2_RC_SUCCESS;
    /* A format-one code is about the parameters, which is the answer "no". */
    return (rc & 0xffff0000U) == 0 && (rc & TPM2_RC_FMT1) != 0 ? TPM2_RC_SUCCESS : rc;
}
