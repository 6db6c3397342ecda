/* enroll/applications/browser_policies.c: what is ours goes in and out, everything else stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "browser_policies.h"

#define LIBRARY "/usr/lib/module.so"

static void assert_json_equal(const char *have, const char *expected)
{
    json_object *one, *other;

    assert_non_null(have);
    one = json_tokener_parse(have);
    other = json_tokener_parse(expected);
    assert_non_null(other);
    if (!json_object_equal(one, other))
        fail_msg("have %s, expected %s", have, expected);
    json_object_put(one);
    json_object_put(other);
}

/* Each row: the file before, with our device in it, and without it again (NULL: no file). */
static const struct {
    const char *before, *with, *after;
} firefox[] = {
    {NULL, "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"intune-tpm\":\"" LIBRARY "\"}}}}", NULL},
    {" \n", "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"intune-tpm\":\"" LIBRARY "\"}}}}", NULL},
    {"{\"policies\":{\"A\":[1,null,true]},\"b\":2.5}\n",
     "{\"policies\":{\"A\":[1,null,true],\"SecurityDevices\":{\"Add\":{\"intune-tpm\":\"" LIBRARY
     "\"}}},\"b\":2.5}",
     "{\"policies\":{\"A\":[1,null,true]},\"b\":2.5}"},
    {"{\"policies\":{\"SecurityDevices\":{\"Delete\":[\"x\"]}}}",
     "{\"policies\":{\"SecurityDevices\":{\"Delete\":[\"x\"],\"Add\":{\"intune-tpm\":\"" LIBRARY "\"}}}}",
     "{\"policies\":{\"SecurityDevices\":{\"Delete\":[\"x\"]}}}"},
    {"{\"policies\":{\"SecurityDevices\":{\"card\":\"/c.so\"}}}",
     "{\"policies\":{\"SecurityDevices\":{\"card\":\"/c.so\",\"intune-tpm\":\"" LIBRARY "\"}}}",
     "{\"policies\":{\"SecurityDevices\":{\"card\":\"/c.so\"}}}"},
    {"{\"policies\":{\"SecurityDevices\":{\"Add\":{\"intune-tpm\":\"/old.so\",\"card\":\"/c.so\"}}}}",
     "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"intune-tpm\":\"" LIBRARY "\",\"card\":\"/c.so\"}}}}",
     "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"card\":\"/c.so\"}}}}"},
};

static void firefox_device_goes_in_and_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof firefox / sizeof *firefox; i++) {
        char *with = NULL, *again = NULL, *after = NULL;
        bool changed = false;

        assert_true(policies_firefox(firefox[i].before, LIBRARY, &with, &changed));
        assert_true(changed);
        assert_json_equal(with, firefox[i].with);
        assert_true(policies_firefox(with, LIBRARY, &again, &changed));
        assert_false(changed);
        assert_string_equal(again, with);
        assert_true(policies_firefox(with, NULL, &after, &changed));
        assert_true(changed);
        if (firefox[i].after)
            assert_json_equal(after, firefox[i].after);
        else
            assert_null(after);
        free(with);
        free(again);
        free(after);
    }
}

static void firefox_device_that_is_not_there_is_no_change(void **state)
{
    static const char *const files[] = {NULL, "{}", "{\"policies\":{}}",
                                        "{\"policies\":{\"SecurityDevices\":{}}}",
                                        "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"x\":\"/y\"}}}}"};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *text = NULL;
        bool changed = true;

        assert_true(policies_firefox(files[i], NULL, &text, &changed));
        assert_false(changed);
        free(text);
    }
}

static void firefox_file_of_another_form_is_refused(void **state)
{
    static const char *const files[] = {
        "{",
        "[]",
        "3",
        "{} x",
        "// comment\n{}",
        "{\"policies\":3}",
        "{\"policies\":null}",
        "{\"policies\":{\"SecurityDevices\":[]}}",
        "{\"policies\":{\"SecurityDevices\":{\"Add\":3}}}",
        "{\"a\":\"\xff\"}",
        "{\"a\":1,}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *text = NULL;
        bool changed;

        if (policies_firefox(files[i], LIBRARY, &text, &changed))
            fail_msg("%s was taken", files[i]);
        assert_null(text);
    }
}

