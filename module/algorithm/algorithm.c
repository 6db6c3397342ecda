#include "algorithm.h"

#include <string.h>

#include <openssl/obj_mac.h>

#include "pkcs11.h"

const struct hash_algorithm hash_algorithms[HASH_ALGORITHM_COUNT] = {
    {DIGEST_SHA1,
     TPM_HASH_SHA1,
     0x0004,
     CKM_SHA_1,
     CKG_MGF1_SHA1,
     15,
     {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}},
    {DIGEST_SHA224,
     TPM_HASH_NONE,
     0,
     CKM_SHA224,
     CKG_MGF1_SHA224,
     19,
     {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04, 0x05, 0x00,
      0x04, 0x1c}},
    {DIGEST_SHA256,
     TPM_HASH_SHA256,
     0x000b,
     CKM_SHA256,
     CKG_MGF1_SHA256,
     19,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
      0x04, 0x20}},
    {DIGEST_SHA384,
     TPM_HASH_SHA384,
     0x000c,
     CKM_SHA384,
     CKG_MGF1_SHA384,
     19,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
      0x04, 0x30}},
    {DIGEST_SHA512,
     TPM_HASH_SHA512,
     0x000d,
     CKM_SHA512,
     CKG_MGF1_SHA512,
     19,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
      0x04, 0x40}},
};

const struct curve_algorithm curve_algorithms[CURVE_COUNT] = {
    {TPM_CURVE_P256,
     256,
     0x0003,
     NID_X9_62_prime256v1,
     "P-256",
     "prime256v1",
     "secp256r1",
     10,
     {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}},
    {TPM_CURVE_P384,
     384,
     0x0004,
     NID_secp384r1,
     "P-384",
     "secp384r1",
     "secp384r1",
     7,
     {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}},
    {TPM_CURVE_P521,
     521,
     0x0005,
     NID_secp521r1,
     "P-521",
     "secp521r1",
     "secp521r1",
     7,
     {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}},
};

const struct hash_algorithm *hash_algorithm_find(enum digest_algorithm digest)
{
    for (size_t i = 0; i < HASH_ALGORITHM_COUNT; i++)
        if (hash_algorithms[i].digest == digest)
            return &hash_algorithms[i];
    return NULL;
}

const struct curve_algorithm *curve_algorithm_find(enum tpm_curve curve)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (curve_algorithms[i].curve == curve)
            return &curve_algorithms[i];
    return NULL;
}

const struct curve_algorithm *curve_algorithm_named(const char *name)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (strcmp(name, curve_algorithms[i].name) == 0 ||
            strcmp(name, curve_algorithms[i].openssl_name) == 0 ||
            strcmp(name, curve_algorithms[i].secg_name) == 0)
            return &curve_algorithms[i];
    return NULL;
}
