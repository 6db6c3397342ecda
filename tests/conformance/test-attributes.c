/* Objects, their attributes and the search for them. */
#include "module-client.h"

#include <string.h>

#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct attribute_list {
    const CK_ATTRIBUTE_TYPE *types;
    size_t count;
};

/* What PKCS #11 3.0 defines for a class; each must have an answer that is not CKR_ATTRIBUTE_TYPE_INVALID. */
static const CK_ATTRIBUTE_TYPE certificate_types[] = {CKA_CLASS,
                                                      CKA_TOKEN,
                                                      CKA_PRIVATE,
                                                      CKA_MODIFIABLE,
                                                      CKA_LABEL,
                                                      CKA_COPYABLE,
                                                      CKA_DESTROYABLE,
                                                      CKA_UNIQUE_ID,
                                                      CKA_CERTIFICATE_TYPE,
                                                      CKA_TRUSTED,
                                                      CKA_CERTIFICATE_CATEGORY,
                                                      CKA_CHECK_VALUE,
                                                      CKA_START_DATE,
                                                      CKA_END_DATE,
                                                      CKA_PUBLIC_KEY_INFO,
                                                      CKA_SUBJECT,
                                                      CKA_ID,
                                                      CKA_ISSUER,
                                                      CKA_SERIAL_NUMBER,
                                                      CKA_VALUE,
                                                      CKA_URL,
                                                      CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
                                                      CKA_HASH_OF_ISSUER_PUBLIC_KEY,
                                                      CKA_JAVA_MIDP_SECURITY_DOMAIN,
                                                      CKA_NAME_HASH_ALGORITHM};
static const CK_ATTRIBUTE_TYPE profile_types[] = {CKA_CLASS,       CKA_TOKEN,     CKA_PRIVATE,
                                                  CKA_MODIFIABLE,  CKA_LABEL,     CKA_COPYABLE,
                                                  CKA_DESTROYABLE, CKA_UNIQUE_ID, CKA_PROFILE_ID};
static const CK_ATTRIBUTE_TYPE key_types[] = {CKA_CLASS,
                                              CKA_TOKEN,
                                              CKA_PRIVATE,
                                              CKA_MODIFIABLE,
                                              CKA_LABEL,
                                              CKA_COPYABLE,
                                              CKA_DESTROYABLE,
                                              CKA_UNIQUE_ID,
                                              CKA_KEY_TYPE,
                                              CKA_ID,
                                              CKA_START_DATE,
                                              CKA_END_DATE,
                                              CKA_DERIVE,
                                              CKA_LOCAL,
                                              CKA_KEY_GEN_MECHANISM,
                                              CKA_ALLOWED_MECHANISMS,
                                              CKA_SUBJECT,
                                              CKA_PUBLIC_KEY_INFO};
static const CK_ATTRIBUTE_TYPE public_types[] = {CKA_ENCRYPT, CKA_VERIFY,  CKA_VERIFY_RECOVER,
                                                 CKA_WRAP,    CKA_TRUSTED, CKA_WRAP_TEMPLATE};
static const CK_ATTRIBUTE_TYPE private_types[] = {CKA_SENSITIVE,
                                                  CKA_DECRYPT,
                                                  CKA_SIGN,
                                                  CKA_SIGN_RECOVER,
                                                  CKA_UNWRAP,
                                                  CKA_EXTRACTABLE,
                                                  CKA_ALWAYS_SENSITIVE,
                                                  CKA_NEVER_EXTRACTABLE,
                                                  CKA_WRAP_WITH_TRUSTED,
                                                  CKA_UNWRAP_TEMPLATE,
                                                  CKA_DERIVE_TEMPLATE,
                                                  CKA_ALWAYS_AUTHENTICATE};
static const CK_ATTRIBUTE_TYPE rsa_types[] = {CKA_MODULUS, CKA_PUBLIC_EXPONENT};
static const CK_ATTRIBUTE_TYPE ec_types[] = {CKA_EC_PARAMS, CKA_EC_POINT};
static const CK_ATTRIBUTE_TYPE rsa_secrets[] = {CKA_PRIVATE_EXPONENT, CKA_PRIME_1,    CKA_PRIME_2,
                                                CKA_EXPONENT_1,       CKA_EXPONENT_2, CKA_COEFFICIENT};
static const CK_ATTRIBUTE_TYPE ec_secrets[] = {CKA_VALUE};
#define LIST(array) ((struct attribute_list){array, sizeof(array) / sizeof((array)[0])})

