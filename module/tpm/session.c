#include "session.h"

#include <string.h>

#include <openssl/crypto.h>

#include "curve.h"
#include "kdf.h"
#include "operation.h"

#define SALT_ATTEMPTS 64

/*
 * TPM 2.0 part 1, C.6.1: an ephemeral key, and the salt from its ECDH with the storage key. TPMs differ in
 * whether KDFe sees the leading zero bytes of a coordinate, so a key for which that matters is not used.
 */
static uint32_t salt_agree(struct tpm *tpm, const struct tpm_public_key *parent,
                           struct tpm_writer *ret_secret, uint8_t ret_salt[TPM_SHA256_SIZE])
{
    uint8_t x[TPM_P256_SIZE], y[TPM_P256_SIZE], z[TPM_P256_SIZE];
    uint32_t rc = LOCAL_RC_NO_MEMORY;

    for (unsigned i = 0; i < SALT_ATTEMPTS; i++) {
        rc = tpm_curve_agree(tpm, parent, x, y, z);
        if (rc != TPM2_RC_SUCCESS || (x[0] != 0 && z[0] != 0))
            break;
    }
    if (rc == TPM2_RC_SUCCESS) {
        size_t begin = tpm_write_sized_begin(ret_secret);

        tpm_write_sized(ret_secret, x, TPM_P256_SIZE);
        tpm_write_sized(ret_secret, y, TPM_P256_SIZE);
        tpm_write_sized_end(ret_secret, begin);
        tpm_kdfe(&(struct tpm_part){z, TPM_P256_SIZE}, "SECRET", &(struct tpm_part){x, TPM_P256_SIZE},
                 &(struct tpm_part){parent->x, TPM_P256_SIZE}, ret_salt);
    }
    OPENSSL_cleanse(z, sizeof(z));
    return rc;
}

uint32_t tpm_session_start(struct tpm *tpm, uint32_t parent, const struct tpm_public_key *parent_public,
                           struct tpm_session *ret_session)
{
    struct tpm_session session = {0};
    uint8_t salt[TPM_SHA256_SIZE] = {0};
    struct tpm_command command;
    struct tpm_response response;
    const uint8_t *nonce;
    uint32_t rc;

    if (!tpm_random(session.nonce_caller, sizeof(session.nonce_caller)))
        return TPM2_RC_FAILURE;
    tpm_command_begin(&command, TPM2_CC_StartAuthSession, TPM_AUTHORIZATION_NONE,
                      (const uint32_t[TPM_COMMAND_HANDLES]){parent, TPM2_RH_NULL});
    command.returns_handle = true;
    tpm_write_sized(&command.parameters, session.nonce_caller, sizeof(session.nonce_caller));
    rc = salt_agree(tpm, parent_public, &command.parameters, salt);
    if (rc != TPM2_RC_SUCCESS)
        goto done;
    tpm_write_u8(&command.parameters, TPM2_SE_HMAC);
    tpm_write_u16(&command.parameters, TPM2_ALG_AES);
    tpm_write_u16(&command.parameters, 128);
    tpm_write_u16(&command.parameters, TPM2_ALG_CFB);
    tpm_write_u16(&command.parameters, TPM2_ALG_SHA256);
    rc = tpm_command_run(tpm, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        goto done;
    session.handle = response.handle;
    tpm_objects_remember(tpm, session.handle);
    nonce = tpm_read_sized(&response.parameters, sizeof(session.nonce_tpm), &session.nonce_tpm_size);
    if (nonce == NULL || !tpm_read_complete(&response.parameters) || session.nonce_tpm_size < 16) {
        rc = LOCAL_RC_MALFORMED;
        goto done;
    }
    memcpy(session.nonce_tpm, nonce, session.nonce_tpm_size);
    tpm_kdfa(&(struct tpm_part){salt, sizeof(salt)}, "ATH",
             &(struct tpm_part){session.nonce_tpm, session.nonce_tpm_size},
             &(struct tpm_part){session.nonce_caller, sizeof(session.nonce_caller)}, session.key);
    *ret_session = session;
done:
    OPENSSL_cleanse(salt, sizeof(salt));
    OPENSSL_cleanse(&session, sizeof(session));
    return rc;
}

/* Session key and authorization value in one, the TPM's way: without the value's trailing zero bytes (part
 * 1, 19.6.5). */
static size_t session_value(const struct tpm_session *session, const struct tpm_auth *auth,
                            uint8_t ret_value[TPM_SHA256_SIZE + TPM_AUTH_SIZE])
{
    size_t auth_size = auth != NULL ? TPM_AUTH_SIZE : 0;

    while (auth_size > 0 && auth->value[auth_size - 1] == 0)
        auth_size--;
    memcpy(ret_value, session->key, TPM_SHA256_SIZE);
    if (auth_size > 0)
        memcpy(ret_value + TPM_SHA256_SIZE, auth->value, auth_size);
    return TPM_SHA256_SIZE + auth_size;
}

/* Part 1, 21.3: CFB with key and IV from the session, over the content of the first TPM2B. */
static uint32_t parameter_encrypt(const struct tpm_session *session, const struct tpm_part *value,
                                  uint8_t *parameters, size_t size)
{
    const struct tpm_part newer = {session->nonce_caller, sizeof(session->nonce_caller)};
    const struct tpm_part older = {session->nonce_tpm, session->nonce_tpm_size};
    uint8_t key_and_iv[2 * TPM_AES128_SIZE];
    size_t first;

    if (size < 2)
        return LOCAL_RC_BAD_ARGUMENT;
    first = (size_t)parameters[0] << 8 | parameters[1];
    if (first > size - 2)
        return LOCAL_RC_BAD_ARGUMENT;
    tpm_kdfa(value, "CFB", &newer, &older, key_and_iv);
    tpm_aes128_cfb_encrypt(key_and_iv, key_and_iv + TPM_AES128_SIZE, parameters + 2, first);
    OPENSSL_cleanse(key_and_iv, sizeof(key_and_iv));
    return TPM2_RC_SUCCESS;
}

static void big_endian_32(uint32_t value, uint8_t ret_bytes[4])
{
    struct tpm_writer writer = {.data = ret_bytes, .capacity = 4};

    tpm_write_u32(&writer, value);
}

/* cpHash (part 1, 18.7): command code, the handles' names, the parameters. */
static void command_hash(const struct tpm_command *command, const uint8_t *parameters, size_t size,
                         uint8_t ret_hash[TPM_SHA256_SIZE])
{
    struct tpm_part parts[2 + TPM_COMMAND_HANDLES];
    size_t count = 0;
    uint8_t code[4];

    big_endian_32(command->code, code);
    parts[count++] = (struct tpm_part){code, sizeof(code)};
    for (size_t i = 0; i < command->handle_count; i++)
        parts[count++] = (struct tpm_part){command->names[i], TPM_NAME_SIZE};
    parts[count++] = (struct tpm_part){parameters, size};
    tpm_sha256(parts, count, ret_hash);
}

/* rpHash (part 1, 18.8): response code, command code, the parameters. */
static void response_hash(const struct tpm_command *command, const uint8_t *parameters, size_t size,
                          uint8_t ret_hash[TPM_SHA256_SIZE])
{
    uint8_t codes[8] = {0};
    const struct tpm_part parts[] = {{codes, sizeof(codes)}, {parameters, size}};

    big_endian_32(command->code, codes + 4);
    tpm_sha256(parts, 2, ret_hash);
}

uint32_t tpm_session_authorize(const struct tpm_command *command, uint8_t *parameters, size_t size,
                               struct tpm_writer *ret_authorization)
{
    struct tpm_session *session = command->session;
    const uint8_t attributes = command->encrypts ? TPMA_SESSION_DECRYPT : 0;
    uint8_t value[TPM_SHA256_SIZE + TPM_AUTH_SIZE], hash[TPM_SHA256_SIZE], mac[TPM_SHA256_SIZE];
    size_t value_size;
    uint32_t rc = TPM2_RC_SUCCESS;

