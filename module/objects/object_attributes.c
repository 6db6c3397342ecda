#include "object_attributes.h"

/*
 * Every attribute that PKCS #11 3.0 defines for the class is here (base specification, tables 11, 19, 20, 23,
 * 25, 27; current mechanisms, 2.1.2, 2.1.3, 2.3.3, 2.3.4): an application that meets
 * CKR_ATTRIBUTE_TYPE_INVALID for one of them takes the object for broken.
 */
#define TABLE(array)                                                                                         \
    {                                                                                                        \
        array, sizeof(array) / sizeof((array)[0])                                                            \
    }

/* Table 11 and 4.4: storage objects. Nothing of the token can be changed, copied or destroyed through this
 * module. */
#define STORAGE(object_class)                                                                                \
    {CKA_CLASS, SOURCE_NUMBER, object_class}, {CKA_TOKEN, SOURCE_TRUE, 0},                                   \
        {CKA_PRIVATE, SOURCE_CONTENT, CONTENT_PRIVATE}, {CKA_MODIFIABLE, SOURCE_FALSE, 0},                   \
        {CKA_LABEL, SOURCE_CONTENT, CONTENT_LABEL}, {CKA_COPYABLE, SOURCE_FALSE, 0},                         \
        {CKA_DESTROYABLE, SOURCE_FALSE, 0},                                                                  \
    {                                                                                                        \
        CKA_UNIQUE_ID, SOURCE_CONTENT, CONTENT_UNIQUE_ID                                                     \
    }

/* 4.7: keys. The validity dates of a certificate are not its key's. */
#define KEY(object_class, key_type, generator)                                                               \
    STORAGE(object_class), {CKA_KEY_TYPE, SOURCE_NUMBER, key_type}, {CKA_ID, SOURCE_CONTENT, CONTENT_ID},    \
        {CKA_START_DATE, SOURCE_EMPTY, 0}, {CKA_END_DATE, SOURCE_EMPTY, 0}, {CKA_DERIVE, SOURCE_FALSE, 0},   \
        {CKA_LOCAL, SOURCE_TRUE, 0}, {CKA_KEY_GEN_MECHANISM, SOURCE_NUMBER, generator},                      \
        {CKA_ALLOWED_MECHANISMS, SOURCE_CONTENT, CONTENT_MECHANISMS},                                        \
        {CKA_SUBJECT, SOURCE_CONTENT, CONTENT_SUBJECT},                                                      \
    {                                                                                                        \
        CKA_PUBLIC_KEY_INFO, SOURCE_CONTENT, CONTENT_PUBLIC_KEY_INFO                                         \
    }

/* 4.8: public keys */
#define PUBLIC_KEY(key_type, generator)                                                                      \
    KEY(CKO_PUBLIC_KEY, key_type, generator), {CKA_ENCRYPT, SOURCE_FALSE, 0}, {CKA_VERIFY, SOURCE_TRUE, 0},  \
        {CKA_VERIFY_RECOVER, SOURCE_FALSE, 0}, {CKA_WRAP, SOURCE_FALSE, 0}, {CKA_TRUSTED, SOURCE_FALSE, 0},  \
    {                                                                                                        \
        CKA_WRAP_TEMPLATE, SOURCE_EMPTY, 0                                                                   \
    }

/* 4.9: private keys. The TPM key can decrypt, for PSS; the object cannot. */
#define PRIVATE_KEY(key_type, generator)                                                                     \
    KEY(CKO_PRIVATE_KEY, key_type, generator), {CKA_SENSITIVE, SOURCE_TRUE, 0},                              \
        {CKA_DECRYPT, SOURCE_FALSE, 0}, {CKA_SIGN, SOURCE_TRUE, 0}, {CKA_SIGN_RECOVER, SOURCE_FALSE, 0},     \
        {CKA_UNWRAP, SOURCE_FALSE, 0}, {CKA_EXTRACTABLE, SOURCE_FALSE, 0},                                   \
        {CKA_ALWAYS_SENSITIVE, SOURCE_TRUE, 0}, {CKA_NEVER_EXTRACTABLE, SOURCE_TRUE, 0},                     \
        {CKA_WRAP_WITH_TRUSTED, SOURCE_FALSE, 0}, {CKA_UNWRAP_TEMPLATE, SOURCE_EMPTY, 0},                    \
        {CKA_DERIVE_TEMPLATE, SOURCE_EMPTY, 0},                                                              \
    {                                                                                                        \
        CKA_ALWAYS_AUTHENTICATE, SOURCE_FALSE, 0                                                             \
    }

/* The public numbers stand with both keys: OpenSSL, NSS, Java and strongSwan read them from the private one.
 */