static bool is_rsa(CK_SESSION_HANDLE session)
{
    CK_KEY_TYPE type;
    get_attribute(session, find_object(session, CKO_PRIVATE_KEY), CKA_KEY_TYPE, &type, sizeof type);
    return type == CKK_RSA;
}

static void expect_answers(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct attribute_list list)
{
    for (size_t i = 0; i < list.count; i++) {
        CK_ATTRIBUTE attribute = {list.types[i], NULL, 0};
        CK_RV rv = p11->C_GetAttributeValue(session, object, &attribute, 1);
        if (rv != CKR_OK || attribute.ulValueLen == CK_UNAVAILABLE_INFORMATION)
            fail_msg("attribute 0x%lx: 0x%lx", list.types[i], rv);
    }
}

static void expect_secret(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, struct attribute_list list)
{
    uint8_t value[512];
    for (size_t i = 0; i < list.count; i++) {
        CK_ATTRIBUTE attribute = {list.types[i], value, sizeof value};
        assert_rv(CKR_ATTRIBUTE_SENSITIVE, p11->C_GetAttributeValue(session, object, &attribute, 1));
        assert_int_equal(attribute.ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }
}

static void expect_bool(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                        CK_BBOOL expected)
{
    CK_BBOOL value = 2;
    assert_int_equal(get_attribute(session, object, type, &value, sizeof value), sizeof value);
    if (value != expected)
        fail_msg("attribute 0x%lx is %d", type, value);
}

static void every_standard_attribute_has_an_answer(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE private_key = find_object(session, CKO_PRIVATE_KEY);
    CK_OBJECT_HANDLE public_key = find_object(session, CKO_PUBLIC_KEY);
    bool rsa = is_rsa(session);

    expect_answers(session, find_object(session, CKO_CERTIFICATE), LIST(certificate_types));
    expect_answers(session, private_key, LIST(key_types));
    expect_answers(session, private_key, LIST(private_types));
    expect_answers(session, public_key, LIST(key_types));
    expect_answers(session, public_key, LIST(public_types));
    expect_answers(session, private_key, rsa ? LIST(rsa_types) : LIST(ec_types));
    expect_answers(session, public_key, rsa ? LIST(rsa_types) : LIST(ec_types));
    expect_secret(session, private_key, rsa ? LIST(rsa_secrets) : LIST(ec_secrets));
    finalize();
}

static void the_three_of_a_kind_share_id_label_and_public_key(void **state)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE};
    static const CK_ATTRIBUTE_TYPE shared[] = {CKA_ID, CKA_LABEL, CKA_PUBLIC_KEY_INFO, CKA_SUBJECT};
    uint8_t first[1024], other[1024];
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    for (size_t i = 0; i < sizeof shared / sizeof shared[0]; i++) {
        size_t first_size =
            get_attribute(session, find_object(session, classes[0]), shared[i], first, sizeof first);
        assert_true(first_size > 0);
        for (size_t j = 1; j < 3; j++) {
            size_t size =
                get_attribute(session, find_object(session, classes[j]), shared[i], other, sizeof other);
            assert_int_equal(size, first_size);
            assert_memory_equal(first, other, size);
        }
    }
    finalize();
}

static void the_private_key_is_what_it_claims(void **state)
{
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    expect_bool(session, key, CKA_TOKEN, CK_TRUE);
    expect_bool(session, key, CKA_PRIVATE, CK_FALSE);
    expect_bool(session, key, CKA_SIGN, CK_TRUE);
    expect_bool(session, key, CKA_DECRYPT, CK_FALSE);
    expect_bool(session, key, CKA_UNWRAP, CK_FALSE);
    expect_bool(session, key, CKA_DERIVE, CK_FALSE);
    expect_bool(session, key, CKA_SENSITIVE, CK_TRUE);
    expect_bool(session, key, CKA_EXTRACTABLE, CK_FALSE);
    expect_bool(session, key, CKA_ALWAYS_SENSITIVE, CK_TRUE);
    expect_bool(session, key, CKA_NEVER_EXTRACTABLE, CK_TRUE);
    expect_bool(session, key, CKA_LOCAL, CK_TRUE);
    expect_bool(session, key, CKA_ALWAYS_AUTHENTICATE, CK_FALSE);
    expect_bool(session, find_object(session, CKO_PUBLIC_KEY), CKA_VERIFY, CK_TRUE);
    finalize();
}

