/* Every signature mechanism, checked by OpenSSL and by the module's own C_Verify, and the life of an
 * operation. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the padding functions, which make a block without signing it */
#include "module-client.h"

#include <string.h>

#include <openssl/rsa.h>

struct hash {
    CK_MECHANISM_TYPE type;
    CK_RSA_PKCS_MGF_TYPE mgf;
    CK_MECHANISM_TYPE pkcs1, pss, ecdsa;
    const char *name;
    size_t size;
};

static const struct hash hashes[] = {
    {CKM_SHA_1, CKG_MGF1_SHA1, CKM_SHA1_RSA_PKCS, CKM_SHA1_RSA_PKCS_PSS, CKM_ECDSA_SHA1, "SHA1", 20},
    {CKM_SHA224, CKG_MGF1_SHA224, CKM_SHA224_RSA_PKCS, CKM_SHA224_RSA_PKCS_PSS, CKM_ECDSA_SHA224, "SHA224",
     28},
    {CKM_SHA256, CKG_MGF1_SHA256, CKM_SHA256_RSA_PKCS, CKM_SHA256_RSA_PKCS_PSS, CKM_ECDSA_SHA256, "SHA256",
     32},
    {CKM_SHA384, CKG_MGF1_SHA384, CKM_SHA384_RSA_PKCS, CKM_SHA384_RSA_PKCS_PSS, CKM_ECDSA_SHA384, "SHA384",
     48},
    {CKM_SHA512, CKG_MGF1_SHA512, CKM_SHA512_RSA_PKCS, CKM_SHA512_RSA_PKCS_PSS, CKM_ECDSA_SHA512, "SHA512",
     64},
};
#define HASH_COUNT (sizeof hashes / sizeof hashes[0])

static const uint8_t message[] =
    "What is signed here has no meaning but a length that is no multiple of anything.";

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE private_key, public_key;
static EVP_PKEY *key;

static int begin_session(void **state)
{
    (void)state;
    initialize();
    session = open_session(0);
    private_key = find_object(session, CKO_PRIVATE_KEY);
    public_key = find_object(session, CKO_PUBLIC_KEY);
    key = token_public_key(session);
    return 0;
}

static int end_session(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    finalize();
    return 0;
}

static void hash_of(const struct hash *hash, const void *data, size_t size, uint8_t ret_digest[64])
{
    unsigned length;
    assert_int_equal(EVP_Digest(data, size, ret_digest, &length, EVP_get_digestbyname(hash->name), NULL), 1);
}

/* OpenSSL's opinion of an RSA signature over a digest. */
static bool rsa_is_right(const struct hash *hash, const struct hash *mask, int padding, int salt,
                         const uint8_t *digest, const uint8_t *signature, size_t size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(context, EVP_get_digestbyname(hash->name)), 1);
    if (padding == RSA_PKCS1_PSS_PADDING) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(mask->name)), 1);
    }
    bool right = EVP_PKEY_verify(context, signature, size, digest, hash->size) == 1;
    EVP_PKEY_CTX_free(context);
    return right;
}

static void expect_own_verification(CK_MECHANISM *mechanism, const void *data, size_t size,
                                    uint8_t *signature, CK_ULONG signature_size)
{
    CK_BYTE *bytes = (CK_BYTE *)(uintptr_t)data;
    assert_rv(CKR_OK, p11->C_VerifyInit(session, mechanism, public_key));
    assert_rv(CKR_OK, p11->C_Verify(session, bytes, size, signature, signature_size));
    signature[signature_size / 2] ^= 1;
    assert_rv(CKR_OK, p11->C_VerifyInit(session, mechanism, public_key));
    assert_rv(CKR_SIGNATURE_INVALID, p11->C_Verify(session, bytes, size, signature, signature_size));
    signature[signature_size / 2] ^= 1;
    assert_rv(CKR_OK, p11->C_VerifyInit(session, mechanism, public_key));
    assert_rv(CKR_SIGNATURE_LEN_RANGE, p11->C_Verify(session, bytes, size, signature, signature_size - 1));
}

/* Signs in three pieces. */
static size_t sign_in_pieces(CK_MECHANISM *mechanism, uint8_t signature[512])
{
    CK_BYTE *data = (CK_BYTE *)(uintptr_t)message;
    CK_ULONG size = 512;
    assert_rv(CKR_OK, p11->C_SignInit(session, mechanism, private_key));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, data, 10));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, NULL, 0));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, data + 10, sizeof message - 10));
    assert_rv(CKR_OK, p11->C_SignFinal(session, signature, &size));
    return size;
}

