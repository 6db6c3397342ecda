#include "signature.h"

#include <string.h>

#include <openssl/crypto.h>

static const struct {
    CK_RSA_PKCS_MGF_TYPE mgf;
    enum digest_algorithm digest;
} masks[] = {
    {CKG_MGF1_SHA1, DIGEST_SHA1},     {CKG_MGF1_SHA224, DIGEST_SHA224}, {CKG_MGF1_SHA256, DIGEST_SHA256},
    {CKG_MGF1_SHA384, DIGEST_SHA384}, {CKG_MGF1_SHA512, DIGEST_SHA512},
};

static const struct {
    enum digest_algorithm digest;
    enum tpm_hash hash;
} tpm_hashes[] = {
    {DIGEST_SHA1, TPM_HASH_SHA1},
    {DIGEST_SHA256, TPM_HASH_SHA256},
    {DIGEST_SHA384, TPM_HASH_SHA384},
    {DIGEST_SHA512, TPM_HASH_SHA512},
};

size_t signature_size(const struct tpm_public_key *key)
{
    return key->type == TPM_KEY_RSA ? key->bits / 8 : 2 * (size_t)((key->bits + 7) / 8);
}

static CK_RV take_pss_parameters(const struct mechanism *mechanism, const CK_MECHANISM *given,
                                 const struct tpm_public_key *key, struct rsa_pss *ret_pss)
{
    CK_RSA_PKCS_PSS_PARAMS parameters;
    struct rsa_pss pss = {DIGEST_NONE, DIGEST_NONE, 0};

    if (given->pParameter == NULL || given->ulParameterLen != sizeof parameters)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&parameters, given->pParameter, sizeof parameters);
    pss.hash = mechanism_digest(parameters.hashAlg);
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++)
        if (masks[i].mgf == parameters.mgf)
            pss.mask = masks[i].digest;
    pss.salt_size = parameters.sLen;
    if (pss.hash == DIGEST_NONE || pss.mask == DIGEST_NONE || pss.salt_size > TPM_RSA_MAX ||
        (mechanism->digest != DIGEST_NONE && mechanism->digest != pss.hash))
        return CKR_MECHANISM_PARAM_INVALID;
    if (digest_size(pss.hash) + pss.salt_size + 2 > key->bits / 8)
        return CKR_KEY_SIZE_RANGE;
    *ret_pss = pss;
    return CKR_OK;
}

CK_RV signature_init(struct signature *signature, const CK_MECHANISM *mechanism,
                     const struct tpm_public_key *key)
{
    struct rsa_pss pss = {DIGEST_NONE, DIGEST_NONE, 0};
    const struct mechanism *found = mechanism_find(mechanism->mechanism);

    if (found == NULL || found->family == FAMILY_DIGEST)
        return CKR_MECHANISM_INVALID;
    if (!mechanism_suits(found, key->type))
        return CKR_KEY_TYPE_INCONSISTENT;
    if (found->family == FAMILY_RSA_PSS) {
        CK_RV rv = take_pss_parameters(found, mechanism, key, &pss);
        if (rv != CKR_OK)
            return rv;
    } else if (mechanism->ulParameterLen != 0) {
        return CKR_MECHANISM_PARAM_INVALID;
    }
    if (found->family == FAMILY_RSA_PKCS1 && found->digest != DIGEST_NONE &&
        digest_size(found->digest) + RSA_DIGEST_INFO_MAX - DIGEST_SIZE_MAX + 11 > key->bits / 8)
        return CKR_KEY_SIZE_RANGE;
    signature->mechanism = found;
    signature->pss = pss;
    signature->input_size = 0;
    digest_init(&signature->digest, found->digest);
    return CKR_OK;
}

void signature_update(struct signature *signature, const uint8_t *data, size_t size)
{
    if (size == 0)
        return;
    if (signature->mechanism->digest != DIGEST_NONE) {
        digest_update(&signature->digest, data, size);
        return;
    }
    size_t kept =
        signature->input_size < sizeof signature->input ? signature->input_size : sizeof signature->input;
    size_t room = sizeof signature->input - kept;
    memcpy(signature->input + kept, data, size < room ? size : room);
    signature->input_size = size > SIZE_MAX - signature->input_size ? SIZE_MAX : signature->input_size + size;
}

