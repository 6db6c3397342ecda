/* enroll/enrolment and enroll/device_key without a TPM: the texts that are written and read back,
 * generations, and what an interrupted run left. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "certificate.h"
#include "enrollment.h"
#include "generation.h"
#include "issuance.h"
#include "key_choice.h"
#include "private_key_pem.h"
#include "public_key.h"
#include "request.h"

#define DAY 86400

static void renewal_begins_in_the_window_and_differs_between_machines(void **state)
{
    const time_t from = 1000000000, to = from + 365 * DAY;
    time_t one = enrollment_renewal_time(from, to, 0, 42, "0000000000000001");
    (void)state;
    assert_true(one >= to - 42 * DAY && one < to - 41 * DAY);
    assert_int_equal(one, enrollment_renewal_time(from, to, 0, 42, "0000000000000001"));
    assert_int_not_equal(one, enrollment_renewal_time(from, to, 0, 42, "0000000000000002"));
    /* No period said: 42 days. */
    assert_int_equal(one, enrollment_renewal_time(from, to, 0, 0, "0000000000000001"));
    /* A window longer than half of the life, and a life of seconds. */
    time_t half = enrollment_renewal_time(from, from + 30 * DAY, 0, 42, "0000000000000001");
    assert_true(half >= from + 15 * DAY && half < from + 16 * DAY);
    assert_true(enrollment_renewal_time(from, from + 2, 0, 42, "x") >= from + 1);
    assert_int_equal(enrollment_renewal_time(to, from, 0, 42, "x"), from);
}

/* Over begin, end, time of issue and period: never before half of the life that was left at issue, never
 * after the end. */
static void renewal_is_never_due_in_the_first_half_of_what_was_left(void **state)
{
    const time_t issued = 1000000000;
    (void)state;
    for (time_t dated_back = 0; dated_back <= 400 * DAY; dated_back += 20 * DAY)
        for (time_t left = DAY; left <= 800 * DAY; left += 13 * DAY)
            for (unsigned period = 0; period <= 1000; period += 73) {
                time_t due =
                    enrollment_renewal_time(issued - dated_back, issued + left, issued, period, "serial");
                assert_true(due >= issued + left / 2 && due <= issued + left);
            }
    /* A record of another certificate's time does not count. */
    assert_int_equal(enrollment_renewal_time(issued, issued + 100 * DAY, issued - DAY, 200, "x"),
                     enrollment_renewal_time(issued, issued + 100 * DAY, 0, 200, "x"));
}

static const struct tpm_facts plain_chip = {.rsa_max_bits = 2048, .p256 = true, .p384 = true};

static enum enroll_exit decide(const char *choice, struct certificate_requirements requirements,
                               struct tpm_key_request *ret_request)
{
    struct key_choice parsed = {0};
    struct enroll_error error;
    if (choice)
        assert_true(key_choice_parse(choice, &parsed));
    return key_choice_decide(&parsed, &requirements, &plain_chip, ret_request, &error);
}

