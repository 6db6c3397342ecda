#include "tpm-wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <tss2/tss2_tpm2_types.h>

#define COMMAND(name, handles)                                                                               \
    {                                                                                                        \
        TPM2_CC_##name, #name, handles, false                                                                \
    }
#define RETURNING(name, handles)                                                                             \
    {                                                                                                        \
        TPM2_CC_##name, #name, handles, true                                                                 \
    }

static const struct tpm_command commands[] = {
    COMMAND(EvictControl, 2),
    COMMAND(HierarchyControl, 1),
    COMMAND(NV_UndefineSpace, 2),
    COMMAND(Clear, 1),
    COMMAND(ClearControl, 1),
    COMMAND(HierarchyChangeAuth, 1),
    COMMAND(NV_DefineSpace, 1),
    COMMAND(SetPrimaryPolicy, 1),
    RETURNING(CreatePrimary, 1),
    COMMAND(NV_Increment, 2),
    COMMAND(NV_SetBits, 2),
    COMMAND(NV_Extend, 2),
    COMMAND(NV_Write, 2),
    COMMAND(NV_WriteLock, 2),
    COMMAND(DictionaryAttackLockReset, 1),
    COMMAND(DictionaryAttackParameters, 1),
    COMMAND(NV_ChangeAuth, 1),
    COMMAND(PCR_Event, 1),
    COMMAND(PCR_Reset, 1),
    COMMAND(SequenceComplete, 1),
    COMMAND(IncrementalSelfTest, 0),
    COMMAND(SelfTest, 0),
    COMMAND(Startup, 0),
    COMMAND(Shutdown, 0),
    COMMAND(StirRandom, 0),
    COMMAND(ActivateCredential, 2),
    COMMAND(Certify, 2),
    COMMAND(PolicyNV, 3),
    COMMAND(CertifyCreation, 2),
    COMMAND(Duplicate, 2),
    COMMAND(NV_Read, 2),
    COMMAND(NV_ReadLock, 2),
    COMMAND(ObjectChangeAuth, 2),
    COMMAND(PolicySecret, 2),
    COMMAND(Rewrap, 2),
    COMMAND(Create, 1),
    COMMAND(ECDH_ZGen, 1),
    COMMAND(HMAC, 1),
    COMMAND(Import, 1),
    RETURNING(Load, 1),
    COMMAND(Quote, 1),
    COMMAND(RSA_Decrypt, 1),
    RETURNING(HMAC_Start, 1),
    COMMAND(SequenceUpdate, 1),
    COMMAND(Sign, 1),
    COMMAND(Unseal, 1),
    COMMAND(PolicySigned, 2),
    RETURNING(ContextLoad, 0),
    COMMAND(ContextSave, 1),
    COMMAND(ECDH_KeyGen, 1),
    COMMAND(EncryptDecrypt, 1),
    COMMAND(FlushContext, 1), /* a parameter in part 3, 28.4; the kernel maps it like a handle */
    RETURNING(LoadExternal, 0),
    COMMAND(MakeCredential, 1),
    COMMAND(NV_ReadPublic, 1),
    COMMAND(PolicyAuthorize, 1),
    COMMAND(PolicyAuthValue, 1),
    COMMAND(PolicyCommandCode, 1),
    COMMAND(PolicyOR, 1),
    COMMAND(ReadPublic, 1),
    COMMAND(RSA_Encrypt, 1),
    RETURNING(StartAuthSession, 2),
    COMMAND(VerifySignature, 1),
    COMMAND(ECC_Parameters, 0),
    COMMAND(GetCapability, 0),
    COMMAND(GetRandom, 0),
    COMMAND(GetTestResult, 0),
    COMMAND(Hash, 0),
    COMMAND(PCR_Read, 0),
    COMMAND(PolicyPCR, 1),
    COMMAND(PolicyRestart, 1),
    COMMAND(ReadClock, 0),
    COMMAND(PCR_Extend, 1),
    RETURNING(HashSequenceStart, 0),
    COMMAND(EventSequenceComplete, 2),
    COMMAND(PolicyGetDigest, 1),
    COMMAND(TestParms, 0),
    COMMAND(Commit, 1),
    COMMAND(PolicyPassword, 1),
    COMMAND(ZGen_2Phase, 1),
    COMMAND(EC_Ephemeral, 0),
    RETURNING(CreateLoaded, 1),
    COMMAND(EncryptDecrypt2, 1),
};

const struct tpm_command *tpm_command_find(uint32_t code)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (commands[i].code == code)
            return &commands[i];
    return NULL;
}

uint16_t tpm_wire_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint32_t tpm_wire_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void tpm_wire_put_u32(uint8_t *bytes, uint32_t value)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

uint32_t tpm_message_code(const struct tpm_message *message)
{
    return tpm_wire_u32(message->bytes + 6);
}

void tpm_message_set_code(struct tpm_message *message, uint32_t code)
{
    message->size = TPM_WIRE_HEADER;
    message->bytes[0] = TPM2_ST_NO_SESSIONS >> 8;
    message->bytes[1] = TPM2_ST_NO_SESSIONS & 0xff;
    tpm_wire_put_u32(message->bytes + 2, TPM_WIRE_HEADER);
    tpm_wire_put_u32(message->bytes + 6, code);
}

static bool read_all(int fd, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = read(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

bool tpm_message_read(int fd, struct tpm_message *ret_message)
{
    uint32_t size;

    if (!read_all(fd, ret_message->bytes, TPM_WIRE_HEADER))
        return false;
    size = tpm_wire_u32(ret_message->bytes + 2);
    if (size < TPM_WIRE_HEADER || size > TPM_WIRE_MAX)
        return false;
    if (!read_all(fd, ret_message->bytes + TPM_WIRE_HEADER, size - TPM_WIRE_HEADER))
        return false;
    ret_message->size = size;
    return true;
}

bool tpm_message_write(int fd, const struct tpm_message *message)
{
    size_t done = 0;

    while (done < message->size) {
        ssize_t n = send(fd, message->bytes + done, message->size - done, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}
