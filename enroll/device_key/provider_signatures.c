/* Signatures (provider-signature(7)): RSASSA-PKCS1-v1_5, RSASSA-PSS and ECDSA over a message; nothing is
 * verified here. */
#include "provider.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct operation {
    struct provider_key *key;
    struct signature_parameters parameters;
    bool mask_given;
    int salt; /* bytes, or RSA_PSS_SALTLEN_*: below 0 */
    struct digest digest;
};

/* The names that EVP, libssl and CMS use for a hash. */
static const struct {
    const char *name, *alias, *other;
    enum digest_algorithm algorithm;
    int rsa_nid, ecdsa_nid; /* the signature algorithm with it */
} hashes[] = {
    {"SHA2-256", "SHA256", "SHA-256", DIGEST_SHA256, NID_sha256WithRSAEncryption, NID_ecdsa_with_SHA256},
    {"SHA2-384", "SHA384", "SHA-384", DIGEST_SHA384, NID_sha384WithRSAEncryption, NID_ecdsa_with_SHA384},
    {"SHA2-512", "SHA512", "SHA-512", DIGEST_SHA512, NID_sha512WithRSAEncryption, NID_ecdsa_with_SHA512},
    {"SHA2-224", "SHA224", "SHA-224", DIGEST_SHA224, NID_sha224WithRSAEncryption, NID_ecdsa_with_SHA224},
    {"SHA1", "SHA-1", "RSA-SHA1", DIGEST_SHA1, NID_sha1WithRSAEncryption, NID_ecdsa_with_SHA1},
};
#define HASH_COUNT (sizeof(hashes) / sizeof(hashes[0]))

static enum digest_algorithm hash_named(const char *name)
{
    for (size_t i = 0; name != NULL && i < HASH_COUNT; i++)
        if (strcasecmp(name, hashes[i].name) == 0 || strcasecmp(name, hashes[i].alias) == 0 ||
            strcasecmp(name, hashes[i].other) == 0)
            return hashes[i].algorithm;
    return DIGEST_NONE;
}

static void *operation_new(void *context, const char *properties)
{
    (void)context;
    (void)properties;
    return calloc(1, sizeof(struct operation));
}

static void operation_free(void *data)
{
    OPENSSL_clear_free(data, sizeof(struct operation));
}

static void *operation_copy(void *data)
{
    struct operation *copy = malloc(sizeof(*copy));
    if (copy != NULL)
        memcpy(copy, data, sizeof(*copy));
    return copy;
}

/* ---- parameters ---- */

static bool padding_set(struct operation *operation, const OSSL_PARAM *wanted)
{
    int number = 0;
    bool pss;
    if (wanted->data_type == OSSL_PARAM_UTF8_STRING) {
        pss = strcasecmp(wanted->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
        if (!pss && strcasecmp(wanted->data, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) != 0)
            return false;
    } else {
        if (!OSSL_PARAM_get_int(wanted, &number) ||
            (number != RSA_PKCS1_PADDING && number != RSA_PKCS1_PSS_PADDING))
            return false;
        pss = number == RSA_PKCS1_PSS_PADDING;
    }
    operation->parameters.scheme = pss ? SIGNATURE_RSA_PSS : SIGNATURE_RSA_PKCS1;
    return true;
}

/* As a number, also in text, or one of the two names. */
static bool salt_set(struct operation *operation, const OSSL_PARAM *wanted)
{
    const char *text = wanted->data;
    char *end = NULL;
    if (wanted->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_get_int(wanted, &operation->salt) && operation->salt >= RSA_PSS_SALTLEN_MAX;
    if (strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0) {
        operation->salt = RSA_PSS_SALTLEN_DIGEST;
        return true;
    }
    if (strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_MAX) == 0) {
        operation->salt = RSA_PSS_SALTLEN_MAX;
        return true;
    }
    long number = strtol(text, &end, 10);
    operation->salt = (int)number;
    return end != text && *end == '\0' && number >= 0 && number <= TPM_RSA_MAX;
}

static int rsa_set(void *data, const OSSL_PARAM parameters[])
{
    struct operation *operation = data;
    if (parameters == NULL)
        return 1;
    const OSSL_PARAM *padding = OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_PAD_MODE);
    const OSSL_PARAM *salt = OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    const OSSL_PARAM *mask = OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
    if ((padding != NULL && !padding_set(operation, padding)) || (salt != NULL && !salt_set(operation, salt)))
        return 0;
    if (mask != NULL) {
        operation->parameters.mask =
            mask->data_type == OSSL_PARAM_UTF8_STRING ? hash_named(mask->data) : DIGEST_NONE;
        operation->mask_given = true;
        return operation->parameters.mask != DIGEST_NONE;
    }
    return 1;
}