static void the_key_is_what_policy_operator_and_tpm_agree_on(void **state)
{
    const struct certificate_requirements rsa = {
        .from_policy = true, .key_type = TPM_KEY_RSA, .minimum_bits = 2048};
    const struct certificate_requirements large = {
        .from_policy = true, .key_type = TPM_KEY_RSA, .minimum_bits = 2049};
    const struct certificate_requirements huge = {
        .from_policy = true, .key_type = TPM_KEY_RSA, .minimum_bits = 9000};
    const struct certificate_requirements curve = {
        .from_policy = true, .key_type = TPM_KEY_EC, .curve = TPM_CURVE_P256};
    const struct certificate_requirements large_curve = {
        .from_policy = true, .key_type = TPM_KEY_EC, .curve = TPM_CURVE_P521};
    const struct certificate_requirements none = {.key_type = TPM_KEY_RSA, .minimum_bits = 2048};
    struct tpm_key_request request;
    struct key_choice choice;
    (void)state;
    assert_int_equal(decide(NULL, rsa, &request), ENROLL_OK);
    assert_int_equal(request.bits, 2048);
    assert_int_equal(decide(NULL, curve, &request), ENROLL_OK);
    assert_int_equal(request.curve, TPM_CURVE_P256);
    assert_int_equal(decide("P384", curve, &request), ENROLL_OK);
    assert_int_equal(request.curve, TPM_CURVE_P384);
    assert_int_equal(decide("p256", none, &request), ENROLL_OK);
    assert_int_equal(request.curve, TPM_CURVE_P256);
    assert_int_equal(decide(NULL, large, &request), ENROLL_POLICY);
    assert_int_equal(decide(NULL, huge, &request), ENROLL_POLICY);
    assert_int_equal(decide(NULL, large_curve, &request), ENROLL_POLICY);
    assert_int_equal(decide("p256", rsa, &request), ENROLL_POLICY);
    assert_int_equal(decide("rsa2048", large, &request), ENROLL_POLICY);
    assert_int_equal(decide("rsa4096", rsa, &request), ENROLL_POLICY);
    assert_int_equal(decide("p521", curve, &request), ENROLL_POLICY);
    assert_false(key_choice_parse("dsa1024", &choice));
}

static void persistence_is_auto_unless_it_is_said(void **state)
{
    (void)state;
    assert_int_equal(issuance_persistence_of("yes"), PERSISTENT_YES);
    assert_int_equal(issuance_persistence_of("no"), PERSISTENT_NO);
    assert_int_equal(issuance_persistence_of("auto"), PERSISTENT_AUTO);
    assert_int_equal(issuance_persistence_of(NULL), PERSISTENT_AUTO);
}

/* A software key's public half as the TPM interface returns it. */
static EVP_PKEY *key_of(const char *curve, enum tpm_curve id, unsigned bits,
                        struct tpm_public_key *ret_public)
{
    EVP_PKEY *key = curve ? EVP_EC_gen(curve) : EVP_RSA_gen(bits);
    BIGNUM *x = NULL, *y = NULL, *n = NULL;
    int size = (int)(bits + 7) / 8;
    assert_non_null(key);
    *ret_public = (struct tpm_public_key){
        .type = curve ? TPM_KEY_EC : TPM_KEY_RSA, .bits = bits, .curve = id, .exponent = curve ? 0 : 65537};
    if (curve) {
        assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x));
        assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y));
        assert_int_equal(BN_bn2binpad(x, ret_public->x, size), size);
        assert_int_equal(BN_bn2binpad(y, ret_public->y, size), size);
    } else {
        assert_true(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n));
        assert_int_equal(BN_bn2binpad(n, ret_public->modulus, size), size);
    }
    BN_free(x);
    BN_free(y);
    BN_free(n);
    return key;
}

static void public_key_info_is_what_openssl_writes(void **state)
{
    static const struct {
        const char *curve, *name;
        enum tpm_curve id;
        unsigned bits;
    } keys[] = {{"P-256", "P-256", TPM_CURVE_P256, 256},
                {"P-384", "P-384", TPM_CURVE_P384, 384},
                {"P-521", "P-521", TPM_CURVE_P521, 521},
                {NULL, "RSA 2048", TPM_CURVE_NONE, 2048}};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct tpm_public_key public_key, other;
        struct token_bytes info;
        unsigned char *expected = NULL;
        uint8_t hash[PUBLIC_KEY_HASH_SIZE];
        char name[16];
        EVP_PKEY *key = key_of(keys[i].curve, keys[i].id, keys[i].bits, &public_key);
        EVP_PKEY *second = key_of(keys[i].curve, keys[i].id, keys[i].bits, &other);
        int size = i2d_PUBKEY(key, &expected);
        assert_true(public_key_info_encode(&public_key, &info));
        assert_int_equal(info.size, size);
        assert_memory_equal(info.data, expected, info.size);
        assert_true(public_key_info_hash(info.data, info.size, hash));
        assert_true(public_key_equal(&public_key, &public_key));
        assert_false(public_key_equal(&public_key, &other));
        public_key_name(&public_key, name, sizeof name);
        assert_string_equal(name, keys[i].name);
        OPENSSL_free(expected);
        free(info.data);
        EVP_PKEY_free(key);
        EVP_PKEY_free(second);
    }
    const struct tpm_public_key nonsense = {.type = TPM_KEY_RSA, .bits = 8};
    const struct tpm_public_key off_curve = {
        .type = TPM_KEY_EC, .bits = 256, .curve = TPM_CURVE_P256, .x = {1}};
    const struct tpm_public_key no_curve = {.type = TPM_KEY_EC, .bits = 256};
    struct token_bytes info;
    uint8_t hash[PUBLIC_KEY_HASH_SIZE];
    assert_false(public_key_info_encode(&nonsense, &info));
    assert_false(public_key_info_encode(&off_curve, &info));
    assert_false(public_key_info_encode(&no_curve, &info));
    assert_false(public_key_info_hash((const uint8_t *)"x", 1, hash));
}

