#include "mechanism.h"

/* In the order of a client's preference: OpenSSL's pkcs11 engine, NSS and Java look through the list from its
 * beginning. */
static const struct mechanism mechanisms[] = {
    {CKM_RSA_PKCS, FAMILY_RSA_PKCS1, DIGEST_NONE},
    {CKM_RSA_PKCS_PSS, FAMILY_RSA_PSS, DIGEST_NONE},
    {CKM_RSA_X_509, FAMILY_RSA_RAW, DIGEST_NONE},
    {CKM_SHA1_RSA_PKCS, FAMILY_RSA_PKCS1, DIGEST_SHA1},
    {CKM_SHA224_RSA_PKCS, FAMILY_RSA_PKCS1, DIGEST_SHA224},
    {CKM_SHA256_RSA_PKCS, FAMILY_RSA_PKCS1, DIGEST_SHA256},
    {CKM_SHA384_RSA_PKCS, FAMILY_RSA_PKCS1, DIGEST_SHA384},
    {CKM_SHA512_RSA_PKCS, FAMILY_RSA_PKCS1, DIGEST_SHA512},
    {CKM_SHA1_RSA_PKCS_PSS, FAMILY_RSA_PSS, DIGEST_SHA1},
    {CKM_SHA224_RSA_PKCS_PSS, FAMILY_RSA_PSS, DIGEST_SHA224},
    {CKM_SHA256_RSA_PKCS_PSS, FAMILY_RSA_PSS, DIGEST_SHA256},
    {CKM_SHA384_RSA_PKCS_PSS, FAMILY_RSA_PSS, DIGEST_SHA384},
    {CKM_SHA512_RSA_PKCS_PSS, FAMILY_RSA_PSS, DIGEST_SHA512},
    {CKM_ECDSA, FAMILY_ECDSA, DIGEST_NONE},
    {CKM_ECDSA_SHA1, FAMILY_ECDSA, DIGEST_SHA1},
    {CKM_ECDSA_SHA224, FAMILY_ECDSA, DIGEST_SHA224},
    {CKM_ECDSA_SHA256, FAMILY_ECDSA, DIGEST_SHA256},
    {CKM_ECDSA_SHA384, FAMILY_ECDSA, DIGEST_SHA384},
    {CKM_ECDSA_SHA512, FAMILY_ECDSA, DIGEST_SHA512},
    {CKM_SHA_1, FAMILY_DIGEST, DIGEST_SHA1},
    {CKM_SHA224, FAMILY_DIGEST, DIGEST_SHA224},
    {CKM_SHA256, FAMILY_DIGEST, DIGEST_SHA256},
    {CKM_SHA384, FAMILY_DIGEST, DIGEST_SHA384},
    {CKM_SHA512, FAMILY_DIGEST, DIGEST_SHA512},
};

#define MECHANISM_COUNT (sizeof(mechanisms) / sizeof(mechanisms[0]))
_Static_assert(MECHANISM_COUNT <= MECHANISM_COUNT_MAX, "callers give room for MECHANISM_COUNT_MAX");

const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < MECHANISM_COUNT; i++)
        if (mechanisms[i].type == type)
            return &mechanisms[i];
    return NULL;
}

bool mechanism_suits(const struct mechanism *mechanism, enum tpm_key_type type)
{
    if (mechanism->family == FAMILY_DIGEST)
        return true;
    return (mechanism->family == FAMILY_ECDSA) == (type == TPM_KEY_EC);
}

size_t mechanism_list(enum tpm_key_type type, bool with_digests,
                      CK_MECHANISM_TYPE ret_types[MECHANISM_COUNT_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < MECHANISM_COUNT; i++)
        if (mechanism_suits(&mechanisms[i], type) && (with_digests || mechanisms[i].family != FAMILY_DIGEST))
            ret_types[count++] = mechanisms[i].type;
    return count;
}

void mechanism_info(const struct mechanism *mechanism, const struct tpm_public_key *key,
                    CK_MECHANISM_INFO *ret_info)
{
    if (mechanism->family == FAMILY_DIGEST) {
        *ret_info = (CK_MECHANISM_INFO){0, 0, CKF_DIGEST};
        return;
    }
    *ret_info = (CK_MECHANISM_INFO){key->bits, key->bits, CKF_HW | CKF_SIGN | CKF_VERIFY};
    if (mechanism->family == FAMILY_ECDSA)
        ret_info->flags |= CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS;
}

enum digest_algorithm mechanism_digest(CK_MECHANISM_TYPE type)
{
    const struct mechanism *mechanism = mechanism_find(type);
    return mechanism == NULL || mechanism->family != FAMILY_DIGEST ? DIGEST_NONE : mechanism->digest;
}