/* Puts the hash where a mechanism without one has its input. */
static void close_digest(struct signature *signature)
{
    if (signature->mechanism->digest == DIGEST_NONE)
        return;
    digest_final(&signature->digest, signature->input);
    signature->input_size = digest_size(signature->mechanism->digest);
}

/* The input as PKCS #1 v1.5 signs it: a DigestInfo where this mechanism hashes, else what the caller gave. */
static CK_RV pkcs1_content(const struct signature *signature, const uint8_t **ret_content, size_t *ret_size,
                           uint8_t info[RSA_DIGEST_INFO_MAX])
{
    if (signature->mechanism->digest != DIGEST_NONE) {
        *ret_size = rsa_digest_info(signature->mechanism->digest, signature->input, info);
        *ret_content = info;
        return CKR_OK;
    }
    if (signature->input_size > sizeof signature->input)
        return CKR_DATA_LEN_RANGE;
    *ret_content = signature->input;
    *ret_size = signature->input_size;
    return CKR_OK;
}

static CK_RV pkcs1_block(const struct signature *signature, size_t block_size, uint8_t *ret_block)
{
    uint8_t info[RSA_DIGEST_INFO_MAX];
    const uint8_t *content;
    size_t content_size;
    CK_RV rv = pkcs1_content(signature, &content, &content_size, info);
    if (rv == CKR_OK && !rsa_pkcs1_pad(content, content_size, ret_block, block_size))
        rv = CKR_DATA_LEN_RANGE;
    return rv;
}

/* CKM_RSA_X_509 (PKCS #11 3.0 current mechanisms, 2.1.8): zeros in front make up what is missing. */
static CK_RV raw_block(const struct signature *signature, size_t block_size, uint8_t *ret_block)
{
    if (signature->input_size > block_size || signature->input_size == 0)
        return CKR_DATA_LEN_RANGE;
    memset(ret_block, 0, block_size - signature->input_size);
    memcpy(ret_block + block_size - signature->input_size, signature->input, signature->input_size);
    return CKR_OK;
}

static CK_RV pss_block(const struct signature *signature, size_t block_size, uint8_t *ret_block)
{
    if (signature->input_size != digest_size(signature->pss.hash) ||
        !rsa_pss_fits(&signature->pss, block_size))
        return CKR_DATA_LEN_RANGE;
    return rsa_pss_pad(&signature->pss, signature->input, ret_block, block_size) ? CKR_OK
                                                                                 : CKR_FUNCTION_FAILED;
}

static CK_RV make_padded(struct signer *signer, const struct tpm_key *key, const struct tpm_auth *auth,
                         const uint8_t *block, uint8_t *ret_signature)
{
    struct tpm *tpm;
    CK_RV rv = signer_acquire(signer, &tpm);
    if (rv != CKR_OK)
        return rv;
    return signer_release(signer, "RSA signature", tpm_rsa_private(tpm, key, auth, block, ret_signature));
}

/*
 * TPM2_Sign where the content is the DigestInfo of a hash that the TPM has: a chip may have a faster way for
 * it, and one that checks what it signs. Else the padded block.
 */
static CK_RV make_pkcs1(const struct signature *signature, struct signer *signer, const struct tpm_key *key,
                        const struct tpm_auth *auth, uint8_t *ret_signature)
{
    uint8_t block[TPM_RSA_MAX];
    uint8_t info[RSA_DIGEST_INFO_MAX];
    const uint8_t *content, *digest;
    size_t content_size;
    enum tpm_hash hash = TPM_HASH_NONE;
    struct tpm *tpm;

    CK_RV rv = pkcs1_content(signature, &content, &content_size, info);
    if (rv == CKR_OK)
        rv = pkcs1_block(signature, key->public_key.bits / 8, block);
    if (rv != CKR_OK)
        return rv;
    enum digest_algorithm algorithm = rsa_digest_info_parse(content, content_size, &digest);
    for (size_t i = 0; i < sizeof tpm_hashes / sizeof tpm_hashes[0]; i++)
        if (algorithm != DIGEST_NONE && tpm_hashes[i].digest == algorithm)
            hash = tpm_hashes[i].hash;
    if (hash == TPM_HASH_NONE)
        return make_padded(signer, key, auth, block, ret_signature);

    rv = signer_acquire(signer, &tpm);
    if (rv != CKR_OK)
        return rv;
    enum tpm_status status =
        tpm_sign_rsassa(tpm, key, auth, hash, digest, digest_size(algorithm), ret_signature);
    if (status == TPM_UNSUPPORTED) /* known without asking after the first time */
        status = tpm_rsa_private(tpm, key, auth, block, ret_signature);
    return signer_release(signer, "RSA signature", status);
}