static void the_certificate_says_what_x509_says(void **state)
{
    uint8_t value[16384], found[4096], expected[4096], hash[20];
    const uint8_t *cursor = value;
    uint8_t *out;
    CK_ULONG category;
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE object = find_object(session, CKO_CERTIFICATE);
    size_t size = get_attribute(session, object, CKA_VALUE, value, sizeof value);
    X509 *certificate = d2i_X509(NULL, &cursor, (long)size);
    assert_non_null(certificate);

#define EXPECT_DER(type, function, part)                                                                     \
    do {                                                                                                     \
        out = expected;                                                                                      \
        int expected_size = function(part, &out);                                                            \
        assert_int_equal(get_attribute(session, object, type, found, sizeof found), expected_size);          \
        assert_memory_equal(found, expected, expected_size);                                                 \
    } while (0)
    EXPECT_DER(CKA_SUBJECT, i2d_X509_NAME, X509_get_subject_name(certificate));
    EXPECT_DER(CKA_ISSUER, i2d_X509_NAME, X509_get_issuer_name(certificate));
    EXPECT_DER(CKA_SERIAL_NUMBER, i2d_ASN1_INTEGER, X509_get_serialNumber(certificate));
    EXPECT_DER(CKA_PUBLIC_KEY_INFO, i2d_PUBKEY, X509_get0_pubkey(certificate));

    SHA1(value, size, hash);
    assert_int_equal(get_attribute(session, object, CKA_CHECK_VALUE, found, sizeof found), 3);
    assert_memory_equal(found, hash, 3);
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(certificate);
    SHA1(bits->data, (size_t)bits->length, hash);
    assert_int_equal(get_attribute(session, object, CKA_HASH_OF_SUBJECT_PUBLIC_KEY, found, sizeof found), 20);
    assert_memory_equal(found, hash, 20);
    assert_int_equal(get_attribute(session, object, CKA_END_DATE, found, sizeof found), 8);
    assert_memory_equal(found, "20", 2);
    get_attribute(session, object, CKA_CERTIFICATE_CATEGORY, &category, sizeof category);
    assert_int_equal(category, CK_CERTIFICATE_CATEGORY_TOKEN_USER);
    expect_bool(session, object, CKA_TRUSTED, CK_FALSE);
    expect_bool(session, object, CKA_PRIVATE, CK_FALSE);
    X509_free(certificate);
    finalize();
}

/* The objects of a class, at most MEMBERS_MAX. */
#define MEMBERS_MAX 8
static size_t find_members(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                           CK_OBJECT_HANDLE ret_members[MEMBERS_MAX])
{
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_ULONG count;
    assert_rv(CKR_OK, p11->C_FindObjectsInit(session, &template, 1));
    assert_rv(CKR_OK, p11->C_FindObjects(session, ret_members, MEMBERS_MAX, &count));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(session));
    return count;
}

static X509 *certificate_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    uint8_t value[16384];
    const uint8_t *cursor = value;
    size_t size = get_attribute(session, object, CKA_VALUE, value, sizeof value);
    X509 *certificate = d2i_X509(NULL, &cursor, (long)size);
    assert_non_null(certificate);
    return certificate;
}

static void the_chain_and_the_profiles_answer_too(void **state)
{
    CK_OBJECT_HANDLE members[MEMBERS_MAX];
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    size_t count = find_members(session, CKO_CERTIFICATE, members);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        expect_answers(session, members[i], LIST(certificate_types));
        expect_bool(session, members[i], CKA_TRUSTED, CK_FALSE);
        expect_bool(session, members[i], CKA_PRIVATE, CK_FALSE);
        expect_bool(session, members[i], CKA_TOKEN, CK_TRUE);
    }
    count = find_members(session, CKO_PROFILE, members);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        expect_answers(session, members[i], LIST(profile_types));
    finalize();
}

/* SHA-1 over the key's bits without their tag, PKCS #11 3.0 section 4.6.3. */
static void each_issuer_in_the_chain_has_the_hash_that_is_said(void **state)
{
    CK_OBJECT_HANDLE members[MEMBERS_MAX];
    uint8_t found[20], hash[20];
    size_t pairs = 0;
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    size_t count = find_members(session, CKO_CERTIFICATE, members);
    for (size_t i = 0; i < count; i++) {
        X509 *certificate = certificate_of(session, members[i]);
        for (size_t j = 0; j < count; j++) {
            X509 *issuer = certificate_of(session, members[j]);
            if (X509_check_issued(issuer, certificate) == X509_V_OK) {
                const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(issuer);
                SHA1(bits->data, (size_t)bits->length, hash);
                assert_int_equal(
                    get_attribute(session, members[i], CKA_HASH_OF_ISSUER_PUBLIC_KEY, found, sizeof found),
                    20);
                assert_memory_equal(found, hash, 20);
                pairs++;
            }
            X509_free(issuer);
        }
        X509_free(certificate);
    }
    assert_int_equal(pairs, count); /* up to a root that is its own issuer */
    finalize();
}

