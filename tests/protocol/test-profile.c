/* The device profile, the URLs that are acceptable, and what a browser may post. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "url.h"
#include "profile.h"

static char machine_id[64], os_release[64];

static int files_begin(void **state)
{
    FILE *file;
    int fd;

    (void)state;
    snprintf(machine_id, sizeof(machine_id), "/tmp/machine-id.XXXXXX");
    snprintf(os_release, sizeof(os_release), "/tmp/os-release.XXXXXX");
    fd = mkstemp(machine_id);
    file = fdopen(fd, "w");
    if (file == NULL || fputs("0123456789abcdef0123456789abcdef\n", file) < 0 || fclose(file) != 0)
        return -1;
    fd = mkstemp(os_release);
    file = fdopen(fd, "w");
    return file == NULL || fputs("ID=debian\nVERSION_ID=\"12.4\"\n", file) < 0 || fclose(file) != 0 ? -1 : 0;
}

static int files_end(void **state)
{
    (void)state;
    return unlink(machine_id) != 0 || unlink(os_release) != 0 ? -1 : 0;
}

static struct profile_sources sources(void)
{
    return (struct profile_sources){.os_release = os_release,
                                    .machine_id = machine_id,
                                    .host_name = "laptop-17.contoso.test",
                                    .locale = "de_DE.UTF-8"};
}

static enum enroll_exit profile_read(const char *text, struct device_profile **ret_profile,
                                     struct enroll_error *ret_error)
{
    const struct profile_sources from = sources();

    return device_profile_parse(text, strlen(text), "test.conf", &from, ret_profile, ret_error);
}

static void defaults_are_this_machines_and_never_the_machine_id(void **state)
{
    struct device_profile *profile = NULL;
    struct enroll_error error;

    (void)state;
    assert_int_equal(profile_read("", &profile, &error), ENROLL_OK);
    assert_string_equal(profile->values[ITEM_OS_VERSION], "12.4.0.0");
    assert_string_equal(profile->values[ITEM_APPLICATION_VERSION], "12.4.0.0");
    assert_string_equal(profile->values[ITEM_DEVICE_NAME], "laptop-17");
    assert_string_equal(profile->values[ITEM_LOCALE], "de-DE");
    assert_string_equal(profile->values[ITEM_DEVICE_TYPE], "CIMClient_Windows");
    assert_int_equal(strlen(profile->values[ITEM_DEVICE_ID]), 32);
    assert_int_equal(strlen(profile->values[ITEM_HW_DEVICE_ID]), 64);
    assert_null(strcasestr(profile->values[ITEM_DEVICE_ID], "0123456789abcdef"));
    assert_memory_not_equal(profile->values[ITEM_DEVICE_ID], profile->values[ITEM_HW_DEVICE_ID], 32);
    assert_null(profile->values[ITEM_MAC]);
    assert_null(profile->values[ITEM_SERIAL_NUMBER]);
    assert_false(profile->send_tpm_facts);
    device_profile_free(profile);
}

static void ids_are_stable_and_keyed(void **state)
{
    struct device_profile *profile = NULL;
    struct enroll_error error;

    (void)state;
    assert_int_equal(profile_read("", &profile, &error), ENROLL_OK);
    /* HMAC-SHA256(machine-id, application), as "openssl dgst -sha256 -mac HMAC" computes it. */
    assert_memory_equal(profile->values[ITEM_DEVICE_ID], "0AE886AC0CAB365962442979A342A3F3", 32);
    device_profile_free(profile);
}

static void every_value_can_be_given_or_left_out(void **state)
{
    struct device_profile *profile = NULL;
    struct enroll_error error;

    (void)state;
    assert_int_equal(
        profile_read("[device]\nDeviceType = WindowsPhone\nLocale =\nSendTPMFacts = True\nOSEdition = 48\n"
                     "EnrollmentType = Full\nMAC = 00-0C 00-0D\n",
                     &profile, &error),
        ENROLL_OK);
    assert_string_equal(profile->values[ITEM_DEVICE_TYPE], "WindowsPhone");
    assert_null(profile->values[ITEM_LOCALE]);
    assert_true(profile->send_tpm_facts);
    assert_string_equal(profile->values[ITEM_MAC], "00-0C 00-0D");
    device_profile_free(profile);
}

static void wrong_profile_names_file_and_key(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } rows[] = {
        {"Colour = red\n", "Colour"},
        {"OSEdition = forty\n", "OSEdition"},
        {"OSEdition = 4294967296\n", "OSEdition"},
        {"EnrollmentType = Half\n", "EnrollmentType"},
        {"UXInitiated = maybe\n", "UXInitiated"},
        {"OSVersion = 1..2\n", "OSVersion"},
        {"DeviceID = a b\n", "DeviceID"},
        {"DeviceID =\n", "DeviceID"},
        {"[tpm]\nOSEdition = 4\n", "[tpm]"},
        {"no equals sign\n", "line 1"},
        {"SendTPMFacts = 1\n", "SendTPMFacts"},
        {"OSEdition = 4\nOSEdition = 5\n", "line 2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct device_profile *profile = NULL;
        struct enroll_error error = {0};

        assert_int_equal(profile_read(rows[i].text, &profile, &error), ENROLL_CONFIGURATION);
        if (strstr(error.message, rows[i].words) == NULL || strstr(error.message, "test.conf") == NULL)
            fail_msg("%s: %s", rows[i].text, error.message);
    }
}

