/* module/token: what token_conf_format() writes token_conf_parse() reads back, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "token_conf.h"

static struct token_bytes bytes_of(const char *text)
{
    return (struct token_bytes){(uint8_t *)strdup(text), strlen(text)};
}

static void fill_certificate(struct token_certificate *certificate, const char *name)
{
    certificate->value = bytes_of(name);
    certificate->subject = bytes_of(name);
    certificate->issuer = bytes_of("issuer");
    certificate->serial_number = bytes_of("\x02\x01\x05");
    certificate->public_key_info = bytes_of("spki");
    memset(certificate->subject_public_key_hash, 0xab, 20);
    memcpy(certificate->not_before, "20261122", 9);
    memcpy(certificate->not_after, "20271122", 9);
    certificate->id[0] = 7;
    certificate->id_size = 1;
}

static struct token_generation *sample(enum tpm_key_type type)
{
    struct token_generation *generation = calloc(1, sizeof *generation);
    struct tpm_key *key = &generation->key;
    assert_non_null(generation);
    strcpy(generation->label, "M\xc3\xbcller's device");
    strcpy(generation->serial, "0123456789abcdef");
    strcpy(generation->object_label, "device");
    strcpy(generation->manufacturer, "IBM");
    generation->firmware_major = 7;
    generation->firmware_minor = 255;
    memcpy(generation->id, "\1\2\3", 3);
    generation->id_size = 3;
    key->public_key.type = type;
    if (type == TPM_KEY_RSA) {
        key->public_key.bits = 2048;
        key->public_key.exponent = 65537;
        memset(key->public_key.modulus, 0x91, 256);
    } else {
        key->public_key.bits = 521;
        key->public_key.curve = TPM_CURVE_P521;
        memset(key->public_key.x, 0x11, 66);
        memset(key->public_key.y, 0x22, 66);
    }
    memset(key->public_blob, 3, TPM_BLOB_MAX);
    key->public_blob_size = TPM_BLOB_MAX;
    memset(key->private_blob, 4, 5);
    key->private_blob_size = 5;
    key->parent = 0x81000001;
    memset(key->parent_public, 5, 6);
    key->parent_public_size = 6;
    key->persistent_handle = 0x81010001;
    key->has_pin = true;
    memset(key->pin_salt, 9, sizeof key->pin_salt);
    generation->public_key_info = bytes_of("spki");
    generation->has_certificate = true;
    fill_certificate(&generation->certificate, "the device's");
    generation->certificate.has_issuer_public_key_hash = true;
    memset(generation->certificate.issuer_public_key_hash, 0xcd, 20);
    generation->chain_count = 2;
    fill_certificate(&generation->chain[0], "issuer 1");
    fill_certificate(&generation->chain[1], "issuer 2");
    return generation;
}

static void expect_same_bytes(const struct token_bytes *one, const struct token_bytes *other)
{
    assert_int_equal(one->size, other->size);
    assert_memory_equal(one->data, other->data, one->size);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    for (enum tpm_key_type type = TPM_KEY_RSA; type <= TPM_KEY_EC; type++) {
        struct token_generation *written = sample(type), *found;
        struct token_conf_hashes hashes;
        char *text, why[256];
        size_t size;
        assert_true(token_conf_format(written, &text, &size));
        assert_int_equal(strlen(text), size);
        if (token_conf_parse(text, size, &found, &hashes, why, sizeof why) != TOKEN_OK)
            fail_msg("%s", why);
        assert_string_equal(found->label, written->label);
        assert_string_equal(found->serial, written->serial);
        assert_string_equal(found->object_label, written->object_label);
        assert_string_equal(found->manufacturer, written->manufacturer);
        assert_string_equal(found->model, "");
        assert_int_equal(found->firmware_major, 7);
        assert_int_equal(found->firmware_minor, 255);
        assert_int_equal(found->id_size, 3);
        assert_memory_equal(&found->key, &written->key, sizeof found->key);
        expect_same_bytes(&found->public_key_info, &written->public_key_info);
        expect_same_bytes(&found->certificate.subject, &written->certificate.subject);
        expect_same_bytes(&found->chain[1].subject, &written->chain[1].subject);
        assert_int_equal(found->chain_count, 2);
        assert_true(found->certificate.has_issuer_public_key_hash);
        assert_false(found->chain[0].has_issuer_public_key_hash);
        assert_string_equal(found->certificate.not_after, "20271122");
        free(text);
        token_generation_free(found);
        token_generation_free(written);
    }
}

static void a_generation_without_certificate_pin_or_handle_reads_back(void **state)
{
    struct token_generation *written = sample(TPM_KEY_EC), *found;
    struct token_conf_hashes hashes;
    char *text, why[256];
    size_t size;
    (void)state;
    written->has_certificate = false;
    written->key.has_pin = false;
    memset(written->key.pin_salt, 0, sizeof written->key.pin_salt);
    written->key.persistent_handle = 0;
    assert_true(token_conf_format(written, &text, &size));
    assert_int_equal(token_conf_parse(text, size, &found, &hashes, why, sizeof why), TOKEN_OK);
    assert_false(found->has_certificate);
    assert_int_equal(found->chain_count, 0);
    assert_memory_equal(&found->key, &written->key, sizeof found->key);
    free(text);
    token_generation_free(found);
    token_generation_free(written);
}

static void what_would_not_read_back_is_not_written(void **state)
{
    char *text;
    size_t size;
    (void)state;
    for (int i = 0; i < 9; i++) {
        struct token_generation *generation = sample(TPM_KEY_RSA);
        switch (i) {
        case 0:
            strcpy(generation->label, " blank");
            break;
        case 1:
            strcpy(generation->label, "two\nlines");
            break;
        case 2:
            generation->label[0] = '\0';
            break;
        case 3:
            generation->id_size = 0;
            break;
        case 4:
            generation->id_size = TOKEN_ID_MAX + 1;
            break;
        case 5:
            generation->key.private_blob_size = TPM_BLOB_MAX + 1;
            break;
        case 6:
            generation->key.public_key.bits = 2047;
            break;
        case 7:
            generation->key.persistent_handle = 0x80000001;
            break;
        case 8:
            generation->certificate.public_key_info.data[0] ^= 1;
            break;
        }
        if (token_conf_format(generation, &text, &size))
            fail_msg("case %d is written", i);
        token_generation_free(generation);
    }
}

/* Each line of a good file, left out, makes it a bad one, but for those that may be absent. */
static void every_required_line_is_missed(void **state)
{
    static const char *const optional[] = {"persistent-handle", "pin-salt", "issuer-public-key-hash"};
    struct token_generation *written = sample(TPM_KEY_RSA), *found;
    struct token_conf_hashes hashes;
    char *text, why[256];
    size_t size, refused = 0;
    (void)state;
    assert_true(token_conf_format(written, &text, &size));
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n") + 1;
        bool may_be_absent = line[0] == '[' || line[0] == '\n';
        for (size_t i = 0; i < 3; i++)
            may_be_absent = may_be_absent || strncmp(line, optional[i], strlen(optional[i])) == 0;
        /* without its subject a chain certificate, or the device's, is simply not there: the files tell */
        may_be_absent = may_be_absent || strncmp(line, "subject = ", 10) == 0;
        if (!may_be_absent) {
            size_t before = (size_t)(line - text);
            char *cut = malloc(size);
            assert_non_null(cut);
            memcpy(cut, text, before);
            memcpy(cut + before, line + length, size - before - length);
            if (token_conf_parse(cut, size - length, &found, &hashes, why, sizeof why) != TOKEN_MALFORMED)
                fail_msg("read without: %.*s", (int)length - 1, line);
            assert_non_null(strstr(why, "token.conf: "));
            free(cut);
            refused++;
        }
        line += length;
    }
    assert_true(refused > 30);
    free(text);
    token_generation_free(written);
}