static void the_public_numbers_are_those_of_the_key(void **state)
{
    uint8_t found[1024], bytes[1024];
    CK_ULONG bits;
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE object = find_object(session, CKO_PUBLIC_KEY);
    EVP_PKEY *key = token_public_key(session);
    size_t size;
    if (is_rsa(session)) {
        BIGNUM *modulus = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(key, "n", &modulus), 1);
        size = get_attribute(session, object, CKA_MODULUS, found, sizeof found);
        assert_int_equal(BN_bn2bin(modulus, bytes), size);
        assert_memory_equal(found, bytes, size);
        get_attribute(session, object, CKA_MODULUS_BITS, &bits, sizeof bits);
        assert_int_equal(bits, EVP_PKEY_get_bits(key));
        assert_int_equal(get_attribute(session, object, CKA_PUBLIC_EXPONENT, found, sizeof found), 3);
        assert_memory_equal(found, "\1\0\1", 3);
        BN_free(modulus);
    } else {
        assert_int_equal(EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", bytes, sizeof bytes, &size),
                         1);
        size_t found_size = get_attribute(session, object, CKA_EC_POINT, found, sizeof found);
        assert_int_equal(found[0], 0x04); /* an OCTET STRING around the point */
        assert_true(found_size > size);
        assert_memory_equal(found + (found_size - size), bytes, size);
    }
    EVP_PKEY_free(key);
    finalize();
}

static void allowed_mechanisms_agree_with_the_list(void **state)
{
    CK_MECHANISM_TYPE allowed[64], listed[64];
    CK_MECHANISM_INFO info;
    CK_ULONG listed_count = 64, signing = 0;
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    size_t allowed_count = get_attribute(session, find_object(session, CKO_PRIVATE_KEY),
                                         CKA_ALLOWED_MECHANISMS, allowed, sizeof allowed) /
                           sizeof allowed[0];
    assert_rv(CKR_OK, p11->C_GetMechanismList(0, listed, &listed_count));
    for (CK_ULONG i = 0; i < listed_count; i++) {
        bool found = false;
        assert_rv(CKR_OK, p11->C_GetMechanismInfo(0, listed[i], &info));
        for (size_t j = 0; j < allowed_count; j++)
            found = found || allowed[j] == listed[i];
        assert_int_equal(found, (info.flags & CKF_SIGN) != 0);
        signing += found;
        assert_int_equal(info.flags & (CKF_DECRYPT | CKF_UNWRAP | CKF_DERIVE | CKF_GENERATE_KEY_PAIR), 0);
    }
    assert_int_equal(signing, allowed_count);
    assert_rv(CKR_MECHANISM_INVALID, p11->C_GetMechanismInfo(0, CKM_RSA_PKCS_OAEP, &info));
    listed_count--;
    assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_GetMechanismList(0, listed, &listed_count));
    finalize();
}