static X509_REQ *request_of(const struct install_request *request)
{
    struct enroll_error error;
    uint8_t *der;
    size_t size;
    assert_int_equal(install_request_make(request, &der, &size, &error), ENROLL_OK);
    const unsigned char *cursor = der;
    X509_REQ *csr = d2i_X509_REQ(NULL, &cursor, (long)size);
    assert_non_null(csr);
    assert_ptr_equal(cursor, der + size);
    assert_int_equal(X509_REQ_verify(csr, X509_REQ_get0_pubkey(csr)), 1);
    free(der);
    return csr;
}

static void a_request_carries_what_policy_and_operator_want(void **state)
{
    struct tpm_public_key ignored;
    EVP_PKEY *key = key_of("P-256", TPM_CURVE_P256, 256, &ignored);
    struct certificate_requirements requirements = {.hash = TPM_HASH_SHA384};
    struct install_request request = {.key = key, .device_id = "DEVICE-1", .requirements = &requirements};
    (void)state;
    X509_REQ *csr = request_of(&request);
    assert_int_equal(X509_REQ_get_attr_count(csr), 0);
    assert_int_equal(X509_REQ_get_signature_nid(csr), NID_ecdsa_with_SHA384);
    X509_REQ_free(csr);

    uint8_t value[] = {0x04, 0x01, 0x2a};
    requirements.hash = TPM_HASH_SHA512;
    requirements.extension_count = 1;
    requirements.extensions[0] = (struct requested_extension){
        .oid = (char *)(uintptr_t) "1.2.3.4", .critical = true, .value = value, .size = sizeof value};
    request.extensions = true;
    csr = request_of(&request);
    assert_int_equal(X509_REQ_get_signature_nid(csr), NID_ecdsa_with_SHA512);
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(csr);
    assert_int_equal(sk_X509_EXTENSION_num(extensions), 3);
    assert_true(X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(extensions, 2)));
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(csr);

    /* One that we would have put in ourselves stands there once, and as the policy has it. */
    requirements.extensions[0].oid = (char *)(uintptr_t) "1.3.6.1.4.1.311.66.1.0";
    csr = request_of(&request);
    extensions = X509_REQ_get_extensions(csr);
    assert_int_equal(sk_X509_EXTENSION_num(extensions), 2);
    const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(sk_X509_EXTENSION_value(extensions, 1));
    assert_int_equal(ASN1_STRING_length(octets), sizeof value);
    assert_memory_equal(ASN1_STRING_get0_data(octets), value, sizeof value);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(csr);

    /* An OID that is none, and a hash that policies may name and we do not use. */
    struct enroll_error error;
    uint8_t *der;
    size_t size;
    requirements.extensions[0].oid = (char *)(uintptr_t) "no oid";
    assert_int_equal(install_request_make(&request, &der, &size, &error), ENROLL_FAILED);
    requirements.extension_count = 0;
    requirements.hash = TPM_HASH_SHA1;
    csr = request_of(&request);
    assert_int_equal(X509_REQ_get_signature_nid(csr), NID_ecdsa_with_SHA256);
    X509_REQ_free(csr);
    EVP_PKEY_free(key);
}

