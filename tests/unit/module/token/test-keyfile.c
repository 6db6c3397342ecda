/* module/token/keyfile.c and encoding.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "encoding.h"
#include "keyfile.h"

static struct keyfile *parse(const char *text, size_t *ret_line)
{
    return keyfile_parse(text, strlen(text), ret_line);
}

static void values_are_found_by_section_and_key(void **state)
{
    size_t line;
    (void)state;
    struct keyfile *keyfile =
        parse("first = 1\n# comment\n\n [ one ] \nkey=  a value = with # signs \t\r\nempty =\n"
              "[two]\nkey = other",
              &line);
    assert_non_null(keyfile);
    assert_string_equal(keyfile_get(keyfile, "", "first"), "1");
    assert_string_equal(keyfile_get(keyfile, "one", "key"), "a value = with # signs");
    assert_string_equal(keyfile_get(keyfile, "one", "empty"), "");
    assert_string_equal(keyfile_get(keyfile, "two", "key"), "other");
    assert_null(keyfile_get(keyfile, "two", "empty"));
    assert_null(keyfile_get(keyfile, "three", "key"));
    keyfile_free(keyfile);
    keyfile_free(NULL);
}

static void entries_come_in_the_order_of_the_file(void **state)
{
    static const char *const expected[][3] = {{"", "a", "1"}, {"s", "b", "2"}, {"s", "c", "3"}};
    const char *section, *key, *value;
    size_t line;
    (void)state;
    struct keyfile *keyfile = parse("a=1\n[s]\nb=2\nc=3\n", &line);
    assert_non_null(keyfile);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(keyfile_entry(keyfile, i, &section, &key, &value), 1);
        assert_string_equal(section, expected[i][0]);
        assert_string_equal(key, expected[i][1]);
        assert_string_equal(value, expected[i][2]);
    }
    assert_int_equal(keyfile_entry(keyfile, 3, &section, &key, &value), 0);
    keyfile_free(keyfile);
}

static void what_is_not_of_the_form_is_refused_with_its_line(void **state)
{
    static const struct {
        const char *text;
        size_t line;
    } bad[] = {
        {"nonsense", 1}, {"a=1\n=2\n", 2},      {"a=1\na=2\n", 2},           {"[]\n", 1},
        {"[open\n", 1},  {"\n\n[s]\n[s]\n", 4}, {"[s]\na=1\nb=2\na=3\n", 4}, {"[ ]\n", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t line = 99;
        assert_null(parse(bad[i].text, &line));
        assert_int_equal(line, bad[i].line);
    }
    size_t line;
    assert_null(keyfile_parse("a=1\nb=\0002\n", 10, &line));
    assert_int_equal(line, 2);
}

static void a_flood_of_entries_is_refused(void **state)
{
    size_t line;
    char *text = malloc(64 * (KEYFILE_ENTRIES_MAX + 1)), *end = text;
    (void)state;
    assert_non_null(text);
    for (int i = 0; i <= KEYFILE_ENTRIES_MAX; i++)
        end += sprintf(end, "key%d = %d\n", i, i);
    assert_null(parse(text, &line));
    assert_int_equal(line, KEYFILE_ENTRIES_MAX + 1);
    free(text);
}

static void a_file_is_read_up_to_its_limit(void **state)
{
    char path[] = "/tmp/test-keyfile.XXXXXX";
    size_t line;
    (void)state;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "[tpm]\ntcti = x\n", 15), 15);
    close(descriptor);
    struct keyfile *keyfile = keyfile_read(path, 15, &line);
    assert_non_null(keyfile);
    assert_string_equal(keyfile_get(keyfile, "tpm", "tcti"), "x");
    keyfile_free(keyfile);
    assert_null(keyfile_read(path, 14, &line));
    assert_int_equal(errno, EFBIG);
    unlink(path);
    assert_null(keyfile_read(path, 15, &line));
    assert_int_equal(errno, ENOENT);
    assert_null(keyfile_read("/tmp", 15, &line));
    assert_int_equal(errno, EISDIR);
}

/* RFC 4648, 10 */
static void base64_is_that_of_the_rfc(void **state)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {
        "Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9", "Zm9v=", "=m9v", "Zm9v\n", "Zg==Zg=="};
    uint8_t decoded[16];
    char encoded[16];
    size_t size;
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        base64_encode((const uint8_t *)vectors[i][0], strlen(vectors[i][0]), encoded);
        assert_string_equal(encoded, vectors[i][1]);
        assert_true(base64_decode(encoded, strlen(encoded), decoded, sizeof decoded, &size));
        assert_int_equal(size, strlen(vectors[i][0]));
        assert_memory_equal(decoded, vectors[i][0], size);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(base64_decode(bad[i], strlen(bad[i]), decoded, sizeof decoded, &size));
    assert_false(base64_decode("Zm9vYmFy", 8, decoded, 5, &size));
}

static void hexadecimal_comes_in_pairs(void **state)
{
    uint8_t decoded[4];
    char encoded[9];
    size_t size;
    (void)state;
    assert_true(hex_decode("00fFa5", decoded, sizeof decoded, &size));
    assert_int_equal(size, 3);
    hex_encode(decoded, size, encoded);
    assert_string_equal(encoded, "00ffa5");
    assert_false(hex_decode("0", decoded, sizeof decoded, &size));
    assert_false(hex_decode("0g", decoded, sizeof decoded, &size));
    assert_false(hex_decode("0011223344", decoded, sizeof decoded, &size));
}

static void pem_is_strict(void **state)
{
    static const char good[] = "-----BEGIN CERTIFICATE-----\nZm9v\nYmFy\n-----END CERTIFICATE-----\n";
    static const char *const bad[] = {
        "",
        "\n-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nZm9v\n",
        "-----BEGIN CERTIFICATE-----\nZm9v\n\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nZg==\nZm9v\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nZm9v\n-----END PRIVATE KEY-----\n",
        "-----BEGIN CERTIFICATE-----\n Zm9v\n-----END CERTIFICATE-----\n",
    };
    uint8_t der[8];
    size_t size;
    (void)state;
    const char *cursor = good;
    assert_true(pem_certificate_next(&cursor, good + strlen(good), der, sizeof der, &size));
    assert_int_equal(size, 6);
    assert_memory_equal(der, "foobar", 6);
    assert_ptr_equal(cursor, good + strlen(good));
    assert_false(pem_certificate_next(&cursor, good + strlen(good), der, sizeof der, &size));
    cursor = good;
    assert_false(pem_certificate_next(&cursor, good + strlen(good), der, 5, &size));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cursor = bad[i];
        assert_false(pem_certificate_next(&cursor, bad[i] + strlen(bad[i]), der, sizeof der, &size));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_found_by_section_and_key),
        cmocka_unit_test(entries_come_in_the_order_of_the_file),
        cmocka_unit_test(what_is_not_of_the_form_is_refused_with_its_line),
        cmocka_unit_test(a_flood_of_entries_is_refused),
        cmocka_unit_test(a_file_is_read_up_to_its_limit),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(hexadecimal_comes_in_pairs),
        cmocka_unit_test(pem_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