static void firefox_nesting_without_end_is_refused(void **state)
{
    size_t depth = 100000;
    char *text = malloc(6 * depth + 3), *result = NULL;
    bool changed;

    (void)state;
    assert_non_null(text);
    text[0] = 0;
    for (size_t i = 0; i < depth; i++)
        memcpy(text + 5 * i, "{\"a\":", 6);
    memcpy(text + 5 * depth, "1", 2);
    assert_false(policies_firefox(text, LIBRARY, &result, &changed));
    free(text);
}

static void chromium_patterns_are_added_once_and_kept(void **state)
{
    const char *const first[] = {"https://a.example"};
    const char *const both[] = {"https://a.example", "[*.]b.example"};
    char *one = NULL, *two = NULL, *none = NULL;
    bool changed = false;

    (void)state;
    assert_true(policies_chromium(NULL, first, 1, "An \"Issuer\"", &one, &changed));
    assert_true(changed);
    assert_json_equal(
        one, "{\"AutoSelectCertificateForUrls\":[\"{\\\"pattern\\\":\\\"https://a.example\\\",\\\"filter\\\":"
             "{\\\"ISSUER\\\":{\\\"CN\\\":\\\"An \\\\\\\"Issuer\\\\\\\"\\\"}}}\"]}");
    assert_true(policies_chromium(one, both, 2, NULL, &two, &changed));
    assert_true(changed);
    assert_non_null(strstr(two, "a.example"));
    assert_non_null(strstr(two, "{\\\"pattern\\\":\\\"[*.]b.example\\\",\\\"filter\\\":{}}"));
    free(one);
    assert_true(policies_chromium(two, both, 2, NULL, &one, &changed));
    assert_false(changed);
    assert_true(policies_chromium(two, NULL, 0, NULL, &none, &changed));
    assert_true(changed);
    assert_null(none);
    free(one);
    free(two);
}

static void chromium_pattern_follows_the_issuer(void **state)
{
    const char *const pattern[] = {"https://a.example"};
    const char *wider =
        "{\"AutoSelectCertificateForUrls\":[\"{\\\"pattern\\\":\\\"https://a.example\\\",\\\"filter\\\":"
        "{\\\"ISSUER\\\":{\\\"CN\\\":\\\"Old\\\",\\\"O\\\":\\\"Theirs\\\"}}}\"]}";
    char *one = NULL, *two = NULL;
    bool changed = false;

    (void)state;
    assert_true(policies_chromium(NULL, pattern, 1, "Old", &one, &changed));
    assert_true(policies_chromium(one, pattern, 1, "New", &two, &changed));
    assert_true(changed);
    assert_json_equal(
        two, "{\"AutoSelectCertificateForUrls\":[\"{\\\"pattern\\\":\\\"https://a.example\\\",\\\"filter\\\":"
             "{\\\"ISSUER\\\":{\\\"CN\\\":\\\"New\\\"}}}\"]}");
    free(one);
    assert_true(policies_chromium(two, pattern, 1, "New", &one, &changed));
    assert_false(changed);
    free(one);
    assert_true(policies_chromium(wider, pattern, 1, "New", &one, &changed));
    assert_false(changed);
    free(one);
    free(two);
}

static void chromium_list_of_anything_is_read(void **state)
{
    const char *const pattern[] = {"https://a.example"};
    const char *before =
        "{\"AutoSelectCertificateForUrls\":[1,null,\"x\",\"{}\",\"{\\\"pattern\\\":3}\"],\"Other\":true}";
    char *text = NULL;
    bool changed = false;

    (void)state;
    assert_true(policies_chromium(before, pattern, 1, NULL, &text, &changed));
    assert_true(changed);
    assert_non_null(strstr(text, "\"Other\": true"));
    assert_non_null(strstr(text, "https://a.example"));
    free(text);
    text = NULL;
    assert_false(
        policies_chromium("{\"AutoSelectCertificateForUrls\":{}}", pattern, 1, NULL, &text, &changed));
    assert_null(text);
}