static void a_public_half_alone_signs_nothing(void **state)
{
    struct tpm_public_key public_key;
    struct token_bytes info;
    struct enroll_error error;
    uint8_t *der;
    size_t size;
    const struct certificate_requirements requirements = {.hash = TPM_HASH_SHA256};
    EVP_PKEY *key = key_of("P-256", TPM_CURVE_P256, 256, &public_key);
    (void)state;
    assert_true(public_key_info_encode(&public_key, &info));
    const unsigned char *cursor = info.data;
    EVP_PKEY *half = d2i_PUBKEY(NULL, &cursor, (long)info.size);
    const struct install_request request = {.key = half, .device_id = "D", .requirements = &requirements};
    assert_int_equal(install_request_make(&request, &der, &size, &error), ENROLL_TPM);
    free(info.data);
    EVP_PKEY_free(half);
    EVP_PKEY_free(key);
}

static void key_files_that_are_none_are_refused(void **state)
{
    static const char *const texts[] = {
        "", "garbage", "-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
        /* SEQUENCE { id-loadablekey, parent -1, octets, octets } */
        "-----BEGIN TSS2 PRIVATE KEY-----\nMBMGBmeBBQoBAwIB/wQBAQQDAQID\n-----END TSS2 PRIVATE KEY-----\n"};
    struct tpm_key key;
    char *large = calloc(1, PRIVATE_KEY_PEM_MAX + 2);
    (void)state;
    assert_non_null(large);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(private_key_pem_parse(texts[i], strlen(texts[i]), &key));
    assert_false(private_key_pem_parse(large, PRIVATE_KEY_PEM_MAX + 1, &key));
    free(large);
}

/* A directory of its own for each test. */
static int directory_make(void **state)
{
    char *path = strdup("/tmp/itp-install.XXXXXX");
    *state = path;
    return path && mkdtemp(path) ? 0 : -1;
}

static int directory_remove(void **state)
{
    int root = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = install_tree_remove(root, (char *)*state + strlen("/tmp/"));
    close(root);
    free(*state);
    return result;
}

