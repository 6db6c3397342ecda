#include "response_code.h"

/* Format-one codes carry a number in bits 8 to 11 and "parameter" in bit 6 (TPM 2.0 part 2, 6.6.2). */
#define FORMAT_ONE      0x080U
#define FORMAT_ONE_BASE 0x0bfU

uint32_t tpm_rc_base(uint32_t rc)
{
    if ((rc & 0xffff0000U) == 0 && (rc & FORMAT_ONE) != 0)
        return rc & FORMAT_ONE_BASE;
    return rc;
}

bool tpm_rc_is_authorization(uint32_t rc)
{
    uint32_t base = tpm_rc_base(rc);

    return base == TPM2_RC_AUTH_FAIL || base == TPM2_RC_BAD_AUTH;
}

bool tpm_rc_is_memory(uint32_t rc)
{
    return rc == TPM2_RC_OBJECT_MEMORY || rc == TPM2_RC_SESSION_MEMORY || rc == TPM2_RC_MEMORY ||
           rc == TPM2_RC_SESSION_HANDLES || rc == TPM2_RC_OBJECT_HANDLES;
}

bool tpm_rc_is_retry(uint32_t rc)
{
    return rc == TPM2_RC_RETRY || rc == TPM2_RC_YIELDED || rc == TPM2_RC_TESTING || rc == TPM2_RC_NV_RATE ||
           rc == TPM2_RC_NV_UNAVAILABLE;
}

bool tpm_rc_is_no_object(uint32_t rc)
{
    return tpm_rc_base(rc) == TPM2_RC_HANDLE || (rc >= TPM2_RC_REFERENCE_H0 && rc <= TPM2_RC_REFERENCE_S6);
}

static const struct {
    uint32_t rc;
    enum tpm_status status;
} translations[] = {
    {TPM2_RC_SUCCESS, TPM_OK},
    {TPM2_RC_AUTH_FAIL, TPM_AUTH_FAILED},
    {TPM2_RC_BAD_AUTH, TPM_AUTH_FAILED},
    {TPM2_RC_LOCKOUT, TPM_LOCKED_OUT},
    {TPM2_RC_HIERARCHY, TPM_HIERARCHY_DENIED},
    {TPM2_RC_INTEGRITY, TPM_WRONG_KEY},
    {TPM2_RC_NV_SPACE, TPM_NO_SPACE},
    {TPM2_RC_CANCELED, TPM_CANCELED},
    {TPM2_RC_HASH, TPM_UNSUPPORTED},
    {TPM2_RC_SCHEME, TPM_UNSUPPORTED},
    {TPM2_RC_CURVE, TPM_UNSUPPORTED},
    {TPM2_RC_KEY_SIZE, TPM_UNSUPPORTED},
    {TPM2_RC_COMMAND_CODE, TPM_UNSUPPORTED},
    {LOCAL_RC_UNREACHABLE, TPM_UNREACHABLE},
    {LOCAL_RC_LOST, TPM_UNREACHABLE},
    {LOCAL_RC_TIMEOUT, TPM_UNREACHABLE},
    {LOCAL_RC_PERMISSION, TPM_PERMISSION},
    {LOCAL_RC_BUSY, TPM_BUSY},
    {LOCAL_RC_BAD_TCTI, TPM_BAD_TCTI},
    {LOCAL_RC_WRONG_KEY, TPM_WRONG_KEY},
    {LOCAL_RC_HIERARCHY, TPM_HIERARCHY_DENIED},
    {LOCAL_RC_UNSUPPORTED, TPM_UNSUPPORTED},
    {LOCAL_RC_BAD_ARGUMENT, TPM_BAD_ARGUMENT},
    {LOCAL_RC_NO_MEMORY, TPM_NO_MEMORY},
    {LOCAL_RC_NO_SPACE, TPM_NO_SPACE},
};

enum tpm_status tpm_status_from_rc(uint32_t rc)
{
    uint32_t base = tpm_rc_base(rc);

    for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++)
        if (translations[i].rc == base)
            return translations[i].status;
    if (tpm_rc_is_memory(rc) || tpm_rc_is_retry(rc))
        return TPM_BUSY;
    return TPM_FAILED;
}

static const char *const texts[] = {
    [TPM_OK] = "No error.",
    [TPM_UNREACHABLE] = "The TPM cannot be reached.",
    [TPM_PERMISSION] = "This user may not open the TPM device.",
    [TPM_BUSY] = "The TPM is in use by another program.",
    [TPM_BAD_TCTI] = "The TPM connection that is configured does not exist.",
    [TPM_AUTH_FAILED] = "The TPM refused the PIN.",
    [TPM_LOCKED_OUT] = "The TPM is locked after too many wrong PINs.",
    [TPM_WRONG_KEY] = "The key does not belong to this TPM, or the TPM was cleared.",
    [TPM_HIERARCHY_DENIED] = "The TPM's owner hierarchy is disabled or has an authorization.",
    [TPM_NO_SPACE] = "The TPM has no room for another persistent key.",
    [TPM_UNSUPPORTED] = "The TPM does not have this algorithm or key size.",
    [TPM_BAD_ARGUMENT] = "The request does not fit this key.",
    [TPM_CANCELED] = "The TPM command was canceled.",
    [TPM_NO_MEMORY] = "Out of memory.",
    [TPM_FAILED] = "The TPM reported an error.",
};

const char *tpm_status_text(enum tpm_status status)
{
    if ((size_t)status >= sizeof(texts) / sizeof(texts[0]))
        return texts[TPM_FAILED];
    return texts[status];
}
