#include <string.h>

#include <openssl/crypto.h>
#include <tss2/tss2_mu.h>

#include "curve.h"
#include "key_use.h"
#include "operation.h"
#include "rsa_pkcs1.h"
#include "verify_signature.h"

struct signature {
    struct tpm_key_use use; /* first, so that run() finds the rest */
    const struct hash_algorithm *hash;
    uint8_t digest[DIGEST_SIZE_MAX];
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
    const TPMT_SIG_SCHEME in_scheme = {.scheme = scheme,
                                       .details.any.hashAlg = signature->hash->tpm_identifier};
    TPM2B_DIGEST digest = {.size = (uint16_t)digest_size(signature->hash->digest)};
    struct tpm_response response;
    size_t offset = 0;

    memcpy(digest.buffer, signature->digest, digest_size(signature->hash->digest));
    uint32_t rc =
        Tss2_Sys_Sign_Prepare(tpm_command_begin(tpm), signature->use.handle, &digest, &in_scheme, &ticket);
    rc = tpm_command_run(tpm, rc, &command, &response);
    /* Of a resident key TPM_RC_SCHEME may also say that it is another kind of key. */
    if (tpm_rc_base(rc) == TPM2_RC_HASH ||
        (tpm_rc_base(rc) == TPM2_RC_SCHEME && signature->use.handle != signature->use.key->persistent_handle))
        tpm->missing_hashes |= 1U << signature->hash->tpm_hash;
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    /* the algorithm first: tss2-mu of 4.x prints to stderr about one that it does not know */
    struct tpm_reader algorithm = response.parameters;
    if (tpm_read_u16(&algorithm) != scheme ||
        Tss2_MU_TPMT_SIGNATURE_Unmarshal(response.parameters.data, response.parameters.size, &offset,
                                         ret_value) != TSS2_RC_SUCCESS ||
        offset != response.parameters.size ||
        ret_value->signature.any.hashAlg != signature->hash->tpm_identifier)
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
                            signature->digest, digest_size(signature->hash->digest), signature->result);
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
    const struct curve_algorithm *curve = curve_algorithm_find(public_key->curve);
    return curve != NULL && curve->bits == public_key->bits;
}

/*
 * The digest as the TPM has to get it: TPM2_Sign wants the length of a hash, and the number is what counts,
 * so it gets the shortest hash that holds the left-most bits, with zero bytes on the left. A digest of which
 * more bits would count than the longest hash has (P-521) is not possible.
 */
static const struct hash_algorithm *ecdsa_digest_fit(const struct tpm_key *key, const uint8_t *digest,
                                                     size_t size, uint8_t ret_digest[DIGEST_SIZE_MAX])
{
    const size_t curve_size = (key->public_key.bits + 7) / 8;
    const size_t used = size < curve_size ? size : curve_size;

    for (size_t i = 0; i < HASH_ALGORITHM_COUNT; i++) {
        const size_t hash_size = digest_size(hash_algorithms[i].digest);

        /* SHA-1 may be disabled in a TPM */
        if (hash_algorithms[i].tpm_hash <= TPM_HASH_SHA1 || used > hash_size)
            continue;
        memset(ret_digest, 0, hash_size - used);
        memcpy(ret_digest + hash_size - used, digest, used);
        return &hash_algorithms[i];
    }
    return NULL;
}

enum tpm_status tpm_sign_ecdsa(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                               const uint8_t *digest, size_t size, uint8_t ret_signature[2 * TPM_EC_MAX],
                               size_t *ret_size)
{
    struct signature signature = {.use = {.key = key, .auth = auth, .run = ecdsa_run}};
    const size_t signature_size = 2 * ((key->public_key.bits + 7) / 8);
    enum tpm_status status;

    if (!key_is_possible(key, TPM_KEY_EC) || size == 0)
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    signature.hash = ecdsa_digest_fit(key, digest, size, signature.digest);
    if (signature.hash == NULL)
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    status = tpm_operation_run(tpm, __func__, key, use_run, &signature);
    if (status == TPM_OK) {
        memcpy(ret_signature, signature.result, signature_size);
        *ret_size = signature_size;
    }
    return status;
}

static enum tpm_status rsa_run(struct tpm *tpm, const char *function, struct signature *signature,
                               uint8_t ret_signature[TPM_RSA_MAX])
{
    enum tpm_status status = tpm_operation_run(tpm, function, signature->use.key, use_run, signature);

    if (status == TPM_OK)
        memcpy(ret_signature, signature->result, signature->use.key->public_key.bits / 8);
    OPENSSL_cleanse(signature->result, sizeof(signature->result));
    return status;
}

enum tpm_status tpm_sign_rsassa(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                enum tpm_hash hash, const uint8_t *digest, size_t size,
                                uint8_t ret_signature[TPM_RSA_MAX])
{
    struct signature signature = {.use = {.key = key, .auth = auth, .run = rsassa_run}};
    uint8_t block[TPM_RSA_MAX];

    for (size_t i = 0; i < HASH_ALGORITHM_COUNT; i++)
        if (hash != TPM_HASH_NONE && hash_algorithms[i].tpm_hash == hash)
            signature.hash = &hash_algorithms[i];
    if (!key_is_possible(key, TPM_KEY_RSA) || signature.hash == NULL ||
        size != digest_size(signature.hash->digest) ||
        !rsa_pkcs1_encode(signature.hash->digest, digest, block, key->public_key.bits / 8))
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    if ((tpm->missing_hashes & 1U << hash) != 0)
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_UNSUPPORTED);
    memcpy(signature.digest, digest, size);
    signature.block = block;
    return rsa_run(tpm, __func__, &signature, ret_signature);
}

enum tpm_status tpm_rsa_private(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                const uint8_t *block, uint8_t ret_result[TPM_RSA_MAX])
{
    struct signature signature = {.use = {.key = key, .auth = auth, .run = rsa_private_run}, .block = block};

    if (!key_is_possible(key, TPM_KEY_RSA) ||
        memcmp(block, key->public_key.modulus, key->public_key.bits / 8) >=
            0) /* no number below the modulus */
        return tpm_operation_refuse(tpm, __func__, LOCAL_RC_BAD_ARGUMENT);
    return rsa_run(tpm, __func__, &signature, ret_result);
}
