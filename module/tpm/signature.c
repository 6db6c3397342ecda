#include <string.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "curve.h"
#include "key_use.h"
#include "operation.h"
#include "verify_signature.h"

static const struct tpm_digest_form {
    enum tpm_hash hash;
    uint16_t identifier;
    size_t size;
    uint8_t prefix[19]; /* DigestInfo up to the digest (RFC 8017, 9.2, note 1) */
    size_t prefix_size;
} forms[] = {
    {TPM_HASH_SHA1,
     TPM2_ALG_SHA1,
     20,
     {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
     15},
    {TPM_HASH_SHA256,
     TPM2_ALG_SHA256,
     32,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
      0x04, 0x20},
     19},
    {TPM_HASH_SHA384,
     TPM2_ALG_SHA384,
     48,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
      0x04, 0x30},
     19},
    {TPM_HASH_SHA512,
     TPM2_ALG_SHA512,
     64,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
      0x04, 0x40},
     19},
};
#define FORM_COUNT (sizeof(forms) / sizeof(forms[0]))

struct signature {
    struct tpm_key_use use; /* first, so that run() finds the rest */
    const struct tpm_digest_form *form;
    uint8_t digest[64];
    const uint8_t *block; /* the padded block of an RSA operation */
    uint8_t result[TPM_RSA_MAX];
};

static uint32_t use_run(struct tpm *tpm, void *context)
{
    return tpm_key_use(tpm, &((struct signature *)context)->use);
}

/* TPM2_Sign with a null ticket, which an unrestricted key takes (part 3, 20.2). */
static uint32_t sign_send(struct tpm *tpm, struct signature *signature, uint16_t scheme,
                          TPMT_SIGNATURE *ret_value)
{
    static const TPMT_TK_HASHCHECK ticket = {.tag = TPM2_ST_HASHCHECK, .hierarchy = TPM2_RH_NULL};
    const struct tpm_command command = tpm_key_use_command(&signature->use, TPM2_CC_Sign);
    const TPMT_SIG_SCHEME in_scheme = {.scheme = scheme, .details.any.hashAlg = signature->form->identifier};
    TPM2B_DIGEST digest = {.size = (uint16_t)signature->form->size};
    struct tpm_response response;
    size_t offset = 0;

    memcpy(digest.buffer, signature->digest, signature->form->size);
    uint32_t rc =
        Tss2_Sys_Sign_Prepare(tpm_command_begin(tpm), signature->use.handle, &digest, &in_scheme, &ticket);
    rc = tpm_command_run(tpm, rc, &command, &response);
    /* Of a resident key TPM_RC_SCHEME may also say that it is another kind of key. */
    if (tpm_rc_base(rc) == TPM2_RC_HASH ||
        (tpm_rc_base(rc) == TPM2_RC_SCHEME && signature->use.handle != signature->use.key->persistent_handle))
        tpm->missing_hashes |= 1U << signature->form->hash;
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(response.parameters.data, response.parameters.size, &offset,
                                         ret_value) != TSS2_RC_SUCCESS ||
        offset != response.parameters.size || ret_value->sigAlg != scheme ||
        ret_value->signature.any.hashAlg != signature->form->identifier)
        return LOCAL_RC_NOT_VERIFIED;
    return TPM2_RC_SUCCESS;
}

/* A number of exactly `size` bytes: TPMs leave leading zero bytes out. */
static bool number_take(const uint8_t *bytes, size_t given, size_t size, uint8_t *ret_number)
{
    if (given > size)
        return false;
    memset(ret_number, 0, size - given);
    memcpy(ret_number + size - given, bytes, given);
    return true;
}

static uint32_t ecdsa_run(struct tpm *tpm, struct tpm_key_use *use)
{
    struct signature *signature = (struct signature *)use;
    const size_t size = (use->key->public_key.bits + 7) / 8;
    TPMT_SIGNATURE value;
    uint32_t rc = sign_send(tpm, signature, TPM2_ALG_ECDSA, &value);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    const TPMS_SIGNATURE_ECDSA *numbers = &value.signature.ecdsa;
    if (!number_take(numbers->signatureR.buffer, numbers->signatureR.size, size, signature->result) ||
        !number_take(numbers->signatureS.buffer, numbers->signatureS.size, size, signature->result + size))
        return LOCAL_RC_NOT_VERIFIED;
    return tpm_verify_ecdsa(tpm_curve_group(tpm, use->key->public_key.curve), &use->key->public_key,
                            signature->digest, signature->form->size, signature->result);
}

static uint32_t rsa_result_take(struct tpm_key_use *use, const TPM2B_PUBLIC_KEY_RSA *number)
{
    struct signature *signature = (struct signature *)use;

    if (!number_take(number->buffer, number->size, use->key->public_key.bits / 8, signature->result))
        return LOCAL_RC_NOT_VERIFIED;
    return tpm_verify_rsa(&use->key->public_key, signature->block, signature->result);
}

static uint32_t rsassa_run(struct tpm *tpm, struct tpm_key_use *use)
{
    TPMT_SIGNATURE value;
    uint32_t rc = sign_send(tpm, (struct signature *)use, TPM2_ALG_RSASSA, &value);

    return rc != TPM2_RC_SUCCESS ? rc : rsa_result_take(use, &value.signature.rsassa.sig);
}