static void one_bad_attribute_does_not_spoil_the_others(void **state)
{
    uint8_t label[64], tiny[1];
    CK_OBJECT_CLASS class;
    CK_ATTRIBUTE template[] = {
        {0x80000001UL, label, sizeof label},
        {CKA_VALUE, tiny, sizeof tiny},
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, label, sizeof label},
    };
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_RV rv = p11->C_GetAttributeValue(session, find_object(session, CKO_CERTIFICATE), template, 4);
    assert_true(rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(template[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(class, CKO_CERTIFICATE);
    assert_int_equal(template[3].ulValueLen, strlen("device"));
    assert_memory_equal(label, "device", strlen("device"));
    finalize();
}

static void searches_give_hits_or_none(void **state)
{
    CK_OBJECT_CLASS nss_trust = 0xce534353UL, secret = CKO_SECRET_KEY, certificate = CKO_CERTIFICATE,
                    profile = CKO_PROFILE;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_ULONG profile_id = CKP_PUBLIC_CERTIFICATES_TOKEN;
    uint8_t id[64], nested[sizeof(CK_ATTRIBUTE)] = {0};
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    size_t id_size = get_attribute(session, find_object(session, CKO_PRIVATE_KEY), CKA_ID, id, sizeof id);
    const struct {
        CK_ULONG hits;
        CK_ATTRIBUTE attribute;
    } searches[] = {
        {5, {CKA_TOKEN, &yes, sizeof yes}},
        {0, {CKA_TOKEN, &no, sizeof no}},
        {3, {CKA_ID, id, id_size}},
        {0, {CKA_ID, id, id_size - 1}},
        {0, {CKA_ID, NULL, 0}},
        {0, {CKA_ID, NULL, id_size}},
        {1, {CKA_SIGN, &yes, sizeof yes}},
        {0, {CKA_SIGN, &yes, 0}},
        {3, {CKA_CLASS, &certificate, sizeof certificate}},
        {3, {CKA_CLASS, &profile, sizeof profile}},
        {1, {CKA_PROFILE_ID, &profile_id, sizeof profile_id}},
        {0, {CKA_CLASS, &secret, sizeof secret}},
        {0, {CKA_CLASS, &nss_trust, sizeof nss_trust}},
        {0, {CKA_CLASS, &certificate, 1}},
        {0, {0xce536351UL, &yes, sizeof yes}},
        {0, {CKA_WRAP_TEMPLATE, nested, sizeof nested}},
        {0, {CKA_PRIVATE_EXPONENT, id, id_size}},
        {3, {CKA_LABEL, (void *)(uintptr_t) "device", 6}},
    };
    for (size_t i = 0; i < sizeof searches / sizeof searches[0]; i++) {
        CK_ATTRIBUTE attribute = searches[i].attribute;
        CK_ULONG hits = count_objects(session, &attribute, 1);
        if (hits != searches[i].hits)
            fail_msg("search %zu: %lu hits, not %lu", i, hits, searches[i].hits);
    }
    assert_int_equal(count_objects(session, NULL, 0), 5);
    finalize();
}

static void a_search_can_be_taken_in_pieces(void **state)
{
    CK_OBJECT_HANDLE objects[8];
    CK_ULONG found, total = 0;
    (void)state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    assert_rv(CKR_OK, p11->C_FindObjectsInit(session, NULL, 0));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_FindObjectsInit(session, NULL, 0));
    do {
        assert_rv(CKR_OK, p11->C_FindObjects(session, objects + total, 2, &found));
        total += found;
    } while (found > 0);
    assert_int_equal(total, 5);
    for (CK_ULONG i = 0; i < total; i++)
        for (CK_ULONG j = 0; j < i; j++)
            assert_int_not_equal(objects[i], objects[j]);
    assert_rv(CKR_OK, p11_3->C_SessionCancel(session, CKF_FIND_OBJECTS));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_FindObjectsFinal(session));
    finalize();
}

static void token_fields_are_padded_and_flags_honest(void **state)
{
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot;
    (void)state;
    initialize();
    assert_rv(CKR_OK, p11->C_GetSlotInfo(0, &slot));
    assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, CKF_TOKEN_PRESENT);
    assert_int_equal(slot.flags & CKF_REMOVABLE_DEVICE, 0);
    assert_rv(CKR_OK, p11->C_GetTokenInfo(0, &info));
    assert_memory_equal(info.label, "Test device                     ", 32);
    assert_memory_equal(info.model, "SW   TPM        ", 16);
    assert_memory_equal(info.manufacturerID, "IBM                             ", 32);
    assert_null(memchr(info.serialNumber, 0, sizeof info.serialNumber));
    assert_int_equal(info.flags & (CKF_RNG | CKF_LOGIN_REQUIRED | CKF_PROTECTED_AUTHENTICATION_PATH), 0);
    assert_int_equal(info.flags & CKF_WRITE_PROTECTED, CKF_WRITE_PROTECTED);
    finalize();
}

static int begin_rsa(void **state)
{
    world_begin(state);
    world_make_token(*state, "--type rsa");
    return 0;
}

static int begin_ec(void **state)
{
    world_begin(state);
    world_make_token(*state, "--type ec --curve P-384");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_standard_attribute_has_an_answer),
        cmocka_unit_test(the_three_of_a_kind_share_id_label_and_public_key),
        cmocka_unit_test(the_private_key_is_what_it_claims),
        cmocka_unit_test(the_certificate_says_what_x509_says),
        cmocka_unit_test(the_chain_and_the_profiles_answer_too),
        cmocka_unit_test(each_issuer_in_the_chain_has_the_hash_that_is_said),
        cmocka_unit_test(the_public_numbers_are_those_of_the_key),
        cmocka_unit_test(allowed_mechanisms_agree_with_the_list),
        cmocka_unit_test(one_bad_attribute_does_not_spoil_the_others),
        cmocka_unit_test(searches_give_hits_or_none),
        cmocka_unit_test(a_search_can_be_taken_in_pieces),
        cmocka_unit_test(token_fields_are_padded_and_flags_honest),
    };
    int failed = cmocka_run_group_tests_name("attributes, RSA", tests, begin_rsa, world_end);
    return failed + cmocka_run_group_tests_name("attributes, EC", tests, begin_ec, world_end);
}
