#include "tpm_error.h"

enum enroll_exit install_tpm_error(struct enroll_error *error, struct tpm *tpm, enum tpm_status status,
                                   const char *what)
{
    static const struct {
        enum tpm_status status;
        const char *advice;
    } advices[] = {
        {TPM_UNREACHABLE,
         "check that the machine has a TPM 2.0, switched on in its firmware (ls /dev/tpmrm0), or name "
         "another with --tcti"},
        {TPM_PERMISSION, "run as root or as a member of group tss"},
        {TPM_BUSY, "something else holds the TPM; use /dev/tpmrm0, which shares it, and try again"},
        {TPM_BAD_TCTI, "write it as device:/dev/tpmrm0, swtpm:path=SOCKET or tabrmd:"},
        {TPM_LOCKED_OUT, "wait for the lock-out to pass, or clear it with tpm2_dictionarylockout"},
        {TPM_AUTH_FAILED, "give the PIN of the key"},
        {TPM_WRONG_KEY, "the TPM was cleared or exchanged: enrol again with intune-enroll enroll --replace"},
        {TPM_HIERARCHY_DENIED,
         "the owner hierarchy has an authorization: enrol with --no-persistent, or take it away"},
        {TPM_NO_SPACE,
         "free a persistent handle (tpm2_getcap handles-persistent), or enrol with --no-persistent"},
        {TPM_UNSUPPORTED, "ask for another key with --key"},
    };
    const char *advice = "try again; a TPM that keeps failing may need a power cycle";
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        if (advices[i].status == status)
            advice = advices[i].advice;
    }
    if (status == TPM_FAILED)
        return enroll_error_set(error, ENROLL_TPM, advice, "%s: %s (TPM response 0x%x)", what,
                                tpm_status_text(status), (unsigned)tpm_last_response_code(tpm));
    return enroll_error_set(error, ENROLL_TPM, advice, "%s: %s", what, tpm_status_text(status));
}
