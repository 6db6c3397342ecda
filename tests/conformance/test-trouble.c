/* No TPM, another TPM, a TPM that comes back: the certificates stay visible, and no signature is a wrong one.
 */
#include "module-client.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
    assert_non_null(strstr(text, "(tpm_sign_ecdsa: "));
    assert_non_null(strstr(text, "0x00490001, cannot connect)"));
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

/* What an application's environment holds, in one string. */
static void environment_copy(char *ret_text, size_t size)
{
    size_t length = 0;
    for (char **variable = environ; *variable != NULL; variable++) {
        int written = snprintf(ret_text + length, size - length, "%p %s\n", (void *)*variable, *variable);
        assert_true(written > 0 && (size_t)written < size - length);
        length += (size_t)written;
    }
}

static void the_environment_stays_as_it_was(void **state)
{
    static char before[65536], after[65536];
    (void)state;
    char **vector = environ;
    environment_copy(before, sizeof before);
    initialize();
    CK_SESSION_HANDLE session = open_session(0);
    assert_rv(CKR_OK, try_to_sign(session, find_object(session, CKO_PRIVATE_KEY)));
    finalize();
    assert_ptr_equal(environ, vector);
    environment_copy(after, sizeof after);
    assert_string_equal(after, before);
}

/* From here on children: they are exec'd anew as this program, so that the module is loaded for the first
 * time. */

/* Loads the module and takes its table; NULL when that fails. */
static void *library_open(void)
{
    CK_C_GetFunctionList get_function_list = NULL;
    void *library = dlopen(getenv("INTUNE_TPM_MODULE"), RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return NULL;
    *(void **)&get_function_list = dlsym(library, "C_GetFunctionList");
    if (get_function_list == NULL || get_function_list(&p11) != CKR_OK)
        return NULL;
    return library;
}

/* Signs once; the module stays initialised. */
static bool child_signs(void)
{
    CK_SESSION_HANDLE session;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
    CK_OBJECT_HANDLE key;
    CK_ULONG found = 0, size = 512;
    uint8_t digest[32] = {5}, signature[512];

    return p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session) == CKR_OK &&
           p11->C_FindObjectsInit(session, &template, 1) == CKR_OK &&
           p11->C_FindObjects(session, &key, 1, &found) == CKR_OK && found == 1 &&
           p11->C_FindObjectsFinal(session) == CKR_OK && p11->C_SignInit(session, &ecdsa, key) == CKR_OK &&
           p11->C_Sign(session, digest, sizeof digest, signature, &size) == CKR_OK;
}

/* With C_Finalize and without it. */
static int child_unloads(void)
{
    for (int i = 0; i < 3; i++) {
        void *library = library_open();
        CK_RV rv;
        if (library == NULL)
            return 40;
        rv = p11->C_Initialize(NULL);
        /* the second time round nobody finalized before the unloading */
        if (rv != CKR_OK && !(i == 2 && rv == CKR_CRYPTOKI_ALREADY_INITIALIZED))
            return 41;
        if (!child_signs())
            return 42;
        if (i != 1 && p11->C_Finalize(NULL) != CKR_OK)
            return 43;
        if (dlclose(library) != 0)
            return 44;
    }
    return 0;
}

static void sign_and_finalize_at_exit(void)
{
    if (!child_signs())
        _exit(50);
    if (p11->C_Finalize(NULL) != CKR_OK)
        _exit(51);
    if (p11->C_Initialize(NULL) != CKR_OK || !child_signs() || p11->C_Finalize(NULL) != CKR_OK)
        _exit(52);
}

/* The handler is registered before the libraries' own and so runs after them. */
static int child_at_exit_late(void)
{
    if (atexit(sign_and_finalize_at_exit) != 0 || library_open() == NULL || p11->C_Initialize(NULL) != CKR_OK)
        return 45;
    return child_signs() ? 0 : 46;
}

/* And here before them. */
static int child_at_exit_early(void)
{
    if (library_open() == NULL || p11->C_Initialize(NULL) != CKR_OK || !child_signs())
        return 47;
    return atexit(sign_and_finalize_at_exit) == 0 ? 0 : 48;
}

static const struct {
    const char *name;
    int (*work)(void);
} children[] = {
    {"unloads", child_unloads}, {"at-exit-late", child_at_exit_late}, {"at-exit-early", child_at_exit_early}};

static void expect_child_good(const char *name)
{
    char program[256];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    int status = 0;
    assert_true(length > 0);
    program[length] = '\0';
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        execl(program, program, name, (char *)NULL);
        _exit(49);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: the child's status is 0x%x", name, status);
}

static void a_module_that_is_unloaded_can_be_loaded_again(void **state)
{
    const struct world *world = *state;
    expect_child_good("unloads");
    assert_int_equal(simulator_count(&world->simulator, "handles-loaded-session"), 0);
}

static void an_exit_handler_can_sign_and_finalize(void **state)
{
    (void)state;
    expect_child_good("at-exit-late");
    expect_child_good("at-exit-early");
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

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof children / sizeof children[0]; i++)
        if (strcmp(argv[1], children[i].name) == 0)
            return children[i].work();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tpm_that_goes_and_comes_back),
        cmocka_unit_test(another_tpm_is_refused),
        cmocka_unit_test(a_configuration_that_leads_nowhere),
        cmocka_unit_test(nothing_is_printed),
        cmocka_unit_test(the_environment_stays_as_it_was),
        cmocka_unit_test(a_module_that_is_unloaded_can_be_loaded_again),
        cmocka_unit_test(an_exit_handler_can_sign_and_finalize),
    };
    const struct CMUnitTest with_log[] = {
        cmocka_unit_test(a_tpm_that_goes_and_comes_back),
        cmocka_unit_test(another_tpm_is_refused),
        cmocka_unit_test(a_configuration_that_leads_nowhere),
        cmocka_unit_test(nothing_is_printed),
        cmocka_unit_test(the_environment_stays_as_it_was),
        cmocka_unit_test(a_module_that_is_unloaded_can_be_loaded_again),
        cmocka_unit_test(an_exit_handler_can_sign_and_finalize),
        cmocka_unit_test(the_log_says_why),
    };
    token_options = "--type ec --persistent";
    int failed = cmocka_run_group_tests_name("trouble, resident", with_log, begin, world_end);
    token_options = "--type ec";
    return failed + cmocka_run_group_tests_name("trouble, wrapped", tests, begin, world_end);
}
