/* Key management (provider-keymgmt(7)): the public half goes in and out, the private half never. */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

#include "public_key.h"

#define EXPONENT_DEFAULT 65537

static void *key_new(void *context)
{
    (void)context;
    return calloc(1, sizeof(struct provider_key));
}

static void key_free(void *key)
{
    free(key);
}

static int key_has(const void *data, int selection)
{
    const struct provider_key *key = data;
    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->signer != NULL;
}

static int key_match(const void *one, const void *other, int selection)
{
    const struct tpm_public_key *a = &((const struct provider_key *)one)->public_key;
    const struct tpm_public_key *b = &((const struct provider_key *)other)->public_key;
    if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0)
        return public_key_equal(a, b);
    return a->type == b->type && (a->type == TPM_KEY_RSA || a->curve == b->curve);
}

/* ---- import ---- */

static bool rsa_read(const OSSL_PARAM parameters[], struct tpm_public_key *ret_key)
{
    const OSSL_PARAM *modulus = OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_RSA_N);
    const OSSL_PARAM *exponent = OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_RSA_E);
    BIGNUM *n = NULL, *e = NULL;
    bool read = modulus != NULL && exponent != NULL && OSSL_PARAM_get_BN(modulus, &n) &&
                OSSL_PARAM_get_BN(exponent, &e) && BN_num_bytes(n) <= TPM_RSA_MAX &&
                BN_num_bits(n) % 8 == 0 && BN_num_bits(e) <= 32;
    if (read) {
        ret_key->type = TPM_KEY_RSA;
        ret_key->bits = (unsigned)BN_num_bits(n);
        ret_key->exponent = (uint32_t)BN_get_word(e);
        read = BN_bn2binpad(n, ret_key->modulus, (int)(ret_key->bits / 8)) > 0;
    }
    BN_free(n);
    BN_free(e);
    return read;
}

static bool ec_read(const OSSL_PARAM parameters[], struct tpm_public_key *ret_key)
{
    const OSSL_PARAM *group = OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_GROUP_NAME);
    const OSSL_PARAM *point = OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_PUB_KEY);
    char name[64];
    char *text = name;
    if (group == NULL || !OSSL_PARAM_get_utf8_string(group, &text, sizeof(name)) ||
        !public_key_curve_set(ret_key, name))
        return false;
    if (point == NULL)
        return true; /* domain parameters alone */
    size_t size = (ret_key->bits + 7) / 8;
    const uint8_t *bytes = point->data;
    if (point->data_type != OSSL_PARAM_OCTET_STRING || bytes == NULL || point->data_size != 1 + 2 * size ||
        bytes[0] != 0x04)
        return false;
    memcpy(ret_key->x, bytes + 1, size);
    memcpy(ret_key->y, bytes + 1 + size, size);
    return true;
}

static int key_import(struct provider_key *key, int selection, const OSSL_PARAM parameters[],
                      bool (*read)(const OSSL_PARAM[], struct tpm_public_key *))
{
    const OSSL_PARAM *signer = OSSL_PARAM_locate_const(parameters, PROVIDER_PARAMETER_KEY);
    const void *address = NULL;
    size_t size;
    if (signer != NULL) {
        if (!OSSL_PARAM_get_octet_ptr(signer, &address, &size) || address == NULL)
            return 0;
        key->signer = (struct signing_key *)(uintptr_t)address;
        key->public_key = *signing_key_public(key->signer);
        return 1;
    }
    /* A private key that is bytes is no key of this provider. */
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 &&
        (OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_RSA_D) != NULL ||
         OSSL_PARAM_locate_const(parameters, OSSL_PKEY_PARAM_PRIV_KEY) != NULL))
        return 0;
    return read(parameters, &key->public_key);
}

static int rsa_import(void *key, int selection, const OSSL_PARAM parameters[])
{
    return key_import(key, selection, parameters, rsa_read);
}

static int ec_import(void *key, int selection, const OSSL_PARAM parameters[])
{
    return key_import(key, selection, parameters, ec_read);
}

/* ---- export and parameters ---- */

static const OSSL_PARAM *rsa_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                       OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0), OSSL_PARAM_END};
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? types : NULL;
}

static const OSSL_PARAM *ec_types(int selection)
{
    static const OSSL_PARAM types[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                                       OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
                                       OSSL_PARAM_END};
    return (selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS)) != 0 ? types
                                                                                                       : NULL;
}

/*
 * Another provider is given the public half only. Where it wants the private one it is refused, whereupon
 * OpenSSL comes to this provider for the operation (EVP_DigestSignInit() tries the default provider first).
 */
static int key_export(void *data, int selection, OSSL_CALLBACK *callback, void *argument)
{
    const struct provider_key *key = data;
    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
        return 0;
    OSSL_PARAM *parameters = public_key_parameters(&key->public_key);
    int done = parameters != NULL && callback(parameters, argument);
    OSSL_PARAM_free(parameters);
    return done;
}