static void machine_without_an_id_needs_one_in_the_profile(void **state)
{
    struct profile_sources from = sources();
    struct device_profile *profile = NULL;
    struct enroll_error error = {0};

    (void)state;
    from.machine_id = "/nonexistent";
    assert_int_equal(device_profile_parse("", 0, "test.conf", &from, &profile, &error), ENROLL_CONFIGURATION);
    assert_non_null(strstr(error.message, "DeviceID"));
    assert_non_null(strstr(error.advice, "machine-id"));
    assert_int_equal(device_profile_read("/nonexistent/profile", &profile, &error), ENROLL_CONFIGURATION);
    assert_non_null(strstr(error.message, "/nonexistent/profile"));
}

/* ---- URLs ---- */

static void urls_that_may_be_used(void **state)
{
    static const char *const good[] = {"https://mdm.contoso.test/a?b=c", "https://mdm.contoso.test:8443/",
                                       "https://a.b."};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (url_refusal(good[i], NULL) != NULL)
            fail_msg("%s %s", good[i], url_refusal(good[i], NULL));
    assert_null(url_refusal("https://127.0.0.1:4443/x", "127.0.0.1"));
    assert_null(url_refusal("https://[::1]/x", "::1"));
    assert_null(url_refusal("https://LOCALHOST/x", "localhost"));
}

static void urls_that_may_not_be_used(void **state)
{
    static const struct {
        const char *url;
        const char *words;
    } rows[] = {
        {"http://mdm.contoso.test/", "not https"},
        {"ftp://mdm.contoso.test/", "not https"},
        {"file:///etc/passwd", "is n"},
        {"https://u:p@mdm.contoso.test/", "user information"},
        {"https://u@mdm.contoso.test/", "user information"},
        {"https://mdm.contoso.test/#x", "fragment"},
        {"https://10.0.0.1/", "IP address"},
        {"https://0x7f.1/", "IP address"},
        {"https://2130706433/", "IP address"},
        {"https://127.1/", "IP address"},
        {"https://[::1]/", "IP address"},
        {"https://[fe80::1%25eth0]/", "IP address"},
        {"https://169.254.169.254/", "IP address"},
        {"https://localhost/", "this machine"},
        {"https://x.localhost/", "this machine"},
        {"https://localhost./", "this machine"},
        {"https://intranet/", "local network"},
        {"https://a.b/ c", "characters"},
        {"https://a.b\\@c.d/", "characters"},
        {"https://a.b/\x01", "characters"},
        {"https://a.b/\xc3\xa4", "characters"},
        {"https://a%C2%9B31m.b/", "no host"},
        {"https://a%7F.b/", "no host"},
        {"", "is n"},
        {"mdm.contoso.test", "is n"},
        {"-x", "is n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *refusal = url_refusal(rows[i].url, NULL);

        if (refusal == NULL || strstr(refusal, rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].url, refusal != NULL ? refusal : "accepted");
    }
}

static void domains_are_told_apart_by_the_public_suffix_list(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        {"https://a.manage.microsoft.com/x", "https://b.c.microsoft.com:444/", true},
        {"https://mdm.contoso.test/", "https://contoso.test/", true},
        {"https://MDM.contoso.test/", "https://mdm.CONTOSO.test./", true},
        {"https://mdm.contoso.test/", "https://mdm.fabrikam.test/", false},
        {"https://a.example.co.uk/", "https://b.example.co.uk/", true},
        {"https://mdm.one.co.uk/", "https://mdm.two.co.uk/", false},
        {"https://one.azurewebsites.net/", "https://two.azurewebsites.net/", false},
        {"https://co.uk/", "https://one.co.uk/", false},
        {"https://10.0.0.1/", "https://10.0.0.1/", true},
        {"https://10.0.0.1/", "https://20.0.0.1/", false},
        {"https://[::1]/", "https://mdm.contoso.test/", false},
        {"nonsense", "nonsense", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (url_same_domain(rows[i].one, rows[i].other) != rows[i].same ||
            url_same_domain(rows[i].other, rows[i].one) != rows[i].same)
            fail_msg("%s %s", rows[i].one, rows[i].other);
}

static void discovery_address_follows_from_the_domain(void **state)
{
    static const char *const bad[] = {"",          "alice",     "alice@",    "alice@contoso",
                                      "a@.test",   "a@test.",   "a@x..y",    "a@x/y.z",
                                      "a@1.2.3.4", "a@-x.test", "a@x y.test"};
    char *url = url_discovery("al@ice@contoso.test");

    (void)state;
    assert_string_equal(url, "https://EnterpriseEnrollment.contoso.test/EnrollmentServer/Discovery.svc");
    free(url);
    url = url_discovery("contoso.test");
    assert_non_null(url);
    free(url);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(url_discovery(bad[i]));
}

static void parameters_are_added_with_the_right_sign(void **state)
{
    char *url = url_parameter_add("https://a.b/c", "x", "1 &2");

    (void)state;
    assert_string_equal(url, "https://a.b/c?x=1%20%262");
    free(url);
    url = url_parameter_add("https://a.b/c?d", "x", "1");
    assert_string_equal(url, "https://a.b/c?d&x=1");
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_this_machines_and_never_the_machine_id),
        cmocka_unit_test(ids_are_stable_and_keyed),
        cmocka_unit_test(every_value_can_be_given_or_left_out),
        cmocka_unit_test(wrong_profile_names_file_and_key),
        cmocka_unit_test(machine_without_an_id_needs_one_in_the_profile),
        cmocka_unit_test(urls_that_may_be_used),
        cmocka_unit_test(urls_that_may_not_be_used),
        cmocka_unit_test(domains_are_told_apart_by_the_public_suffix_list),
        cmocka_unit_test(discovery_address_follows_from_the_domain),
        cmocka_unit_test(parameters_are_added_with_the_right_sign),
    };

    return cmocka_run_group_tests_name("profile", tests, files_begin, files_end);
}
