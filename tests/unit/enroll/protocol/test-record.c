/* enroll/protocol: the record of an enrolment, and the table of protocols. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol.h"

static void a_record_reads_back_what_was_written(void **state)
{
    struct record written = {0}, read;
    (void)state;
    assert_true(record_set(&written, RECORD_ADDRESS, "user@contoso.test"));
    assert_true(record_set(&written, RECORD_SERVICE_NAME, "two\nlines\tand a tab"));
    assert_true(record_number_set(&written, RECORD_PERIOD, 17));
    assert_true(record_set(&written, RECORD_CA_FILE, "/etc/ca.pem")); /* a section that was begun before */
    assert_true(record_set(&written, "of-a-newer-version", "key", "kept"));
    char *text = record_format(&written);
    assert_non_null(text);
    assert_true(record_parse(text, strlen(text), &read));
    assert_string_equal(record_get(&read, RECORD_ADDRESS), "user@contoso.test");
    assert_string_equal(record_get(&read, RECORD_SERVICE_NAME), "two lines and a tab");
    assert_string_equal(record_get(&read, RECORD_CA_FILE), "/etc/ca.pem");
    assert_string_equal(record_get(&read, "of-a-newer-version", "key"), "kept");
    assert_int_equal(record_number(&read, RECORD_PERIOD, 42), 17);
    assert_null(record_get(&read, RECORD_USER));
    free(text);
    record_clear(&written);
    record_clear(&read);
    assert_false(record_parse("no form at all\n", 15, &read));
}

static void a_value_is_replaced_and_removed(void **state)
{
    struct record record = {0};
    (void)state;
    assert_true(record_set(&record, RECORD_USER, "a"));
    assert_true(record_set(&record, RECORD_USER, "b"));
    assert_string_equal(record_get(&record, RECORD_USER), "b");
    assert_true(record_set(&record, RECORD_USER, NULL));
    assert_null(record_get(&record, RECORD_USER));
    char *text = record_format(&record);
    assert_null(strstr(text, "user"));
    free(text);
    record_clear(&record);
}

static void numbers_that_are_none_are_the_default(void **state)
{
    static const char *const wrong[] = {"", "-1", "12x", "99999999999999999999999", " 5", "0x5"};
    struct record record = {0};
    (void)state;
    assert_int_equal(record_number(&record, RECORD_PERIOD, 5), 5);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_true(record_set(&record, RECORD_PERIOD, wrong[i]));
        assert_int_equal(record_number(&record, RECORD_PERIOD, 5), 5);
    }
    assert_true(record_set(&record, RECORD_PERIOD, "12"));
    assert_int_equal(record_number(&record, RECORD_PERIOD, 5), 12);
    record_clear(&record);
}

static void accepted_hosts_are_listed_once(void **state)
{
    struct record record = {0};
    char *storage;
    const char *hosts[RECORD_HOSTS_MAX + 1];
    (void)state;
    assert_true(record_host_accept(&record, "https://mdm.contoso.test:8443/Discovery.svc?x=1"));
    assert_true(record_host_accept(&record, "https://MDM.contoso.test/other"));
    assert_true(record_host_accept(&record, "https://[::1]:443/Enrollment.svc"));
    assert_true(record_host_accept(&record, "https://host.test.:8443/R"));
    assert_true(record_host_accept(&record, NULL));
    assert_string_equal(record_get(&record, RECORD_HOSTS), "mdm.contoso.test ::1 host.test");
    assert_true(record_hosts(&record, &storage, hosts));
    assert_string_equal(hosts[2], "host.test");
    assert_null(hosts[3]);
    free(storage);
    record_clear(&record);
}

static void a_record_without_a_protocol_is_of_ms_mde2(void **state)
{
    struct record record = {0};
    (void)state;
    assert_ptr_equal(protocol_of(&record), protocol_find("mde2"));
    assert_true(record_set(&record, RECORD_PROTOCOL, "of-a-newer-version"));
    assert_null(protocol_of(&record));
    record_clear(&record);
}

static void a_setting_that_protocols_share_is_listed_once(void **state)
{
    const struct setting *one, *other;
    (void)state;
    for (size_t i = 0; (one = protocol_setting_at(i)) != NULL; i++)
        for (size_t j = 0; j < i; j++) {
            other = protocol_setting_at(j);
            assert_string_not_equal(one->name, other->name);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_reads_back_what_was_written),
        cmocka_unit_test(a_value_is_replaced_and_removed),
        cmocka_unit_test(numbers_that_are_none_are_the_default),
        cmocka_unit_test(accepted_hosts_are_listed_once),
        cmocka_unit_test(a_record_without_a_protocol_is_of_ms_mde2),
        cmocka_unit_test(a_setting_that_protocols_share_is_listed_once),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
