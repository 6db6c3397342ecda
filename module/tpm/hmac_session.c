#include "hmac_session.h"

#include <string.h>

#include <openssl/crypto.h>

#include "kdf.h"

#define SESSION_VALUE_SIZE (TPM_SHA256_SIZE + TPM_AUTH_SIZE)

uint32_t tpm_session_nonce_renew(struct tpm_session *session)
{
    return tpm_random(session->nonce_caller, sizeof(session->nonce_caller)) ? TPM2_RC_SUCCESS
                                                                            : TPM2_RC_FAILURE;
}

/* Session key and authorization value in one, without the value's trailing zero bytes (part 1, 19.6.5). */
static struct tpm_part session_value(const struct tpm_session_use *use, uint8_t value[SESSION_VALUE_SIZE])
{
    size_t auth_size = use->auth != NULL ? TPM_AUTH_SIZE : 0;

    while (auth_size > 0 && use->auth->value[auth_size - 1] == 0)
        auth_size--;
    memcpy(value, use->session->key, TPM_SHA256_SIZE);
    if (auth_size > 0)
        memcpy(value + TPM_SHA256_SIZE, use->auth->value, auth_size);
    return (struct tpm_part){value, TPM_SHA256_SIZE + auth_size};
}

void tpm_session_encrypt(const struct tpm_session_use *use, uint8_t *content, size_t size)
{
    const struct tpm_session *session = use->session;
    uint8_t value[SESSION_VALUE_SIZE], key_and_iv[2 * TPM_AES128_SIZE];
    const struct tpm_part key = session_value(use, value);

    tpm_kdfa(&key, "CFB", &(struct tpm_part){session->nonce_caller, sizeof(session->nonce_caller)},
             &(struct tpm_part){session->nonce_tpm, session->nonce_tpm_size}, key_and_iv);
    tpm_aes128_cfb_encrypt(key_and_iv, key_and_iv + TPM_AES128_SIZE, content, size);
    OPENSSL_cleanse(key_and_iv, sizeof(key_and_iv));
    OPENSSL_cleanse(value, sizeof(value));
}

static void hmac_compute(const struct tpm_session_use *use, const uint8_t hash[TPM_SHA256_SIZE],
                         const struct tpm_part *newer, const struct tpm_part *older, uint8_t attributes,
                         uint8_t ret_mac[TPM_SHA256_SIZE])
{
    const struct tpm_part parts[] = {{hash, TPM_SHA256_SIZE}, *newer, *older, {&attributes, 1}};
    uint8_t value[SESSION_VALUE_SIZE];
    const struct tpm_part key = session_value(use, value);

    tpm_hmac_sha256(key.data, key.size, parts, sizeof(parts) / sizeof(parts[0]), ret_mac);
    OPENSSL_cleanse(value, sizeof(value));
}

static void code_write(uint32_t code, uint8_t ret_bytes[4])
{
    for (size_t i = 0; i < 4; i++)
        ret_bytes[i] = (uint8_t)(code >> (24 - 8 * i));
}

void tpm_session_authorize(const struct tpm_session_use *use, const uint8_t *parameters, size_t size,
                           TPMS_AUTH_COMMAND *ret_authorization)
{
    const struct tpm_session *session = use->session;
    const uint8_t attributes = use->encrypts ? TPMA_SESSION_DECRYPT : 0;
    struct tpm_part parts[2 + TPM_COMMAND_HANDLES];
    size_t count = 0;
    uint8_t code[4], hash[TPM_SHA256_SIZE];

    /* cpHash (part 1, 18.7): command code, the handles' names, the parameters */
    code_write(use->code, code);
    parts[count++] = (struct tpm_part){code, sizeof(code)};
    for (size_t i = 0; i < use->handle_count; i++)
        parts[count++] = (struct tpm_part){use->names[i], TPM_NAME_SIZE};
    parts[count++] = (struct tpm_part){parameters, size};
    tpm_sha256(parts, count, hash);

    *ret_authorization = (TPMS_AUTH_COMMAND){.sessionHandle = session->handle,
                                             .sessionAttributes = attributes,
                                             .nonce.size = sizeof(session->nonce_caller),
                                             .hmac.size = TPM_SHA256_SIZE};
    memcpy(ret_authorization->nonce.buffer, session->nonce_caller, sizeof(session->nonce_caller));
    hmac_compute(use, hash, &(struct tpm_part){session->nonce_caller, sizeof(session->nonce_caller)},
                 &(struct tpm_part){session->nonce_tpm, session->nonce_tpm_size}, attributes,
                 ret_authorization->hmac.buffer);
}

uint32_t tpm_session_check(const struct tpm_session_use *use, const uint8_t *parameters, size_t size,
                           struct tpm_reader *authorization)
{
    const struct tpm_session *session = use->session;
    uint8_t codes[8] = {0}, hash[TPM_SHA256_SIZE], mac[TPM_SHA256_SIZE];
    size_t nonce_size, mac_size;
    const uint8_t *nonce = tpm_read_sized(authorization, TPM_NONCE_MAX, &nonce_size);
    const uint8_t attributes = tpm_read_u8(authorization);
    const uint8_t *received = tpm_read_sized(authorization, sizeof(mac), &mac_size);

    if (!tpm_read_complete(authorization) || mac_size != sizeof(mac))
        return LOCAL_RC_MALFORMED;
    /* rpHash (part 1, 18.8): response code, command code, the parameters */
    code_write(use->code, codes + 4);
    tpm_sha256((const struct tpm_part[]){{codes, sizeof(codes)}, {parameters, size}}, 2, hash);
    hmac_compute(use, hash, &(struct tpm_part){nonce, nonce_size},
                 &(struct tpm_part){session->nonce_caller, sizeof(session->nonce_caller)}, attributes, mac);
    return CRYPTO_memcmp(mac, received, sizeof(mac)) == 0 ? TPM2_RC_SUCCESS : LOCAL_RC_HMAC;
}