    if (!tpm_random(session->nonce_caller, sizeof(session->nonce_caller)))
        return TPM2_RC_FAILURE;
    value_size = session_value(session, command->auth, value);
    if (command->encrypts)
        rc = parameter_encrypt(session, &(struct tpm_part){value, value_size}, parameters, size);
    if (rc == TPM2_RC_SUCCESS) {
        const struct tpm_part parts[] = {{hash, sizeof(hash)},
                                         {session->nonce_caller, sizeof(session->nonce_caller)},
                                         {session->nonce_tpm, session->nonce_tpm_size},
                                         {&attributes, 1}};

        command_hash(command, parameters, size, hash);
        tpm_hmac_sha256(value, value_size, parts, 4, mac);
        tpm_write_u32(ret_authorization, session->handle);
        tpm_write_sized(ret_authorization, session->nonce_caller, sizeof(session->nonce_caller));
        tpm_write_u8(ret_authorization, attributes);
        tpm_write_sized(ret_authorization, mac, sizeof(mac));
    }
    OPENSSL_cleanse(value, sizeof(value));
    return rc;
}

uint32_t tpm_session_check(const struct tpm_command *command, const uint8_t *parameters, size_t size,
                           struct tpm_reader *authorization)
{
    struct tpm_session *session = command->session;
    uint8_t value[TPM_SHA256_SIZE + TPM_AUTH_SIZE], hash[TPM_SHA256_SIZE], mac[TPM_SHA256_SIZE];
    size_t nonce_size, mac_size, value_size;
    const uint8_t *nonce = tpm_read_sized(authorization, sizeof(session->nonce_tpm), &nonce_size);
    const uint8_t attributes = tpm_read_u8(authorization);
    const uint8_t *received = tpm_read_sized(authorization, sizeof(mac), &mac_size);
    const struct tpm_part parts[] = {{hash, sizeof(hash)},
                                     {nonce, nonce_size},
                                     {session->nonce_caller, sizeof(session->nonce_caller)},
                                     {&attributes, 1}};

    if (!tpm_read_complete(authorization) || mac_size != sizeof(mac))
        return LOCAL_RC_MALFORMED;
    value_size = session_value(session, command->auth, value);
    response_hash(command, parameters, size, hash);
    tpm_hmac_sha256(value, value_size, parts, 4, mac);
    OPENSSL_cleanse(value, sizeof(value));
    return CRYPTO_memcmp(mac, received, sizeof(mac)) == 0 ? TPM2_RC_SUCCESS : LOCAL_RC_HMAC;
}