static void a_directory_is_made_locked_and_given_back(void **state)
{
    struct install_directory directory, second;
    struct enroll_error error;
    struct stat status;
    char path[128];
    snprintf(path, sizeof path, "%s/a/b", (char *)*state);
    assert_int_equal(install_directory_open(path, false, 0, &directory, &error), ENROLL_NOT_ENROLLED);
    assert_int_equal(install_directory_open("relative", true, 0, &directory, &error), ENROLL_USAGE);
    assert_int_equal(install_directory_open("/dev/null", true, 0, &directory, &error),
                     ENROLL_TOKEN_DIRECTORY);
    assert_int_equal(install_directory_open("/dev/null/x", true, 0, &directory, &error),
                     ENROLL_TOKEN_DIRECTORY);
    assert_int_equal(install_directory_open(path, true, 0, &directory, &error), ENROLL_OK);
    assert_int_equal(fstat(directory.fd, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0755);
    assert_int_equal(install_directory_open(path, true, 0, &second, &error), ENROLL_IN_PROGRESS);
    assert_int_equal(install_directory_open(path, true, 1, &second, &error), ENROLL_IN_PROGRESS);
    install_directory_close(&directory);
    install_directory_close(&directory);
    assert_int_equal(install_directory_open(path, true, 0, &second, &error), ENROLL_OK);
    install_directory_close(&second);
    assert_int_equal(unlinkat(AT_FDCWD, path, AT_REMOVEDIR), 0);
}

/* Everybody may open the directory to read, and hold a lock on it for as long as he likes. */
static void a_lock_by_somebody_who_may_only_read_stops_nothing(void **state)
{
    struct install_directory directory;
    struct enroll_error error;
    struct stat status;
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(install_directory_open(*state, false, 0, &directory, &error), ENROLL_OK);
    assert_int_equal(fstat(directory.lock, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    install_directory_close(&directory);
    close(fd);
}

static void files_are_replaced_whole_and_read_within_bounds(void **state)
{
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t size;
    char long_name[260];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(install_file_replace(fd, "file", "one", 3, 0600), 0);
    assert_int_equal(install_file_replace(fd, "file", "second", 6, 0600), 0);
    assert_int_equal(install_file_create(fd, "file", "x", 1, 0600), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(install_file_replace(fd, long_name, "x", 1, 0600), -1);
    char *text = install_file_read(fd, "file", 6, &size);
    assert_non_null(text);
    assert_string_equal(text, "second");
    free(text);
    assert_null(install_file_read(fd, "file", 5, &size));
    assert_int_equal(errno, EFBIG);
    assert_null(install_file_read(fd, "none", 5, &size));
    assert_int_equal(mkdirat(fd, "directory", 0700), 0);
    assert_null(install_file_read(fd, "directory", 4096, &size));
    assert_int_equal(symlinkat("file", fd, "link"), 0);
    assert_null(install_file_read(fd, "link", 4096, &size));
    assert_int_equal(install_file_replace(fd, "directory", "x", 1, 0600), -1);
    /* A link in a tree is removed, not followed. */
    assert_int_equal(symlinkat("/etc", fd, "directory/out"), 0);
    assert_int_equal(install_tree_remove(fd, "directory"), 0);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
    assert_int_equal(install_tree_remove(fd, "directory"), 0);
    close(fd);
}

static void the_state_of_renewal_is_remembered(void **state)
{
    int fd = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct enrollment_state written = {.attempted_at = 5,
                                       .failed_at = 6,
                                       .exit_status = 10,
                                       .message = "one\nline"},
                            read;
    enrollment_state_read(fd, &read);
    assert_int_equal(read.failed_at, 0);
    assert_int_equal(enrollment_state_write(fd, &written), 0);
    enrollment_state_read(fd, &read);
    assert_int_equal(read.attempted_at, 5);
    assert_int_equal(read.failed_at, 6);
    assert_int_equal(read.exit_status, 10);
    assert_string_equal(read.message, "one line");
    close(fd);
    assert_int_equal(enrollment_state_write(-1, &written), -1);
}

static void leftovers_are_removed_and_the_current_generation_stays(void **state)
{
    struct install_directory directory;
    struct install_recovery recovery;
    struct record undecided;
    struct enroll_error error;
    const char *root = *state;
    assert_int_equal(install_directory_open(root, true, 0, &directory, &error), ENROLL_OK);
    assert_int_equal(mkdirat(directory.fd, "generations", 0755), 0);
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "generations/%d", i);
        assert_int_equal(mkdirat(directory.fd, name, 0755), 0);
    }
    assert_int_equal(mkdirat(directory.fd, "generations/not-a-number", 0755), 0);
    assert_int_equal(mkdirat(directory.fd, ".pending.new", 0755), 0);
    assert_int_equal(mkdirat(directory.fd, "pending", 0755), 0);
    assert_int_equal(symlinkat("generations/9", directory.fd, ".current.new"), 0);
    assert_int_equal(symlinkat("generations/4", directory.fd, "current"), 0);
    assert_int_equal(install_generation_current(&directory), 4);
    assert_false(install_pending_undecided(&directory, &undecided));
    /* None of these has a key: the TPM is not asked for anything. */
    assert_int_equal(install_recover(&directory, NULL, 0, &recovery, &error), ENROLL_OK);
    assert_int_equal(recovery.evicted, 0);
    assert_int_equal(recovery.removed, 6);
    assert_int_equal(faccessat(directory.fd, "generations/4", F_OK, 0), 0);
    assert_int_equal(faccessat(directory.fd, "generations/3", F_OK, 0), 0);
    assert_int_equal(faccessat(directory.fd, "generations/5", F_OK, 0), -1);
    assert_int_equal(install_recover(&directory, NULL, RECOVER_NO_PREVIOUS, &recovery, &error), ENROLL_OK);
    assert_int_equal(faccessat(directory.fd, "generations/3", F_OK, 0), -1);

    /* Whatever is no link of our form is no generation. */
    static const char *const targets[] = {"generations/0", "generations/04", "generations/4x", "elsewhere/4",
                                          "/etc"};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        assert_int_equal(unlinkat(directory.fd, "current", 0), 0);
        assert_int_equal(symlinkat(targets[i], directory.fd, "current"), 0);
        assert_int_equal(install_generation_current(&directory), 0);
    }
    assert_int_equal(install_remove_all(&directory, NULL, &recovery, &error), ENROLL_OK);
    assert_int_equal(faccessat(directory.fd, "generations", F_OK, 0), -1);
    install_directory_close(&directory);
}

static void a_generation_that_cannot_be_written_leaves_nothing(void **state)
{
    struct install_directory directory;
    struct enroll_error error;
    unsigned long number;
    struct token_generation *empty = calloc(1, sizeof *empty);
    assert_non_null(empty);
    assert_int_equal(install_directory_open(*state, true, 0, &directory, &error), ENROLL_OK);
    assert_int_equal(install_generation_write(&directory, empty, &number, &error), ENROLL_TOKEN_DIRECTORY);
    assert_int_equal(faccessat(directory.fd, "generations/1", F_OK, 0), -1);
    const struct record none = {0};
    assert_int_equal(install_pending_write(&directory, empty, &none, &error), ENROLL_TOKEN_DIRECTORY);
    assert_int_equal(install_pending_update(&directory, &none, &error), ENROLL_TOKEN_DIRECTORY);
    assert_int_equal(faccessat(directory.fd, "pending", F_OK, 0), -1);
    free(empty);
    install_directory_close(&directory);
}

/* What turns text around on a terminal does not get there from a certificate. */
static void bidirectional_controls_of_a_subject_are_not_shown(void **state)
{
    static const unsigned char subject[] = "device\xe2\x80\xae"
                                           "evil\xe2\x81\xa6\xe2\x80\x8f";
    struct certificate_facts facts;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_NAME *name = X509_NAME_new();
    unsigned char *der = NULL;

    (void)state;
    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, subject, -1, -1, 0), 1);
    assert_int_equal(X509_set_subject_name(x509, name), 1);
    assert_int_equal(X509_set_issuer_name(x509, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 60));
    assert_int_equal(X509_set_pubkey(x509, key), 1);
    assert_true(X509_sign(x509, key, EVP_sha256()) > 0);
    int size = i2d_X509(x509, &der);
    assert_true(certificate_facts_read(der, (size_t)size, &facts));
    assert_string_equal(facts.subject, "CN=device???evil??????");
    certificate_facts_free(&facts);
    OPENSSL_free(der);
    X509_NAME_free(name);
    X509_free(x509);
    EVP_PKEY_free(key);
}

int main(void)
{
#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, directory_make, directory_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewal_begins_in_the_window_and_differs_between_machines),
        cmocka_unit_test(bidirectional_controls_of_a_subject_are_not_shown),
        cmocka_unit_test(renewal_is_never_due_in_the_first_half_of_what_was_left),
        cmocka_unit_test(the_key_is_what_policy_operator_and_tpm_agree_on),
        cmocka_unit_test(persistence_is_auto_unless_it_is_said),
        cmocka_unit_test(public_key_info_is_what_openssl_writes),
        cmocka_unit_test(a_request_carries_what_policy_and_operator_want),
        cmocka_unit_test(a_public_half_alone_signs_nothing),
        cmocka_unit_test(key_files_that_are_none_are_refused),
        WITH_DIRECTORY(a_directory_is_made_locked_and_given_back),
        WITH_DIRECTORY(a_lock_by_somebody_who_may_only_read_stops_nothing),
        WITH_DIRECTORY(files_are_replaced_whole_and_read_within_bounds),
        WITH_DIRECTORY(the_state_of_renewal_is_remembered),
        WITH_DIRECTORY(leftovers_are_removed_and_the_current_generation_stays),
        WITH_DIRECTORY(a_generation_that_cannot_be_written_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