static int sizes_get(const struct tpm_public_key *key, OSSL_PARAM parameters[])
{
    bool rsa = key->type == TPM_KEY_RSA;
    size_t coordinate = (key->bits + 7) / 8;
    /* An ECDSA signature is SEQUENCE { r, s } with a sign byte each (RFC 3279, 2.2.3). */
    const struct {
        const char *name;
        int value;
    } numbers[] = {
        {OSSL_PKEY_PARAM_BITS, (int)key->bits},
        {OSSL_PKEY_PARAM_SECURITY_BITS, rsa ? (key->bits >= 3072 ? 128 : 112) : (int)key->bits / 2},
        {OSSL_PKEY_PARAM_MAX_SIZE, (int)(rsa ? key->bits / 8 : 2 * (coordinate + 3) + 4)},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        OSSL_PARAM *wanted = OSSL_PARAM_locate(parameters, numbers[i].name);
        if (wanted != NULL && !OSSL_PARAM_set_int(wanted, numbers[i].value))
            return 0;
    }
    OSSL_PARAM *hash = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_DEFAULT_DIGEST);
    return hash == NULL || OSSL_PARAM_set_utf8_string(hash, "SHA256");
}

static int rsa_get(void *data, OSSL_PARAM parameters[])
{
    const struct tpm_public_key *key = &((const struct provider_key *)data)->public_key;
    OSSL_PARAM *modulus = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_RSA_N);
    OSSL_PARAM *exponent = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_RSA_E);
    BIGNUM *n = BN_bin2bn(key->modulus, (int)(key->bits / 8), NULL);
    int done = n != NULL && sizes_get(key, parameters) &&
               (modulus == NULL || OSSL_PARAM_set_BN(modulus, n)) &&
               (exponent == NULL ||
                OSSL_PARAM_set_uint32(exponent, key->exponent != 0 ? key->exponent : EXPONENT_DEFAULT));
    BN_free(n);
    return done;
}

/* libssl looks a group up by the name that objects.h has for it: "prime256v1". */
static const char *group_name(enum tpm_curve curve)
{
    const char *name = public_key_curve_name(curve);
    return name != NULL ? OBJ_nid2sn(EC_curve_nist2nid(name)) : "";
}

static int ec_get(void *data, OSSL_PARAM parameters[])
{
    const struct tpm_public_key *key = &((const struct provider_key *)data)->public_key;
    uint8_t point[1 + 2 * TPM_EC_MAX];
    size_t size = public_key_point(key, point);
    OSSL_PARAM *group = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_GROUP_NAME);
    OSSL_PARAM *format = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT);
    if (!sizes_get(key, parameters) ||
        (group != NULL && !OSSL_PARAM_set_utf8_string(group, group_name(key->curve))) ||
        (format != NULL &&
         !OSSL_PARAM_set_utf8_string(format, OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED)))
        return 0;
    OSSL_PARAM *public = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_PUB_KEY);
    OSSL_PARAM *encoded = OSSL_PARAM_locate(parameters, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
    return (public == NULL || OSSL_PARAM_set_octet_string(public, point, size)) &&
           (encoded == NULL || OSSL_PARAM_set_octet_string(encoded, point, size));
}

static const OSSL_PARAM *rsa_gettable(void *context)
{
    static const OSSL_PARAM gettable[] = {OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                                          OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                                          OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                                          OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
                                          OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                                          OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                                          OSSL_PARAM_END};
    (void)context;
    return gettable;
}

static const OSSL_PARAM *ec_gettable(void *context)
{
    static const OSSL_PARAM gettable[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_END};
    (void)context;
    return gettable;
}

static const char *rsa_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "RSA" : NULL;
}

static const char *ec_operation(int operation)
{
    return operation == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

#define KEY_FUNCTIONS(type)                                                                                  \
    {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void))key_new}, {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void))key_free},    \
        {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void))key_has},                                                    \
        {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void))key_match},                                                \
        {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void))type##_import},                                           \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void))type##_types},                                      \
        {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void))key_export},                                              \
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void))type##_types},                                      \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void))type##_get},                                          \
        {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void))type##_gettable},                                \
        {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void))type##_operation},                          \
    {                                                                                                        \
        0, NULL                                                                                              \
    }

static const OSSL_DISPATCH rsa_functions[] = {KEY_FUNCTIONS(rsa)};
static const OSSL_DISPATCH ec_functions[] = {KEY_FUNCTIONS(ec)};

const OSSL_ALGORITHM provider_key_managers[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=" PROVIDER_NAME, rsa_functions, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=" PROVIDER_NAME, ec_functions, NULL},
    {NULL, NULL, NULL, NULL},
};