static void rsa_pkcs1_with_every_hash(void **state)
{
    uint8_t signature[512], digest[64];
    (void)state;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        CK_MECHANISM mechanism = {hashes[i].pkcs1, NULL, 0};
        hash_of(&hashes[i], message, sizeof message, digest);
        size_t size = sign(session, &mechanism, private_key, message, sizeof message, signature);
        assert_true(rsa_is_right(&hashes[i], NULL, RSA_PKCS1_PADDING, 0, digest, signature, size));
        expect_own_verification(&mechanism, message, sizeof message, signature, size);
        memset(signature, 0, sizeof signature);
        size = sign_in_pieces(&mechanism, signature);
        assert_true(rsa_is_right(&hashes[i], NULL, RSA_PKCS1_PADDING, 0, digest, signature, size));
    }
}

/* RFC 8017, 9.2: anything of up to k - 11 bytes, also what no TPM would know as a DigestInfo. */
static void rsa_pkcs1_of_any_content(void **state)
{
    uint8_t content[512] = {1, 2, 3}, signature[512], recovered[512];
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    size_t block = (size_t)EVP_PKEY_get_size(key);
    const size_t sizes[] = {0, 1, 20, 36, 51, block - 11};
    CK_ULONG size = sizeof signature;
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t signed_size = sign(session, &mechanism, private_key, content, sizes[i], signature);
        size_t recovered_size = sizeof recovered;
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
        assert_int_equal(EVP_PKEY_verify_recover_init(context), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
        assert_int_equal(EVP_PKEY_verify_recover(context, recovered, &recovered_size, signature, signed_size),
                         1);
        EVP_PKEY_CTX_free(context);
        assert_int_equal(recovered_size, sizes[i]);
        assert_memory_equal(recovered, content, sizes[i]);
        expect_own_verification(&mechanism, content, sizes[i], signature, signed_size);
    }
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_DATA_LEN_RANGE, p11->C_Sign(session, content, block - 10, signature, &size));
}

static void rsa_pss_with_every_hash_mask_and_salt(void **state)
{
    uint8_t signature[512], digest[64];
    int block = EVP_PKEY_get_size(key);
    (void)state;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        hash_of(&hashes[i], message, sizeof message, digest);
        const int salts[] = {(int)hashes[i].size, 0, 1, block - (int)hashes[i].size - 2};
        for (size_t j = 0; j < sizeof salts / sizeof salts[0]; j++) {
            const struct hash *mask = &hashes[(i + j) % HASH_COUNT];
            CK_RSA_PKCS_PSS_PARAMS parameters = {hashes[i].type, mask->mgf, (CK_ULONG)salts[j]};
            CK_MECHANISM given = {CKM_RSA_PKCS_PSS, &parameters, sizeof parameters};
            CK_MECHANISM hashing = {hashes[i].pss, &parameters, sizeof parameters};
            size_t size = sign(session, &given, private_key, digest, hashes[i].size, signature);
            assert_true(
                rsa_is_right(&hashes[i], mask, RSA_PKCS1_PSS_PADDING, salts[j], digest, signature, size));
            expect_own_verification(&given, digest, hashes[i].size, signature, size);
            size = sign_in_pieces(&hashing, signature);
            assert_true(
                rsa_is_right(&hashes[i], mask, RSA_PKCS1_PSS_PADDING, salts[j], digest, signature, size));
            expect_own_verification(&hashing, message, sizeof message, signature, size);
        }
    }
}