#define RSA_NUMBERS                                                                                          \
    {CKA_MODULUS, SOURCE_CONTENT, CONTENT_MODULUS},                                                          \
        {CKA_MODULUS_BITS, SOURCE_CONTENT, CONTENT_MODULUS_BITS},                                            \
    {                                                                                                        \
        CKA_PUBLIC_EXPONENT, SOURCE_CONTENT, CONTENT_PUBLIC_EXPONENT                                         \
    }
#define EC_NUMBERS                                                                                           \
    {CKA_EC_PARAMS, SOURCE_CONTENT, CONTENT_EC_PARAMS},                                                      \
    {                                                                                                        \
        CKA_EC_POINT, SOURCE_CONTENT, CONTENT_EC_POINT                                                       \
    }

/* clang-format off */
static const struct attribute_row certificate_rows[] = {
    STORAGE(CKO_CERTIFICATE),
    /* 4.6.2 and 4.6.3 */
    {CKA_CERTIFICATE_TYPE, SOURCE_NUMBER, CKC_X_509},
    {CKA_TRUSTED, SOURCE_FALSE, 0},
    {CKA_CERTIFICATE_CATEGORY, SOURCE_CONTENT, CONTENT_CATEGORY},
    {CKA_CHECK_VALUE, SOURCE_CONTENT, CONTENT_CHECK_VALUE},
    {CKA_START_DATE, SOURCE_CONTENT, CONTENT_START_DATE},
    {CKA_END_DATE, SOURCE_CONTENT, CONTENT_END_DATE},
    {CKA_PUBLIC_KEY_INFO, SOURCE_CONTENT, CONTENT_PUBLIC_KEY_INFO},
    {CKA_SUBJECT, SOURCE_CONTENT, CONTENT_SUBJECT},
    {CKA_ID, SOURCE_CONTENT, CONTENT_ID},
    {CKA_ISSUER, SOURCE_CONTENT, CONTENT_ISSUER},
    {CKA_SERIAL_NUMBER, SOURCE_CONTENT, CONTENT_SERIAL_NUMBER},
    {CKA_VALUE, SOURCE_CONTENT, CONTENT_VALUE},
    {CKA_URL, SOURCE_EMPTY, 0},
    {CKA_HASH_OF_SUBJECT_PUBLIC_KEY, SOURCE_CONTENT, CONTENT_SUBJECT_KEY_HASH},
    {CKA_HASH_OF_ISSUER_PUBLIC_KEY, SOURCE_CONTENT, CONTENT_ISSUER_KEY_HASH},
    {CKA_JAVA_MIDP_SECURITY_DOMAIN, SOURCE_NUMBER, CK_SECURITY_DOMAIN_UNSPECIFIED},
    {CKA_NAME_HASH_ALGORITHM, SOURCE_NUMBER, CKM_SHA_1},
};

static const struct attribute_row rsa_public_rows[] = {
    PUBLIC_KEY(CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN),
    RSA_NUMBERS,
};

static const struct attribute_row rsa_private_rows[] = {
    PRIVATE_KEY(CKK_RSA, CKM_RSA_PKCS_KEY_PAIR_GEN),
    RSA_NUMBERS,
    {CKA_PRIVATE_EXPONENT, SOURCE_SECRET, 0},
    {CKA_PRIME_1, SOURCE_SECRET, 0},
    {CKA_PRIME_2, SOURCE_SECRET, 0},
    {CKA_EXPONENT_1, SOURCE_SECRET, 0},
    {CKA_EXPONENT_2, SOURCE_SECRET, 0},
    {CKA_COEFFICIENT, SOURCE_SECRET, 0},
};

static const struct attribute_row ec_public_rows[] = {
    PUBLIC_KEY(CKK_EC, CKM_EC_KEY_PAIR_GEN),
    EC_NUMBERS,
};

static const struct attribute_row ec_private_rows[] = {
    PRIVATE_KEY(CKK_EC, CKM_EC_KEY_PAIR_GEN),
    EC_NUMBERS,
    {CKA_VALUE, SOURCE_SECRET, 0},
};

static const struct attribute_row profile_rows[] = {
    STORAGE(CKO_PROFILE),
    {CKA_PROFILE_ID, SOURCE_CONTENT, CONTENT_PROFILE_ID},
};
/* clang-format on */

const struct attribute_table certificate_attributes = TABLE(certificate_rows);
const struct attribute_table rsa_public_attributes = TABLE(rsa_public_rows);
const struct attribute_table rsa_private_attributes = TABLE(rsa_private_rows);
const struct attribute_table ec_public_attributes = TABLE(ec_public_rows);
const struct attribute_table ec_private_attributes = TABLE(ec_private_rows);
const struct attribute_table profile_attributes = TABLE(profile_rows);
