#include "signature.h"

#include <string.h>

#include <openssl/crypto.h>

#include "sign_digest.h"

size_t signature_size(const struct tpm_public_key *key)
{
    return key->type == TPM_KEY_RSA ? key->bits / 8 : 2 * (size_t)((key->bits + 7) / 8);
}

static CK_RV take_pss_parameters(const struct mechanism *mechanism, const CK_MECHANISM *given,
                                 const struct tpm_public_key *key, struct rsa_pss *ret_pss)
{
    CK_RSA_PKCS_PSS_PARAMS parameters;
    struct rsa_pss pss = {DIGEST_NONE, DIGEST_NONE, 0};

    if (given->pParameter == NULL || given->ulParameterLen != sizeof(parameters))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&parameters, given->pParameter, sizeof(parameters));
    pss.hash = mechanism_digest(parameters.hashAlg);
    for (size_t i = 0; i < HASH_ALGORITHM_COUNT; i++)
        if (hash_algorithms[i].mgf == parameters.mgf)
            pss.mask = hash_algorithms[i].digest;
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
        signature->input_size < sizeof(signature->input) ? signature->input_size : sizeof(signature->input);
    size_t room = sizeof(signature->input) - kept;
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

static size_t input_kept(const struct signature *signature)
{
    return signature->input_size < sizeof(signature->input) ? signature->input_size
                                                            : sizeof(signature->input);
}

/* A DigestInfo where this mechanism hashes, else what the caller gave, padded. */
static CK_RV pkcs1_block(const struct signature *signature, size_t block_size, uint8_t *ret_block)
{
    bool fits;

    if (signature->mechanism->digest != DIGEST_NONE)
        fits = rsa_pkcs1_encode(signature->mechanism->digest, signature->input, ret_block, block_size);
    else
        fits = signature->input_size <= sizeof(signature->input) &&
               rsa_pkcs1_pad(signature->input, signature->input_size, ret_block, block_size);
    return fits ? CKR_OK : CKR_DATA_LEN_RANGE;
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

/* What is to be done with the key: a digest to be signed, or a padded block. */
struct work {
    struct signature_parameters parameters;
    const uint8_t *digest; /* NULL: the block */
    size_t digest_size;
    uint8_t block[TPM_RSA_MAX];
};

/* A digest, also where the caller made the DigestInfo; else a block. */
static CK_RV pkcs1_prepare(const struct signature *signature, size_t block_size, struct work *work)
{
    work->parameters = (struct signature_parameters){.scheme = SIGNATURE_RSA_PKCS1};
    work->parameters.hash = signature->mechanism->digest;
    work->digest = signature->input;
    if (signature->mechanism->digest == DIGEST_NONE) {
        if (signature->input_size > block_size - 11)
            return CKR_DATA_LEN_RANGE;
        work->parameters.hash = rsa_digest_info_parse(signature->input, signature->input_size, &work->digest);
    }
    work->digest_size = digest_size(work->parameters.hash);
    if (work->parameters.hash != DIGEST_NONE)
        return CKR_OK;
    work->digest = NULL;
    return pkcs1_block(signature, block_size, work->block);
}

static CK_RV work_prepare(const struct signature *signature, const struct tpm_public_key *key,
                          struct work *work)
{
    const size_t block_size = key->bits / 8;

    switch (signature->mechanism->family) {
    case FAMILY_RSA_PKCS1:
        return pkcs1_prepare(signature, block_size, work);
    case FAMILY_RSA_PSS:
        work->parameters = (struct signature_parameters){SIGNATURE_RSA_PSS, signature->pss.hash,
                                                         signature->pss.mask, signature->pss.salt_size};
        work->digest = signature->input;
        work->digest_size = digest_size(signature->pss.hash);
        return signature->input_size == work->digest_size && rsa_pss_fits(&signature->pss, block_size)
                   ? CKR_OK
                   : CKR_DATA_LEN_RANGE;
    case FAMILY_RSA_RAW: {
        CK_RV rv = raw_block(signature, block_size, work->block);
        return rv == CKR_OK && !rsa_block_is_signature(work->block, block_size) ? CKR_DATA_INVALID : rv;
    }
    case FAMILY_ECDSA:
        work->parameters.scheme = SIGNATURE_ECDSA;
        work->digest = signature->input;
        work->digest_size = input_kept(signature);
        return signature->input_size > 0 ? CKR_OK : CKR_DATA_LEN_RANGE;
    case FAMILY_DIGEST:
        break;
    }
    return CKR_GENERAL_ERROR;
}

CK_RV signature_make(struct signature *signature, struct signer *signer, const struct tpm_key *key,
                     const struct tpm_auth *auth, uint8_t ret_signature[TPM_RSA_MAX])
{
    struct work work = {0};
    size_t size;
    struct tpm *tpm;

    close_digest(signature);
    CK_RV rv = work_prepare(signature, &key->public_key, &work);
    if (rv == CKR_OK)
        rv = signer_acquire(signer, &tpm);
    if (rv != CKR_OK)
        return rv;
    enum tpm_status status = work.digest != NULL ? sign_digest(tpm, key, auth, &work.parameters, work.digest,
                                                               work.digest_size, ret_signature, &size)
                                                 : tpm_rsa_private(tpm, key, auth, work.block, ret_signature);
    return signer_release(signer, key->public_key.type == TPM_KEY_RSA ? "RSA signature" : "ECDSA signature",
                          status);
}

static CK_RV verify_rsa(const struct signature *signature, const struct tpm_public_key *key,
                        const uint8_t *value)
{
    uint8_t found[TPM_RSA_MAX], expected[TPM_RSA_MAX];
    size_t block_size = key->bits / 8;
    CK_RV rv;

    switch (rsa_public(key, value, found)) {
    case RSA_PUBLIC_OK:
        break;
    case RSA_PUBLIC_OUT_OF_RANGE:
        return CKR_SIGNATURE_INVALID;
    case RSA_PUBLIC_NO_MEMORY:
        return CKR_HOST_MEMORY;
    }
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
    return tpm_public_verify_ecdsa(key, signature->input, input_kept(signature), value)
               ? CKR_OK
               : CKR_SIGNATURE_INVALID;
}