static void rsa_pss_parameters_are_checked_and_copied(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS parameters = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS_PSS, &parameters, sizeof parameters};
    CK_MECHANISM given = {CKM_RSA_PKCS_PSS, &parameters, sizeof parameters};
    uint8_t signature[512], digest[64];
    CK_ULONG size = sizeof signature;
    (void)state;

    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    parameters = (CK_RSA_PKCS_PSS_PARAMS){0, 0, 999};
    assert_rv(CKR_OK, p11->C_Sign(session, (CK_BYTE *)(uintptr_t)message, sizeof message, signature, &size));
    hash_of(&hashes[2], message, sizeof message, digest);
    assert_true(rsa_is_right(&hashes[2], &hashes[2], RSA_PKCS1_PSS_PADDING, 32, digest, signature, size));

    const struct {
        CK_RSA_PKCS_PSS_PARAMS parameters;
        CK_RV rv;
    } wrong[] = {
        {{CKM_SHA384, CKG_MGF1_SHA384, 32}, CKR_MECHANISM_PARAM_INVALID}, /* not the mechanism's hash */
        {{CKM_SHA256, 77, 32}, CKR_MECHANISM_PARAM_INVALID},
        {{CKM_RSA_PKCS, CKG_MGF1_SHA256, 32}, CKR_MECHANISM_PARAM_INVALID},
        {{CKM_SHA256, CKG_MGF1_SHA256, ~0UL}, CKR_MECHANISM_PARAM_INVALID},
        {{CKM_SHA256, CKG_MGF1_SHA256, (CK_ULONG)EVP_PKEY_get_size(key) - 33}, CKR_KEY_SIZE_RANGE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        parameters = wrong[i].parameters;
        assert_rv(wrong[i].rv, p11->C_SignInit(session, &mechanism, private_key));
    }
    parameters = (CK_RSA_PKCS_PSS_PARAMS){CKM_SHA256, CKG_MGF1_SHA256, 32};
    mechanism.ulParameterLen--;
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_SignInit(session, &mechanism, private_key));
    mechanism = (CK_MECHANISM){CKM_SHA256_RSA_PKCS_PSS, NULL, 0};
    assert_rv(CKR_MECHANISM_PARAM_INVALID, p11->C_SignInit(session, &mechanism, private_key));
    /* a digest of another length */
    assert_rv(CKR_OK, p11->C_SignInit(session, &given, private_key));
    assert_rv(CKR_DATA_LEN_RANGE, p11->C_Sign(session, digest, 20, signature, &size));
}

/* OpenSSL pads PSS itself where an application has no engine; a ciphertext is not signed. */
static void rsa_x509_signs_signatures_only(void **state)
{
    CK_MECHANISM mechanism = {CKM_RSA_X_509, NULL, 0};
    size_t block = (size_t)EVP_PKEY_get_size(key);
    uint8_t padded[512], signature[512], digest[64];
    CK_ULONG size = sizeof signature;
    RSA *rsa = EVP_PKEY_get1_RSA(key);
    (void)state;

    hash_of(&hashes[2], message, sizeof message, digest);
    assert_int_equal(RSA_padding_add_PKCS1_PSS(rsa, padded, digest, EVP_sha256(), 32), 1);
    sign(session, &mechanism, private_key, padded, block, signature);
    assert_true(rsa_is_right(&hashes[2], &hashes[2], RSA_PKCS1_PSS_PADDING, 32, digest, signature, block));
    expect_own_verification(&mechanism, padded, block, signature, block);
    assert_int_equal(RSA_padding_add_PKCS1_type_1(padded, (int)block, message, 40), 1);
    sign(session, &mechanism, private_key, padded, block, signature);
    /* its leading zero may be left out */
    sign(session, &mechanism, private_key, padded + 1, block - 1, signature);

    for (int i = 0; i < 200; i++) {
        assert_rv(CKR_OK, p11->C_GenerateRandom(session, padded, block));
        padded[0] = 0;
        padded[1] = (uint8_t)(i % 3); /* 2 is how a v1.5 ciphertext's content begins */
        padded[block - 1] = i % 2 == 0 ? 0xbc : padded[block - 1];
        assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
        assert_rv(CKR_DATA_INVALID, p11->C_Sign(session, padded, block, signature, &size));
    }
    /* PSS with the longest salt leaves no zeros to be known by */
    assert_int_equal(RSA_padding_add_PKCS1_PSS(rsa, padded, digest, EVP_sha256(), RSA_PSS_SALTLEN_MAX), 1);
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_DATA_INVALID, p11->C_Sign(session, padded, block, signature, &size));
    RSA_free(rsa);
}

static void ecdsa_with_every_hash(void **state)
{
    uint8_t signature[512], digest[64];
    (void)state;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        CK_MECHANISM mechanism = {hashes[i].ecdsa, NULL, 0};
        hash_of(&hashes[i], message, sizeof message, digest);
        size_t size = sign(session, &mechanism, private_key, message, sizeof message, signature);
        assert_int_equal(size, 2 * ((EVP_PKEY_get_bits(key) + 7) / 8));
        assert_true(ecdsa_is_right(key, digest, hashes[i].size, signature, size));
        expect_own_verification(&mechanism, message, sizeof message, signature, size);
        size = sign_in_pieces(&mechanism, signature);
        assert_true(ecdsa_is_right(key, digest, hashes[i].size, signature, size));
    }
}