static int ec_set(void *data, const OSSL_PARAM parameters[])
{
    (void)data;
    (void)parameters;
    return 1;
}

/* The AlgorithmIdentifier of a request's or message's signature: RSA with NULL parameters (RFC 4055), ECDSA
 * without (RFC 5758).
 */
static bool algorithm_get(const struct operation *operation, OSSL_PARAM *wanted)
{
    bool rsa = operation->parameters.scheme == SIGNATURE_RSA_PKCS1;
    int nid = NID_undef;
    for (size_t i = 0; i < HASH_COUNT; i++)
        if (hashes[i].algorithm == operation->parameters.hash)
            nid = rsa ? hashes[i].rsa_nid : hashes[i].ecdsa_nid;
    if (nid == NID_undef || operation->parameters.scheme == SIGNATURE_RSA_PSS)
        return false;
    X509_ALGOR *algorithm = X509_ALGOR_new();
    unsigned char *der = NULL;
    bool done = algorithm != NULL &&
                X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL) == 1;
    int size = done ? i2d_X509_ALGOR(algorithm, &der) : -1;
    done = size > 0 && OSSL_PARAM_set_octet_string(wanted, der, (size_t)size);
    OPENSSL_free(der);
    X509_ALGOR_free(algorithm);
    return done;
}

