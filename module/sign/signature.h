/*
 * One signature or verification in progress: mechanism, copied parameters, and the input so far. It belongs
 * to one session and may be forgotten at any time; there is nothing to free. CK_RV as PKCS #11 3.0, 5.13
 * and 5.15 name them.
 */
#ifndef SIGN_SIGNATURE_H
#define SIGN_SIGNATURE_H

#include "signer.h"
#include "mechanism.h"
#include "rsa.h"

struct signature {
    const struct mechanism *mechanism;
    struct rsa_pss pss;
    struct digest digest;       /* of a hash-and-sign mechanism */
    uint8_t input[TPM_RSA_MAX]; /* the beginning of what a mechanism without a hash was given */
    size_t input_size;          /* all that it was given, which may be more */
};

/* Bytes of a signature by this key: always the same. */
size_t signature_size(const struct tpm_public_key *key);

/*
 * Begins with `mechanism` and a key. CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID,
 * CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE (hash and salt do not fit this key).
 */
CK_RV signature_init(struct signature *signature, const CK_MECHANISM *mechanism,
                     const struct tpm_public_key *key) __attribute__((warn_unused_result));

void signature_update(struct signature *signature, const uint8_t *data, size_t size);

/*
 * Ends it with the TPM's signature: ret_signature receives signature_size() bytes. CKR_DATA_LEN_RANGE,
 * CKR_DATA_INVALID, and the errors of signer.h.
 */
CK_RV signature_make(struct signature *signature, struct signer *signer, const struct tpm_key *key,
                     const struct tpm_auth *auth, uint8_t ret_signature[TPM_RSA_MAX])
    __attribute__((warn_unused_result));

/* Ends it with a comparison, in software. CKR_OK, CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE,
 * CKR_DATA_LEN_RANGE. */
CK_RV signature_verify(struct signature *signature, const struct tpm_public_key *key, const uint8_t *value,
                       size_t size) __attribute__((warn_unused_result));

#endif