/* FIPS 186-5, 6.4: an input of any length; its left-most bits count. */
static void ecdsa_of_any_length(void **state)
{
    static const size_t lengths[] = {1,  2,  19, 20, 28,  31,  32,  33,  36,  47,
                                     48, 49, 64, 65, 127, 128, 511, 512, 513, 4096};
    uint8_t signature[512], input[4096];
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_ULONG size = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p11->C_GenerateRandom(session, input, sizeof input));
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t signed_size = sign(session, &mechanism, private_key, input, lengths[i], signature);
        assert_true(ecdsa_is_right(key, input, lengths[i], signature, signed_size));
        expect_own_verification(&mechanism, input, lengths[i], signature, signed_size);
    }
    memset(input, 0, sizeof input);
    sign(session, &mechanism, private_key, input, 32, signature);
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_DATA_LEN_RANGE, p11->C_Sign(session, input, 0, signature, &size));
}

static CK_MECHANISM any_mechanism(void)
{
    return (CK_MECHANISM){EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? CKM_SHA256_RSA_PKCS : CKM_ECDSA_SHA256,
                          NULL, 0};
}

static void questions_for_the_length_keep_the_operation(void **state)
{
    CK_MECHANISM mechanism = any_mechanism();
    CK_BYTE *data = (CK_BYTE *)(uintptr_t)message;
    uint8_t signature[512];
    CK_ULONG size = 0, needed;
    (void)state;

    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OK, p11->C_Sign(session, data, sizeof message, NULL, &size));
    needed = size--;
    assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_Sign(session, data, sizeof message, signature, &size));
    assert_int_equal(size, needed);
    assert_rv(CKR_OK, p11->C_Sign(session, data, sizeof message, signature, &size));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_Sign(session, data, sizeof message, signature, &size));
    expect_own_verification(&mechanism, message, sizeof message, signature, size);

    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, data, sizeof message));
    assert_rv(CKR_OK, p11->C_SignFinal(session, NULL, &size));
    size = 3;
    assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_SignFinal(session, signature, &size));
    assert_rv(CKR_OK, p11->C_SignFinal(session, signature, &size));
    expect_own_verification(&mechanism, message, sizeof message, signature, size);
}

static void an_operation_can_be_ended(void **state)
{
    CK_MECHANISM mechanism = any_mechanism();
    CK_BYTE *data = (CK_BYTE *)(uintptr_t)message;
    uint8_t signature[512];
    CK_ULONG size = sizeof signature;
    (void)state;
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OPERATION_ACTIVE, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OK, p11->C_SignInit(session, NULL, private_key));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_Sign(session, data, 1, signature, &size));
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OK, p11_3->C_SessionCancel(session, CKF_VERIFY | CKF_DIGEST));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, data, 1));
    /* what was begun in pieces is not ended in one */
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_Sign(session, data, 1, signature, &size));
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OK, p11_3->C_SessionCancel(session, CKF_SIGN));
    assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_SignUpdate(session, data, 1));
}

static void operations_of_all_kinds_live_side_by_side(void **state)
{
    CK_MECHANISM mechanism = any_mechanism(), sha = {CKM_SHA256, NULL, 0};
    CK_BYTE *data = (CK_BYTE *)(uintptr_t)message;
    uint8_t signature[512], digest[64], expected[64];
    CK_OBJECT_HANDLE objects[8];
    CK_ULONG size = sizeof signature, digest_size = sizeof digest, found;
    (void)state;
    size_t made = sign(session, &mechanism, private_key, message, sizeof message, signature);
    assert_rv(CKR_OK, p11->C_VerifyInit(session, &mechanism, public_key));
    assert_rv(CKR_OK, p11->C_SignInit(session, &mechanism, private_key));
    assert_rv(CKR_OK, p11->C_DigestInit(session, &sha));
    assert_rv(CKR_OK, p11->C_FindObjectsInit(session, NULL, 0));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(session, data, 7));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, data, 9));
    assert_rv(CKR_OK, p11->C_DigestUpdate(session, data, 11));
    assert_rv(CKR_OK, p11->C_FindObjects(session, objects, 8, &found));
    assert_rv(CKR_OK, p11->C_SignUpdate(session, data + 9, sizeof message - 9));
    assert_rv(CKR_OK, p11->C_VerifyUpdate(session, data + 7, sizeof message - 7));
    assert_rv(CKR_OK, p11->C_DigestUpdate(session, data + 11, sizeof message - 11));
    assert_rv(CKR_OK, p11->C_FindObjectsFinal(session));
    assert_rv(CKR_OK, p11->C_VerifyFinal(session, signature, made));
    assert_rv(CKR_OK, p11->C_SignFinal(session, signature, &size));
    assert_rv(CKR_OK, p11->C_DigestFinal(session, digest, &digest_size));
    hash_of(&hashes[2], message, sizeof message, expected);
    assert_int_equal(digest_size, 32);
    assert_memory_equal(digest, expected, 32);
    expect_own_verification(&mechanism, message, sizeof message, signature, size);
}