static int parameters_get(void *data, OSSL_PARAM parameters[])
{
    const struct operation *operation = data;
    OSSL_PARAM *algorithm = OSSL_PARAM_locate(parameters, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
    OSSL_PARAM *padding = OSSL_PARAM_locate(parameters, OSSL_SIGNATURE_PARAM_PAD_MODE);
    bool pss = operation->parameters.scheme == SIGNATURE_RSA_PSS;
    if (algorithm != NULL && !algorithm_get(operation, algorithm))
        return 0;
    if (padding == NULL)
        return 1;
    if (padding->data_type == OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_set_utf8_string(padding,
                                          pss ? OSSL_PKEY_RSA_PAD_MODE_PSS : OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    return OSSL_PARAM_set_int(padding, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING);
}

static const OSSL_PARAM *parameters_gettable(void *data, void *context)
{
    static const OSSL_PARAM gettable[] = {OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
                                          OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
                                          OSSL_PARAM_END};
    (void)data;
    (void)context;
    return gettable;
}

static const OSSL_PARAM *rsa_settable(void *data, void *context)
{
    static const OSSL_PARAM settable[] = {OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
                                          OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
                                          OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
                                          OSSL_PARAM_END};
    (void)data;
    (void)context;
    return settable;
}

static const OSSL_PARAM *ec_settable(void *data, void *context)
{
    static const OSSL_PARAM settable[] = {OSSL_PARAM_END};
    (void)data;
    (void)context;
    return settable;
}

/* ---- signing ---- */

static int operation_begin(struct operation *operation, enum signature_scheme scheme, const char *hash,
                           struct provider_key *key)
{
    if (key != NULL)
        operation->key = key;
    if (operation->key == NULL || operation->key->signer == NULL)
        return 0;
    operation->parameters.scheme = scheme;
    operation->parameters.hash = hash_named(hash != NULL && *hash != '\0' ? hash : "SHA256");
    operation->salt = RSA_PSS_SALTLEN_DIGEST;
    operation->mask_given = false;
    if (operation->parameters.hash == DIGEST_NONE)
        return 0;
    digest_init(&operation->digest, operation->parameters.hash);
    return 1;
}

static int rsa_begin(void *data, const char *hash, void *key, const OSSL_PARAM parameters[])
{
    return operation_begin(data, SIGNATURE_RSA_PKCS1, hash, key) && rsa_set(data, parameters);
}

static int ec_begin(void *data, const char *hash, void *key, const OSSL_PARAM parameters[])
{
    (void)parameters;
    return operation_begin(data, SIGNATURE_ECDSA, hash, key);
}

static int operation_update(void *data, const unsigned char *message, size_t size)
{
    digest_update(&((struct operation *)data)->digest, message, size);
    return 1;
}

static size_t salt_size(const struct operation *operation)
{
    size_t block = operation->key->public_key.bits / 8, hash = digest_size(operation->parameters.hash);
    if (operation->salt >= 0)
        return (size_t)operation->salt;
    /* RFC 8017, 9.1.1: what is left of the block. */
    return operation->salt == RSA_PSS_SALTLEN_MAX && block > hash + 2 ? block - hash - 2 : hash;
}

static bool signature_make(struct operation *operation, uint8_t signature[SIGNATURE_SIZE_MAX],
                           size_t *ret_size)
{
    uint8_t digest[DIGEST_SIZE_MAX];
    if (!operation->mask_given)
        operation->parameters.mask = operation->parameters.hash;
    operation->parameters.salt_size = salt_size(operation);
    digest_final(&operation->digest, digest);
    return signing_key_sign(operation->key->signer, &operation->parameters, digest, signature, ret_size);
}

static int rsa_final(void *data, unsigned char *ret_signature, size_t *ret_size, size_t capacity)
{
    struct operation *operation = data;
    uint8_t signature[SIGNATURE_SIZE_MAX];
    size_t size = operation->key->public_key.bits / 8;
    if (ret_signature == NULL) {
        *ret_size = size;
        return 1;
    }
    if (capacity < size || !signature_make(operation, signature, &size))
        return 0;
    memcpy(ret_signature, signature, size);
    *ret_size = size;
    return 1;
}

/* r then s as SEQUENCE { INTEGER, INTEGER } (RFC 3279, 2.2.3). Returns its size, 0 on failure. */
static size_t ecdsa_encode(const uint8_t *signature, size_t size, unsigned char *ret_der, size_t capacity)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)(size / 2), NULL),
           *s = BN_bin2bn(signature + size / 2, (int)(size / 2), NULL);
    unsigned char *der = NULL;
    int der_size = -1;
    if (pair != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(pair, r, s) == 1) {
        r = s = NULL; /* the pair's */
        der_size = i2d_ECDSA_SIG(pair, &der);
    }
    size_t written = der_size > 0 && (size_t)der_size <= capacity ? (size_t)der_size : 0;
    if (written != 0)
        memcpy(ret_der, der, written);
    OPENSSL_free(der);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(pair);
    return written;
}

static int ec_final(void *data, unsigned char *ret_signature, size_t *ret_size, size_t capacity)
{
    struct operation *operation = data;
    uint8_t signature[SIGNATURE_SIZE_MAX];
    size_t size, coordinate = (operation->key->public_key.bits + 7) / 8;
    if (ret_signature == NULL) {
        *ret_size = 2 * (coordinate + 3) + 4;
        return 1;
    }
    if (!signature_make(operation, signature, &size))
        return 0;
    size_t written = ecdsa_encode(signature, size, ret_signature, capacity);
    if (written != 0)
        *ret_size = written;
    return written != 0;
}

#define SIGNATURE_FUNCTIONS(type)                                                                            \
    {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void))operation_new},                                             \
        {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void))operation_free},                                       \
        {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void))operation_copy},                                        \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void))type##_begin},                                \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, (void (*)(void))operation_update},                          \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, (void (*)(void))type##_final},                               \
        {OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (void (*)(void))parameters_get},                                \
        {OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (void (*)(void))parameters_gettable},                      \
        {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void))type##_set},                                    \
        {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void))type##_settable},                          \
    {                                                                                                        \
        0, NULL                                                                                              \
    }

static const OSSL_DISPATCH rsa_functions[] = {SIGNATURE_FUNCTIONS(rsa)};
static const OSSL_DISPATCH ec_functions[] = {SIGNATURE_FUNCTIONS(ec)};

const OSSL_ALGORITHM provider_signatures[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=" PROVIDER_NAME, rsa_functions, NULL},
    {"ECDSA", "provider=" PROVIDER_NAME, ec_functions, NULL},
    {NULL, NULL, NULL, NULL},
};
