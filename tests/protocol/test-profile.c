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
    assert_int_equal(device_profile_read("/nonexistent/profile", NULL, &profile, &error),
                     ENROLL_CONFIGURATION);
    assert_non_null(strstr(error.message, "/nonexistent/profile"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_this_machines_and_never_the_machine_id),
        cmocka_unit_test(ids_are_stable_and_keyed),
        cmocka_unit_test(every_value_can_be_given_or_left_out),
        cmocka_unit_test(wrong_profile_names_file_and_key),
        cmocka_unit_test(machine_without_an_id_needs_one_in_the_profile),
    };

    return cmocka_run_group_tests_name("profile", tests, files_begin, files_end);
}