static CK_RV make_ecdsa(const struct signature *signature, struct signer *signer, const struct tpm_key *key,
                        const struct tpm_auth *auth, uint8_t *ret_signature)
{
    uint8_t value[2 * TPM_EC_MAX];
    size_t size = 0;
    struct tpm *tpm;

    if (signature->input_size == 0)
        return CKR_DATA_LEN_RANGE;
    size_t kept =
        signature->input_size < sizeof signature->input ? signature->input_size : sizeof signature->input;
    CK_RV rv = signer_acquire(signer, &tpm);
    if (rv != CKR_OK)
        return rv;
    rv = signer_release(signer, "ECDSA signature",
                        tpm_sign_ecdsa(tpm, key, auth, signature->input, kept, value, &size));
    if (rv == CKR_OK && size != signature_size(&key->public_key))
        rv = CKR_DEVICE_ERROR;
    if (rv == CKR_OK)
        memcpy(ret_signature, value, size);
    return rv;
}

CK_RV signature_make(struct signature *signature, struct signer *signer, const struct tpm_key *key,
                     const struct tpm_auth *auth, uint8_t ret_signature[TPM_RSA_MAX])
{
    uint8_t block[TPM_RSA_MAX];
    size_t block_size = key->public_key.bits / 8;
    CK_RV rv = CKR_GENERAL_ERROR;

    close_digest(signature);
    switch (signature->mechanism->family) {
    case FAMILY_RSA_PKCS1:
        return make_pkcs1(signature, signer, key, auth, ret_signature);
    case FAMILY_ECDSA:
        return make_ecdsa(signature, signer, key, auth, ret_signature);
    case FAMILY_RSA_PSS:
        rv = pss_block(signature, block_size, block);
        break;
    case FAMILY_RSA_RAW:
        rv = raw_block(signature, block_size, block);
        if (rv == CKR_OK && !rsa_block_is_signature(block, block_size))
            rv = CKR_DATA_INVALID;
        break;
    case FAMILY_DIGEST:
        break;
    }
    return rv == CKR_OK ? make_padded(signer, key, auth, block, ret_signature) : rv;
}

static CK_RV verify_rsa(const struct signature *signature, const struct tpm_public_key *key,
                        const uint8_t *value)
{
    uint8_t found[TPM_RSA_MAX], expected[TPM_RSA_MAX];
    size_t block_size = key->bits / 8;
    CK_RV rv;

    if (!rsa_public(key, value, found))
        return CKR_SIGNATURE_INVALID;
    if (signature->mechanism->family == FAMILY_RSA_PSS) {
        if (signature->input_size != digest_size(signature->pss.hash))
            return CKR_DATA_LEN_RANGE;
        return rsa_pss_check(&signature->pss, signature->input, found, block_size) ? CKR_OK
                                                                                   : CKR_SIGNATURE_INVALID;
    }
    rv = signature->mechanism->family == FAMILY_RSA_RAW ? raw_block(signature, block_size, expected)
                                                        : pkcs1_block(signature, block_size, expected);
    if (rv == CKR_OK && CRYPTO_memcmp(found, expected, block_size) != 0)
        rv = CKR_SIGNATURE_INVALID;
    return rv;
}

CK_RV signature_verify(struct signature *signature, const struct tpm_public_key *key, const uint8_t *value,
                       size_t size)
{
    close_digest(signature);
    if (size != signature_size(key))
        return CKR_SIGNATURE_LEN_RANGE;
    if (key->type == TPM_KEY_RSA)
        return verify_rsa(signature, key, value);
    if (signature->input_size == 0)
        return CKR_DATA_LEN_RANGE;
    size_t kept =
        signature->input_size < sizeof signature->input ? signature->input_size : sizeof signature->input;
    return tpm_public_verify_ecdsa(key, signature->input, kept, value) ? CKR_OK : CKR_SIGNATURE_INVALID;
}