static void digests_are_those_of_openssl(void **state)
{
    uint8_t digest[64], expected[64];
    CK_BYTE *data = (CK_BYTE *)(uintptr_t)message;
    (void)state;
    for (size_t i = 0; i < HASH_COUNT; i++) {
        CK_MECHANISM mechanism = {hashes[i].type, NULL, 0};
        CK_ULONG size = 0;
        hash_of(&hashes[i], message, sizeof message, expected);
        assert_rv(CKR_OK, p11->C_DigestInit(session, &mechanism));
        assert_rv(CKR_OPERATION_ACTIVE, p11->C_DigestInit(session, &mechanism));
        assert_rv(CKR_OK, p11->C_Digest(session, data, sizeof message, NULL, &size));
        assert_int_equal(size, hashes[i].size);
        size--;
        assert_rv(CKR_BUFFER_TOO_SMALL, p11->C_Digest(session, data, sizeof message, digest, &size));
        assert_rv(CKR_OK, p11->C_Digest(session, data, sizeof message, digest, &size));
        assert_memory_equal(digest, expected, size);
        assert_rv(CKR_OPERATION_NOT_INITIALIZED, p11->C_Digest(session, data, 1, digest, &size));
    }
}

static void keys_and_mechanisms_must_fit(void **state)
{
    bool rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
    CK_MECHANISM other = {rsa ? CKM_ECDSA : CKM_RSA_PKCS, NULL, 0}, unknown = {CKM_AES_CBC, NULL, 0};
    CK_MECHANISM digest = {CKM_SHA256, NULL, 0}, own = any_mechanism();
    (void)state;
    assert_rv(CKR_KEY_TYPE_INCONSISTENT, p11->C_SignInit(session, &other, private_key));
    assert_rv(CKR_MECHANISM_INVALID, p11->C_SignInit(session, &unknown, private_key));
    assert_rv(CKR_MECHANISM_INVALID, p11->C_SignInit(session, &digest, private_key));
    assert_rv(CKR_MECHANISM_INVALID, p11->C_DigestInit(session, &own));
    assert_rv(CKR_KEY_FUNCTION_NOT_PERMITTED, p11->C_VerifyInit(session, &own, private_key));
    assert_rv(CKR_OK, p11->C_DigestInit(session, &digest));
    assert_rv(CKR_KEY_INDIGESTIBLE, p11->C_DigestKey(session, public_key));
}

static void nothing_stays_in_the_tpm(void **state)
{
    const struct world *world = *state;
    assert_int_equal(simulator_count(&world->simulator, "handles-transient"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-loaded-session"), 0);
    assert_int_equal(simulator_count(&world->simulator, "handles-saved-session"), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin_session, end_session)
static const struct CMUnitTest rsa_tests[] = {
    TEST(rsa_pkcs1_with_every_hash),
    TEST(rsa_pkcs1_of_any_content),
    TEST(rsa_pss_with_every_hash_mask_and_salt),
    TEST(rsa_pss_parameters_are_checked_and_copied),
    TEST(rsa_x509_signs_signatures_only),
    TEST(questions_for_the_length_keep_the_operation),
    TEST(an_operation_can_be_ended),
    TEST(operations_of_all_kinds_live_side_by_side),
    TEST(digests_are_those_of_openssl),
    TEST(keys_and_mechanisms_must_fit),
    cmocka_unit_test(nothing_stays_in_the_tpm),
};
static const struct CMUnitTest ec_tests[] = {
    TEST(ecdsa_with_every_hash),
    TEST(ecdsa_of_any_length),
    TEST(questions_for_the_length_keep_the_operation),
    TEST(an_operation_can_be_ended),
    TEST(operations_of_all_kinds_live_side_by_side),
    TEST(keys_and_mechanisms_must_fit),
    cmocka_unit_test(nothing_stays_in_the_tpm),
};

static const char *token_options;

static int begin_world(void **state)
{
    world_begin(state);
    world_make_token(*state, token_options);
    return 0;
}

int main(void)
{
    int failed = 0;
    token_options = "--type rsa --persistent";
    failed += cmocka_run_group_tests_name("RSA-2048, resident", rsa_tests, begin_world, world_end);
    token_options = "--type rsa --bits 3072";
    failed += cmocka_run_group_tests_name("RSA-3072, wrapped", rsa_tests, begin_world, world_end);
    token_options = "--type ec --persistent";
    failed += cmocka_run_group_tests_name("P-256, resident", ec_tests, begin_world, world_end);
    token_options = "--type ec --curve P-384";
    failed += cmocka_run_group_tests_name("P-384, wrapped", ec_tests, begin_world, world_end);
    return failed;
}