static void firefox_device_is_read_where_it_was_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof firefox / sizeof *firefox; i++) {
        char *library = NULL;

        assert_true(policies_firefox_library(firefox[i].with, &library));
        assert_string_equal(library, LIBRARY);
        free(library);
        assert_true(policies_firefox_library(firefox[i].after, &library));
        assert_null(library);
    }
}

static void firefox_device_of_another_form_is_not_read(void **state)
{
    static const char *const malformed[] = {
        "{", "[]", "{\"policies\":3}", "{\"policies\":{\"SecurityDevices\":{\"Add\":{\"intune-tpm\":3}}}}"};
    char *library = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_false(policies_firefox_library(malformed[i], &library));
    assert_null(library);
}

/* Each row: a list of Chromium's, how many sites it has, and how many for another issuer than "CA". */
static const struct {
    const char *text;
    size_t sites, others;
} chromium_lists[] = {
    {NULL, 0, 0},
    {"{}", 0, 0},
    {"{\"AutoSelectCertificateForUrls\":[]}", 0, 0},
    {"{\"AutoSelectCertificateForUrls\":[\"{\\\"pattern\\\":\\\"a\\\",\\\"filter\\\":{}}\"]}", 1, 0},
    {"{\"AutoSelectCertificateForUrls\":[\"{\\\"filter\\\":{\\\"ISSUER\\\":{\\\"CN\\\":\\\"CA\\\"}}}\"]}", 1,
     0},
    {"{\"AutoSelectCertificateForUrls\":[\"{\\\"filter\\\":{\\\"ISSUER\\\":{\\\"CN\\\":\\\"B\\\"}}}\",\"{}\"]"
     "}",
     2, 1},
    {"{\"AutoSelectCertificateForUrls\":[\"{\\\"filter\\\":{\\\"ISSUER\\\":{\\\"CN\\\":3}}}\"]}", 1, 1},
    {"{\"AutoSelectCertificateForUrls\":[\"{\\\"filter\\\":3}\",\"{\\\"filter\\\":{\\\"ISSUER\\\":3}}\"]}", 2,
     0},
};

static void chromium_sites_are_counted_by_issuer(void **state)
{
    size_t sites, others;

    (void)state;
    for (size_t i = 0; i < sizeof chromium_lists / sizeof *chromium_lists; i++) {
        assert_true(policies_chromium_sites(chromium_lists[i].text, "CA", &sites, &others));
        assert_int_equal(sites, chromium_lists[i].sites);
        assert_int_equal(others, chromium_lists[i].others);
    }
    assert_true(policies_chromium_sites(chromium_lists[4].text, NULL, &sites, &others));
    assert_int_equal(others, 1);
    assert_false(policies_chromium_sites("{\"AutoSelectCertificateForUrls\":{}}", "CA", &sites, &others));
    assert_false(policies_chromium_sites("{\"AutoSelectCertificateForUrls\":[3]}", "CA", &sites, &others));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(firefox_device_goes_in_and_out),
        cmocka_unit_test(firefox_device_that_is_not_there_is_no_change),
        cmocka_unit_test(firefox_file_of_another_form_is_refused),
        cmocka_unit_test(firefox_nesting_without_end_is_refused),
        cmocka_unit_test(firefox_device_is_read_where_it_was_written),
        cmocka_unit_test(firefox_device_of_another_form_is_not_read),
        cmocka_unit_test(chromium_sites_are_counted_by_issuer),
        cmocka_unit_test(chromium_patterns_are_added_once_and_kept),
        cmocka_unit_test(chromium_pattern_follows_the_issuer),
        cmocka_unit_test(chromium_list_of_anything_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