static void the_directory_is_found_in_its_order(void **state)
{
    char directory[] = "/tmp/test-token.XXXXXX", path[256], generation[256], current[256];
    (void)state;
    assert_non_null(mkdtemp(directory));
    setenv("INTUNE_TPM_TOKEN_DIR", "/somewhere/else", 1);
    assert_true(token_directory_find(path, sizeof path));
    assert_string_equal(path, "/somewhere/else");
    assert_false(token_directory_find(path, 5));
    unsetenv("INTUNE_TPM_TOKEN_DIR");
    setenv("XDG_DATA_HOME", directory, 1);
    assert_true(token_directory_find(path, sizeof path));
    assert_string_equal(path, TOKEN_SYSTEM_DIRECTORY);
    snprintf(generation, sizeof generation, "%s/intune-tpm", directory);
    snprintf(current, sizeof current, "%s/intune-tpm/current", directory);
    assert_int_equal(mkdir(generation, 0700), 0);
    assert_int_equal(symlink(".", current), 0);
    assert_true(token_directory_find(path, sizeof path));
    assert_string_equal(path, generation);
    setenv("XDG_DATA_HOME", "relative", 1);
    setenv("HOME", "/nonexistent", 1);
    assert_true(token_directory_find(path, sizeof path));
    assert_string_equal(path, TOKEN_SYSTEM_DIRECTORY);
    unlink(current);
    rmdir(generation);
    rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(a_generation_without_certificate_pin_or_handle_reads_back),
        cmocka_unit_test(what_would_not_read_back_is_not_written),
        cmocka_unit_test(every_required_line_is_missed),
        cmocka_unit_test(the_directory_is_found_in_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
