/* module/token/configuration.c, built to read test.conf of the present directory. */
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

#include "configuration.h"
#include "tpm.h"

static char directory[] = "/tmp/test-configuration.XXXXXX";

static void write_configuration(const char *text)
{
    FILE *file = fopen(configuration_path(), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void expect_tcti(const char *expected)
{
    char tcti[CONFIGURATION_TCTI_MAX];
    assert_true(configuration_tcti(tcti, sizeof tcti));
    assert_string_equal(tcti, expected);
}

static void without_a_file_the_default_is_taken(void **state)
{
    (void)state;
    expect_tcti(TPM_TCTI_DEFAULT);
}

static void the_file_comes_before_the_default(void **state)
{
    (void)state;
    write_configuration("[tpm]\ntcti = device:/dev/tpm7\n");
    expect_tcti("device:/dev/tpm7");
    write_configuration("[tpm]\ntcti =\n");
    expect_tcti(TPM_TCTI_DEFAULT);
    write_configuration("[enroll]\ntcti = elsewhere\n");
    expect_tcti(TPM_TCTI_DEFAULT);
}

static void the_environment_comes_first(void **state)
{
    (void)state;
    write_configuration("[tpm]\ntcti = device:/dev/tpm7\n");
    setenv("INTUNE_TPM_TCTI", "swtpm:path=/x", 1);
    expect_tcti("swtpm:path=/x");
    setenv("INTUNE_TPM_TCTI", "", 1);
    expect_tcti("device:/dev/tpm7");
    unsetenv("INTUNE_TPM_TCTI");
}

/* Another TPM than the one that was configured must not be taken silently. */
static void a_file_that_cannot_be_read_is_no_default(void **state)
{
    char tcti[CONFIGURATION_TCTI_MAX];
    (void)state;
    write_configuration("[tpm\ntcti = device:/dev/tpm7\n");
    assert_false(configuration_tcti(tcti, sizeof tcti));
    unlink(configuration_path());
    assert_int_equal(mkdir(configuration_path(), 0700), 0);
    assert_false(configuration_tcti(tcti, sizeof tcti));
    assert_int_equal(rmdir(configuration_path()), 0);
    write_configuration("[tpm]\ntcti = device:/dev/tpm7\n");
    assert_false(configuration_tcti(tcti, 8));
}

static int begin(void **state)
{
    (void)state;
    unsetenv("INTUNE_TPM_TCTI");
    return mkdtemp(directory) == NULL || chdir(directory) != 0;
}

static int end(void **state)
{
    (void)state;
    unlink(configuration_path());
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_default_is_taken),
        cmocka_unit_test(the_file_comes_before_the_default),
        cmocka_unit_test(the_environment_comes_first),
        cmocka_unit_test(a_file_that_cannot_be_read_is_no_default),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
