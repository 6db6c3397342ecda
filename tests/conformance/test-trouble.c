/* No TPM, another TPM, a TPM that comes back: the certificates stay visible, and no signature is a wrong one.
 */
#include "module-client.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};

static CK_RV try_to_sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    uint8_t digest[32] = {5}, signature[512];
    CK_ULONG size = sizeof signature;
    assert_rv(CKR_OK, p11->C_SignInit(session, &ecdsa, key));
    return p11->C_Sign(session, digest, sizeof digest, signature, &size);
}

static void expect_visible(CK_SESSION_HANDLE session)
{
    assert_int_equal(count_objects(session, NULL, 0), 5);
    find_object(session, CKO_CERTIFICATE);
}

static bool is_trouble(CK_RV rv)
{
    return rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_REMOVED;
}

static void a_tpm_that_goes_and_comes_back(void **state)
{
    struct world *world = *state;
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    assert_rv(CKR_OK, try_to_sign(session, key));
    simulator_stop(&world->simulator);
    assert_true(is_trouble(try_to_sign(session, key)));
    expect_visible(session);
    assert_true(is_trouble(try_to_sign(session, key)));
    simulator_restart(&world->simulator);
    assert_rv(CKR_OK, try_to_sign(session, key));
    simulator_reset(&world->simulator);
    assert_rv(CKR_OK, try_to_sign(session, key));
    finalize();
}

/* Another TPM at the same address: the key is not its, the persistent handle is empty or somebody else's. */
static void another_tpm_is_refused(void **state)
{
    struct world *world = *state;
    struct simulator other;
    simulator_start(&other);
    assert_int_equal(setenv("INTUNE_TPM_TCTI", other.tcti, 1), 0);
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    CK_OBJECT_HANDLE key = find_object(session, CKO_PRIVATE_KEY);
    assert_true(is_trouble(try_to_sign(session, key)));
    expect_visible(session);
    finalize();
    assert_int_equal(setenv("INTUNE_TPM_TCTI", world->simulator.tcti, 1), 0);
    simulator_remove(&other);
}

static void a_configuration_that_leads_nowhere(void **state)
{
    static const char *const tctis[] = {"device:/dev/no-such-tpm", "device:/dev/null", "nothing:at-all",
                                        "swtpm:path=/", ":"};
    const struct world *world = *state;
    for (size_t i = 0; i < sizeof tctis / sizeof tctis[0]; i++) {
        assert_int_equal(setenv("INTUNE_TPM_TCTI", tctis[i], 1), 0);
        initialize();
        CK_SESSION_HANDLE session = open_session(0);
        CK_RV rv = try_to_sign(session, find_object(session, CKO_PRIVATE_KEY));
        if (!is_trouble(rv))
            fail_msg("%s: 0x%lx", tctis[i], rv);
        expect_visible(session);
        finalize();
    }
    assert_int_equal(setenv("INTUNE_TPM_TCTI", world->simulator.tcti, 1), 0);
}

/* The log is asked for, and then says what the return value cannot. */
static void the_log_says_why(void **state)
{
    const struct world *world = *state;
    char path[256], text[4096];
    snprintf(path, sizeof path, "%s/log", world->simulator.directory);
    /* the name is taken once in a process */
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    assert_non_null(strstr(text, "ECDSA signature: "));
}

/* Neither stdout nor stderr is the module's. */
static void nothing_is_printed(void **state)
{
    const struct world *world = *state;
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s/output", world->simulator.directory);
    fflush(NULL);
    int saved_output = dup(1), saved_error = dup(2);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    dup2(file, 1);
    dup2(file, 2);
    CK_RV rv[3] = {CKR_OK, CKR_OK, CKR_OK};
    static const char *const tctis[] = {"device:/dev/no-such-tpm", "nothing:at-all", "swtpm:path=/no/such"};
    for (size_t i = 0; i < 3; i++) {
        setenv("INTUNE_TPM_TCTI", tctis[i], 1);
        initialize();
        CK_SESSION_HANDLE session = open_session(0);
        rv[i] = try_to_sign(session, find_object(session, CKO_PRIVATE_KEY));
        finalize();
    }
    fflush(NULL);
    dup2(saved_output, 1);
    dup2(saved_error, 2);
    close(saved_output);
    close(saved_error);
    assert_int_equal(fstat(file, &status), 0);
    close(file);
    setenv("INTUNE_TPM_TCTI", world->simulator.tcti, 1);
    for (size_t i = 0; i < 3; i++)
        assert_true(is_trouble(rv[i]));
    assert_int_equal(status.st_size, 0);
}

static const char *token_options;

static int begin(void **state)
{
    char path[256];
    world_begin(state);
    world_make_token(*state, token_options);
    const struct world *world = *state;
    snprintf(path, sizeof path, "%s/log", world->simulator.directory);
    assert_int_equal(setenv("INTUNE_TPM_LOG", path, 0), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tpm_that_goes_and_comes_back),
        cmocka_unit_test(another_tpm_is_refused),
        cmocka_unit_test(a_configuration_that_leads_nowhere),
        cmocka_unit_test(nothing_is_printed),
    };
    const struct CMUnitTest with_log[] = {
        cmocka_unit_test(a_tpm_that_goes_and_comes_back),
        cmocka_unit_test(another_tpm_is_refused),
        cmocka_unit_test(a_configuration_that_leads_nowhere),
        cmocka_unit_test(nothing_is_printed),
        cmocka_unit_test(the_log_says_why),
    };
    token_options = "--type ec --persistent";
    int failed = cmocka_run_group_tests_name("trouble, resident", with_log, begin, world_end);
    token_options = "--type ec";
    return failed + cmocka_run_group_tests_name("trouble, wrapped", tests, begin, world_end);
}
