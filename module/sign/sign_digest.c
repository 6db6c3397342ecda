#include "sign_digest.h"

#include "rsa.h"

/*
 * TPM2_Sign where the TPM has the hash: a chip may have a faster way for it, and one that checks what it
 * signs. Else the padded block.
 */
static enum tpm_status rsa_pkcs1_sign(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                      enum digest_algorithm algorithm, const uint8_t *digest, size_t size,
                                      uint8_t *ret_signature)
{
    const struct hash_algorithm *hash = hash_algorithm_find(algorithm);
    enum tpm_status status = TPM_UNSUPPORTED;
    uint8_t block[TPM_RSA_MAX];

    if (hash == NULL || size != digest_size(algorithm))
        return TPM_BAD_ARGUMENT;
    if (hash->tpm_hash != TPM_HASH_NONE)
        status = tpm_sign_rsassa(tpm, key, auth, hash->tpm_hash, digest, size, ret_signature);
    if (status != TPM_UNSUPPORTED) /* known without a command after the first time */
        return status;
    if (!rsa_pkcs1_encode(algorithm, digest, block, key->public_key.bits / 8))
        return TPM_BAD_ARGUMENT;
    return tpm_rsa_private(tpm, key, auth, block, ret_signature);
}

/* TPM2_Sign with RSAPSS salts with all the bytes that fit, TLS 1.3 wants the digest's length: padded here. */
static enum tpm_status rsa_pss_sign(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                    const struct rsa_pss *pss, const uint8_t *digest, size_t size,
                                    uint8_t *ret_signature)
{
    const size_t block_size = key->public_key.bits / 8;
    uint8_t block[TPM_RSA_MAX];

    if (size != digest_size(pss->hash) || !rsa_pss_fits(pss, block_size))
        return TPM_BAD_ARGUMENT;
    if (!rsa_pss_pad(pss, digest, block, block_size))
        return TPM_FAILED;
    return tpm_rsa_private(tpm, key, auth, block, ret_signature);
}

enum tpm_status sign_digest(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                            const struct signature_parameters *parameters, const uint8_t *digest, size_t size,
                            uint8_t ret_signature[TPM_RSA_MAX], size_t *ret_size)
{
    const struct rsa_pss pss = {parameters->hash, parameters->mask, parameters->salt_size};

    if (parameters->scheme == SIGNATURE_ECDSA)
        return tpm_sign_ecdsa(tpm, key, auth, digest, size, ret_signature, ret_size);
    enum tpm_status status =
        parameters->scheme == SIGNATURE_RSA_PSS
            ? rsa_pss_sign(tpm, key, auth, &pss, digest, size, ret_signature)
            : rsa_pkcs1_sign(tpm, key, auth, parameters->hash, digest, size, ret_signature);
    if (status == TPM_OK)
        *ret_size = key->public_key.bits / 8;
    return status;
}
