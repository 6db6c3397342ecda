#include "command.h"

#include <string.h>

#include <openssl/crypto.h>

#include "connection.h"
#include "operation.h"
#include "session.h"

#define HEADER_SIZE 10

void tpm_command_begin(struct tpm_command *command, uint32_t code, enum tpm_authorization authorization,
                       const uint32_t handles[TPM_COMMAND_HANDLES])
{
    memset(command, 0, offsetof(struct tpm_command, bytes));
    command->code = code;
    command->authorization = authorization;
    while (command->handle_count < TPM_COMMAND_HANDLES && handles[command->handle_count] != 0) {
        command->handles[command->handle_count] = handles[command->handle_count];
        command->handle_count++;
    }
    command->parameters = (struct tpm_writer){.data = command->bytes, .capacity = sizeof(command->bytes)};
}

static uint32_t authorization_write(struct tpm_command *command, struct tpm_writer *message)
{
    uint8_t bytes[128];
    struct tpm_writer area = {.data = bytes, .capacity = sizeof(bytes)};

    if (command->authorization == TPM_AUTHORIZATION_NONE)
        return TPM2_RC_SUCCESS;
    if (command->authorization == TPM_AUTHORIZATION_SESSION) {
        uint32_t rc = tpm_session_authorize(command, command->bytes, command->parameters.size, &area);

        if (rc != TPM2_RC_SUCCESS)
            return rc;
    } else {
        tpm_write_u32(&area, TPM2_RS_PW);
        tpm_write_u16(&area, 0); /* nonce */
        tpm_write_u8(&area, TPMA_SESSION_CONTINUESESSION);
        tpm_write_u16(&area, 0); /* the empty value */
    }
    tpm_write_u32(message, (uint32_t)area.size);
    tpm_write_bytes(message, area.data, area.size);
    return area.failed ? LOCAL_RC_BAD_ARGUMENT : TPM2_RC_SUCCESS;
}

static uint32_t command_marshal(struct tpm_command *command, struct tpm_writer *message)
{
    struct tpm_writer size_field;
    uint32_t rc;

    tpm_write_u16(message,
                  command->authorization == TPM_AUTHORIZATION_NONE ? TPM2_ST_NO_SESSIONS : TPM2_ST_SESSIONS);
    tpm_write_u32(message, 0);
    tpm_write_u32(message, command->code);
    for (size_t i = 0; i < command->handle_count; i++)
        tpm_write_u32(message, command->handles[i]);
    rc = authorization_write(command, message);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    tpm_write_bytes(message, command->bytes, command->parameters.size);
    if (message->failed || command->parameters.failed)
        return LOCAL_RC_BAD_ARGUMENT;
    size_field = (struct tpm_writer){.data = message->data + 2, .capacity = 4};
    tpm_write_u32(&size_field, (uint32_t)message->size);
    return TPM2_RC_SUCCESS;
}

/* The answer to a password is empty: no nonce, no HMAC. */
static uint32_t password_check(struct tpm_reader *authorization)
{
    size_t size;

    (void)tpm_read_sized(authorization, 0, &size);
    (void)tpm_read_u8(authorization);
    (void)tpm_read_sized(authorization, 0, &size);
    return tpm_read_complete(authorization) ? TPM2_RC_SUCCESS : LOCAL_RC_MALFORMED;
}

/* Resource managers put their layer's number before a TPM code that they answer in the TPM's place. */
static uint32_t rc_without_manager(uint32_t rc)
{
    uint32_t layer = rc & TSS2_RC_LAYER_MASK;

    return layer == TSS2_RESMGR_RC_LAYER || layer == TSS2_RESMGR_TPM_RC_LAYER ? rc & ~TSS2_RC_LAYER_MASK : rc;
}

static uint32_t response_take_apart(struct tpm *tpm, const struct tpm_command *command,
                                    struct tpm_reader reader, struct tpm_response *ret_response)
{
    size_t received = reader.size;
    uint16_t tag = tpm_read_u16(&reader);
    uint32_t size = tpm_read_u32(&reader);
    uint32_t rc = tpm_read_u32(&reader);
    size_t parameter_size;

    if (reader.failed || size != received)
        return LOCAL_RC_MALFORMED;
    rc = rc_without_manager(rc);
    if (rc != TPM2_RC_SUCCESS)
        return reader.size == 0 && (tag == TPM2_ST_NO_SESSIONS || tag == TPM2_ST_RSP_COMMAND)
                   ? rc
                   : LOCAL_RC_MALFORMED;
    if (tag != (command->authorization == TPM_AUTHORIZATION_NONE ? TPM2_ST_NO_SESSIONS : TPM2_ST_SESSIONS))
        return LOCAL_RC_MALFORMED;
    if (command->authorization == TPM_AUTHORIZATION_SESSION)
        tpm_objects_forget(tpm, command->session->handle); /* continueSession was clear */
    ret_response->handle = command->returns_handle ? tpm_read_u32(&reader) : 0;
    parameter_size = tag == TPM2_ST_SESSIONS ? tpm_read_u32(&reader) : reader.size;
    ret_response->parameters = (struct tpm_reader){.size = parameter_size};
    ret_response->parameters.data = tpm_read_bytes(&reader, parameter_size);
    if (reader.failed)
        return LOCAL_RC_MALFORMED;
    if (command->authorization == TPM_AUTHORIZATION_SESSION)
        return tpm_session_check(command, ret_response->parameters.data, parameter_size, &reader);
    if (command->authorization == TPM_AUTHORIZATION_EMPTY)
        return password_check(&reader);
    return TPM2_RC_SUCCESS;
}

uint32_t tpm_command_run(struct tpm *tpm, struct tpm_command *command, struct tpm_response *ret_response)
{
    uint8_t bytes[TPM_MESSAGE_MAX];
    struct tpm_writer message = {.data = bytes, .capacity = sizeof(bytes)};
    struct tpm_back_off back_off = {0};
    size_t size = 0;
    uint32_t rc = command_marshal(command, &message);

    if (rc == TPM2_RC_SUCCESS)
        do {
            rc = tpm_connection_open(tpm);
            if (rc == TPM2_RC_SUCCESS)
                rc = tpm_connection_exchange(tpm, bytes, message.size, ret_response->bytes, &size);
            if (rc == TPM2_RC_SUCCESS)
                rc = response_take_apart(tpm, command,
                                         (struct tpm_reader){.data = ret_response->bytes, .size = size},
                                         ret_response);
        } while (tpm_rc_is_retry(rc) && tpm_back_off_wait(tpm, &back_off));
    if (command->authorization == TPM_AUTHORIZATION_SESSION)
        OPENSSL_cleanse(command->bytes, sizeof(command->bytes));
    if (rc != TPM2_RC_SUCCESS)
        tpm->last_rc = rc;
    return rc;
}
