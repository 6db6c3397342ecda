/*
 * The TPM's answers and its public areas as outside bytes. The first byte of an input chooses: a public area
 * alone, or a call of include/tpm.h whose every answer comes from the rest of the input, through a transport
 * that stands in for the wire. An answer is a mode byte, a length and that many bytes; in mode 0 a
 * well-formed header is put before them, so that the fuzzer gets past it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "public_area.h"
#include "../unit/tpm-writer.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tpm_reader answers;

static uint32_t fuzz_open(struct tpm *tpm)
{
    tpm->descriptor = 0;
    return TPM2_RC_SUCCESS;
}

static bool fuzz_is_open(struct tpm *tpm)
{
    return tpm->descriptor == 0;
}

static void fuzz_close(struct tpm *tpm)
{
    tpm->descriptor = -1;
}

static bool fuzz_keeps(const struct tpm *tpm)
{
    (void)tpm;
    return true;
}

static uint8_t command_tag[2];

static uint32_t fuzz_transmit(struct tpm *tpm, const uint8_t *command, size_t size)
{
    (void)tpm;
    if (size < TPM_HEADER_SIZE)
        abort();
    memcpy(command_tag, command, sizeof(command_tag));
    return TPM2_RC_SUCCESS;
}

static uint32_t fuzz_receive(struct tpm *tpm, uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size)
{
    struct tpm_writer writer = {.data = ret_response, .capacity = TPM_MESSAGE_MAX};
    uint8_t mode = tpm_read_u8(&answers);
    size_t size;
    const uint8_t *bytes = tpm_read_sized(&answers, TPM_MESSAGE_MAX - TPM_HEADER_SIZE, &size);

    (void)tpm;
    if (answers.failed)
        return LOCAL_RC_UNREACHABLE;
    if (mode == 0) {
        tpm_write_bytes(&writer, command_tag, sizeof(command_tag));
        tpm_write_u32(&writer, (uint32_t)(TPM_HEADER_SIZE + size));
        tpm_write_u32(&writer, TPM2_RC_SUCCESS);
    }
    tpm_write_bytes(&writer, bytes, size);
    *ret_size = writer.size;
    return TPM2_RC_SUCCESS;
}

static const struct tpm_transport fuzz_transport = {
    .name = "fuzz",
    .open = fuzz_open,
    .is_open = fuzz_is_open,
    .transmit = fuzz_transmit,
    .receive = fuzz_receive,
    .close = fuzz_close,
    .keeps = fuzz_keeps,
};

/* The generators of P-256 and an odd number serve as public keys: they only have to be possible. */
static const uint8_t generator[64] = {
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

/* A storage key, and a device key of either type. */
static size_t public_fill(uint8_t blob[TPM_BLOB_MAX], const struct tpm_public_key *key, bool is_storage)
{
    struct tpm_writer writer = {.data = blob, .capacity = TPM_BLOB_MAX};
    const bool rsa = key->type == TPM_KEY_RSA;
    size_t begin = tpm_write_sized_begin(&writer);

    tpm_write_u16(&writer, rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC);
    tpm_write_u16(&writer, TPM2_ALG_SHA256);
    tpm_write_u32(&writer, is_storage ? 0x00030472 : 0x00040472);
    tpm_write_u16(&writer, 0);
    tpm_write_u16(&writer, is_storage ? TPM2_ALG_AES : TPM2_ALG_NULL);
    if (is_storage) {
        tpm_write_u16(&writer, 128);
        tpm_write_u16(&writer, TPM2_ALG_CFB);
    }
    tpm_write_u16(&writer, TPM2_ALG_NULL);
    tpm_write_u16(&writer, rsa ? 2048 : TPM2_ECC_NIST_P256);
    if (rsa) {
        tpm_write_u32(&writer, 0);
        tpm_write_sized(&writer, key->modulus, 256);
    } else {
        tpm_write_u16(&writer, TPM2_ALG_NULL);
        tpm_write_sized(&writer, generator, 32);
        tpm_write_sized(&writer, generator + 32, 32);
    }
    tpm_write_sized_end(&writer, begin);
    return writer.size;
}

static void key_fill(struct tpm_key *key, bool rsa, bool resident, bool with_pin)
{
    const struct tpm_public_key storage_key = {.type = TPM_KEY_EC};

    memset(key, 0, sizeof(*key));
    key->public_key.type = rsa ? TPM_KEY_RSA : TPM_KEY_EC;
    key->public_key.bits = rsa ? 2048 : 256;
    key->public_key.curve = rsa ? TPM_CURVE_NONE : TPM_CURVE_P256;
    key->public_key.exponent = 65537;
    memset(key->public_key.modulus, 0xc1, 256);
    memcpy(key->public_key.x, generator, 32);
    memcpy(key->public_key.y, generator + 32, 32);
    key->public_blob_size = public_fill(key->public_blob, &key->public_key, false);
    key->private_blob[1] = 6;
    key->private_blob_size = 8;
    key->parent = TPM_SRK_HANDLE;
    key->persistent_handle = resident ? TPM_OURS_FIRST : 0;
    key->has_pin = with_pin;
    key->parent_public_size = public_fill(key->parent_public, &storage_key, true);
}

static enum tpm_status call(struct tpm *tpm, uint8_t which)
{
    const bool resident = (which & 0x40) != 0, with_pin = (which & 0x80) != 0;
    const struct tpm_auth auth = {{7}};
    const struct tpm_auth *given = with_pin ? &auth : NULL;
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {1};
    const struct tpm_key_request ec = {.type = TPM_KEY_EC, .curve = TPM_CURVE_P256, .may_persist = resident};
    const struct tpm_key_request rsa = {.type = TPM_KEY_RSA, .bits = 2048, .may_persist = resident};
    uint8_t block[TPM_RSA_MAX] = {0, 1, 2}, result[TPM_RSA_MAX];
    struct tpm_resident list[4];
    struct tpm_lockout lockout;
    struct tpm_facts facts;
    struct tpm_key key, made;
    uint32_t handle;
    size_t count;

    key_fill(&key, (which & 1) != 0, resident, with_pin);
    switch (which >> 1 & 0x0f) {
    case 0:
        return tpm_facts_read(tpm, &facts);
    case 1:
        return tpm_lockout_read(tpm, &lockout);
    case 2:
        return tpm_key_create(tpm, (which & 1) != 0 ? &rsa : &ec, given, with_pin ? salt : NULL, &made);
    case 3:
        return tpm_sign_ecdsa(tpm, &key, given, block, 32, result, &count);
    case 4:
        return tpm_sign_rsassa(tpm, &key, given, TPM_HASH_SHA256, block, 32, result);
    case 5:
        return tpm_rsa_private(tpm, &key, given, block, result);
    case 6:
        return tpm_auth_check(tpm, &key, given);
    case 7:
        return tpm_key_change_auth(tpm, &key, given, given, salt, &made);
    case 8:
        return tpm_key_persist(tpm, &key, &handle);
    case 9:
        return tpm_key_evict(tpm, &key);
    default:
        return tpm_resident_list(tpm, list, 4, &count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tpm_public_key public_key;
    struct tpm *tpm;

    if (size < 2)
        return 0;
    if (data[0] == 0) {
        if (tpm_public_parse(data + 1, size - 1, &public_key) &&
            !tpm_public_key_equal(&public_key, &public_key))
            abort();
        return 0;
    }
    tpm = tpm_new(NULL);
    if (tpm == NULL)
        return 0;
    tpm->transport = &fuzz_transport;
    answers = (struct tpm_reader){.data = data + 2, .size = size - 2};
    /* Nothing here can answer as a TPM with these keys would. */
    if (call(tpm, data[1]) == TPM_OK && (data[1] >> 1 & 0x0f) >= 3 && (data[1] >> 1 & 0x0f) <= 7 &&
        (data[1] & 0xc0) == 0x80)
        abort();
    tpm_free(tpm);
    return 0;
}
