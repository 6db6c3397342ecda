/* Where a call failed, for logs. */
#include <stdio.h>

#include "context.h"

/* Arrays and not pointers, which would be relocated in every process. */
static const struct {
    uint32_t code;
    char name[24];
} commands[] = {
    {TPM2_CC_Create, "TPM2_Create"},
    {TPM2_CC_CreatePrimary, "TPM2_CreatePrimary"},
    {TPM2_CC_EvictControl, "TPM2_EvictControl"},
    {TPM2_CC_FlushContext, "TPM2_FlushContext"},
    {TPM2_CC_GetCapability, "TPM2_GetCapability"},
    {TPM2_CC_Load, "TPM2_Load"},
    {TPM2_CC_ObjectChangeAuth, "TPM2_ObjectChangeAuth"},
    {TPM2_CC_ReadPublic, "TPM2_ReadPublic"},
    {TPM2_CC_RSA_Decrypt, "TPM2_RSA_Decrypt"},
    {TPM2_CC_Sign, "TPM2_Sign"},
    {TPM2_CC_StartAuthSession, "TPM2_StartAuthSession"},
    {TPM2_CC_Startup, "TPM2_Startup"},
    {TPM2_CC_TestParms, "TPM2_TestParms"},
};

/* TPM 2.0 part 2, 6.6.3; and the codes of response_code.h. */
static const struct {
    uint32_t rc;
    char meaning[32];
} meanings[] = {
    {TPM2_RC_ATTRIBUTES, "TPM_RC_ATTRIBUTES"},
    {TPM2_RC_AUTH_FAIL, "TPM_RC_AUTH_FAIL"},
    {TPM2_RC_BAD_AUTH, "TPM_RC_BAD_AUTH"},
    {TPM2_RC_CANCELED, "TPM_RC_CANCELED"},
    {TPM2_RC_COMMAND_CODE, "TPM_RC_COMMAND_CODE"},
    {TPM2_RC_CONTEXT_GAP, "TPM_RC_CONTEXT_GAP"},
    {TPM2_RC_CURVE, "TPM_RC_CURVE"},
    {TPM2_RC_FAILURE, "TPM_RC_FAILURE"},
    {TPM2_RC_HANDLE, "TPM_RC_HANDLE"},
    {TPM2_RC_HASH, "TPM_RC_HASH"},
    {TPM2_RC_HIERARCHY, "TPM_RC_HIERARCHY"},
    {TPM2_RC_INITIALIZE, "TPM_RC_INITIALIZE"},
    {TPM2_RC_INTEGRITY, "TPM_RC_INTEGRITY"},
    {TPM2_RC_KEY, "TPM_RC_KEY"},
    {TPM2_RC_LOCKOUT, "TPM_RC_LOCKOUT"},
    {TPM2_RC_NV_RATE, "TPM_RC_NV_RATE"},
    {TPM2_RC_NV_SPACE, "TPM_RC_NV_SPACE"},
    {TPM2_RC_OBJECT_MEMORY, "TPM_RC_OBJECT_MEMORY"},
    {TPM2_RC_RETRY, "TPM_RC_RETRY"},
    {TPM2_RC_SCHEME, "TPM_RC_SCHEME"},
    {TPM2_RC_SESSION_HANDLES, "TPM_RC_SESSION_HANDLES"},
    {TPM2_RC_SESSION_MEMORY, "TPM_RC_SESSION_MEMORY"},
    {TPM2_RC_SIZE, "TPM_RC_SIZE"},
    {TPM2_RC_TESTING, "TPM_RC_TESTING"},
    {TPM2_RC_TYPE, "TPM_RC_TYPE"},
    {TPM2_RC_VALUE, "TPM_RC_VALUE"},
    {TPM2_RC_YIELDED, "TPM_RC_YIELDED"},
    {LOCAL_RC_UNREACHABLE, "cannot connect"},
    {LOCAL_RC_PERMISSION, "permission denied"},
    {LOCAL_RC_BUSY, "device busy"},
    {LOCAL_RC_BAD_TCTI, "no such TCTI or device"},
    {LOCAL_RC_LOST, "connection lost"},
    {LOCAL_RC_MALFORMED, "malformed response"},
    {LOCAL_RC_HMAC, "wrong HMAC in the response"},
    {LOCAL_RC_NOT_VERIFIED, "signature does not verify"},
    {LOCAL_RC_WRONG_KEY, "not a key of this TPM"},
    {LOCAL_RC_HIERARCHY, "refused by the owner hierarchy"},
    {LOCAL_RC_UNSUPPORTED, "not supported by this TPM"},
    {LOCAL_RC_BAD_ARGUMENT, "bad argument"},
    {LOCAL_RC_NO_MEMORY, "out of memory"},
    {LOCAL_RC_NO_SPACE, "no free persistent handle"},
    {LOCAL_RC_TIMEOUT, "no response in time"},
};

static const char *command_name(uint32_t code)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (commands[i].code == code)
            return commands[i].name;
    return "no command";
}

static const char *rc_meaning(uint32_t rc)
{
    const uint32_t base = tpm_rc_base(rc);

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].rc == base)
            return meanings[i].meaning;
    return "TPM 2.0 part 2, 6.6";
}

void tpm_failure_describe(const struct tpm *tpm, char *ret_text, size_t size)
{
    snprintf(ret_text, size, "%s: %s: 0x%08x, %s",
             tpm->failed_function != NULL ? tpm->failed_function : "no function",
             command_name(tpm->failed_command), (unsigned)tpm->last_rc, rc_meaning(tpm->last_rc));
}