static uint32_t rsa_private_run(struct tpm *tpm, struct tpm_key_use *use)
{
    static const TPMT_RSA_DECRYPT scheme = {.scheme = TPM2_ALG_NULL};
    static const TPM2B_DATA label = {0};
    const struct tpm_command command = tpm_key_use_command(use, TPM2_CC_RSA_Decrypt);
    TPM2B_PUBLIC_KEY_RSA block = {.size = (uint16_t)(use->key->public_key.bits / 8)}, result = {0};
    size_t offset = 0;
    struct tpm_response response;

    memcpy(block.buffer, ((struct signature *)use)->block, block.size);
    uint32_t rc = Tss2_Sys_RSA_Decrypt_Prepare(tpm_command_begin(tpm), use->handle, &block, &scheme, &label);
    rc = tpm_command_run(tpm, rc, &command, &response);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (Tss2_MU_TPM2B_PUBLIC_KEY_RSA_Unmarshal(response.parameters.data, response.parameters.size, &offset,
                                               &result) != TSS2_RC_SUCCESS ||
        offset != response.parameters.size)
        return LOCAL_RC_NOT_VERIFIED;
    return rsa_result_take(use, &result);
}

static bool key_is_possible(const struct tpm_key *key, enum tpm_key_type type)
{
    const struct tpm_public_key *public_key = &key->public_key;

    if (public_key->type != type)
        return false;
    if (type == TPM_KEY_RSA)
        return public_key->bits >= 1024 && public_key->bits <= 8 * TPM_RSA_MAX && public_key->bits % 8 == 0;
    return tpm_curve_bits(public_key->curve) != 0 && tpm_curve_bits(public_key->curve) == public_key->bits;
}

/*
 * The digest as the TPM has to get it: TPM2_Sign wants the length of a hash, and the number is what counts,
 * so it gets the shortest hash that holds the left-most bits, with zero bytes on the left. A digest of which
 * more bits would count than the longest hash has (P-521) is not possible.
 */
static const struct tpm_digest_form *ecdsa_digest_fit(const struct tpm_key *key, const uint8_t *digest,
                                                      size_t digest_size, uint8_t ret_digest[64])
{
    size_t curve_size = (key->public_key.bits + 7) / 8;
    size_t size = digest_size < curve_size ? digest_size : curve_size;

    for (size_t i = 1; i < FORM_COUNT; i++)
        if (size <= forms[i].size) {
            memset(ret_digest, 0, forms[i].size - size);
            memcpy(ret_digest + forms[i].size - size, digest, size);
            return &forms[i];
        }
    return NULL;
}

enum tpm_status tpm_sign_ecdsa(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                               const uint8_t *digest, size_t digest_size,
                               uint8_t ret_signature[2 * TPM_EC_MAX], size_t *ret_size)
{
    struct signature signature = {.use = {.key = key, .auth = auth, .run = ecdsa_run}};
    size_t size;
    enum tpm_status status;

    if (!key_is_possible(key, TPM_KEY_EC) || digest_size == 0)
        return TPM_BAD_ARGUMENT;
    size = 2 * ((key->public_key.bits + 7) / 8);
    signature.form = ecdsa_digest_fit(key, digest, digest_size, signature.digest);
    if (signature.form == NULL)
        return TPM_BAD_ARGUMENT;
    status = tpm_operation_run(tpm, use_run, &signature);
    if (status == TPM_OK) {
        memcpy(ret_signature, signature.result, size);
        *ret_size = size;
    }
    return status;
}

static enum tpm_status rsa_run(struct tpm *tpm, struct signature *signature,
                               uint8_t ret_signature[TPM_RSA_MAX])
{
    enum tpm_status status = tpm_operation_run(tpm, use_run, signature);

    if (status == TPM_OK)
        memcpy(ret_signature, signature->result, signature->use.key->public_key.bits / 8);
    OPENSSL_cleanse(signature->result, sizeof(signature->result));
    return status;
}

/* EMSA-PKCS1-v1_5 (RFC 8017, 9.2), to check what the TPM made. */
static void rsassa_encode(const struct tpm_digest_form *form, const uint8_t *digest, uint8_t *ret_block,
                          size_t size)
{
    uint8_t *end = ret_block + size - form->size;

    memcpy(end, digest, form->size);
    end -= form->prefix_size;
    memcpy(end, form->prefix, form->prefix_size);
    *--end = 0x00;
    memset(ret_block, 0xff, (size_t)(end - ret_block));
    ret_block[0] = 0x00;
    ret_block[1] = 0x01;
}

enum tpm_status tpm_sign_rsassa(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                enum tpm_hash hash, const uint8_t *digest, size_t digest_size,
                                uint8_t ret_signature[TPM_RSA_MAX])
{
    struct signature signature = {.use = {.key = key, .auth = auth, .run = rsassa_run}};
    uint8_t block[TPM_RSA_MAX];

    for (size_t i = 0; i < FORM_COUNT; i++)
        if (forms[i].hash == hash)
            signature.form = &forms[i];
    if (!key_is_possible(key, TPM_KEY_RSA) || signature.form == NULL || digest_size != signature.form->size)
        return TPM_BAD_ARGUMENT;
    if ((tpm->missing_hashes & 1U << hash) != 0)
        return TPM_UNSUPPORTED;
    memcpy(signature.digest, digest, digest_size);
    rsassa_encode(signature.form, digest, block, key->public_key.bits / 8);
    signature.block = block;
    return rsa_run(tpm, &signature, ret_signature);
}

enum tpm_status tpm_rsa_private(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                const uint8_t *block, uint8_t ret_result[TPM_RSA_MAX])
{
    struct signature signature = {.use = {.key = key, .auth = auth, .run = rsa_private_run}, .block = block};

    if (!key_is_possible(key, TPM_KEY_RSA) ||
        memcmp(block, key->public_key.modulus, key->public_key.bits / 8) >=
            0) /* no number below the modulus */
        return TPM_BAD_ARGUMENT;
    return rsa_run(tpm, &signature, ret_result);
}
