/* module/tpm/connection.c and transport_*.c: what cannot be reached is said, and nothing is printed. */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tpm-key-fixture.h"

/* The status of one command, with stdout and stderr caught; the test fails if anything was printed. */
static enum tpm_status reach_quietly(const char *tcti)
{
    char path[] = "/tmp/tpm-output-XXXXXX";
    int output = mkstemp(path), saved[2];
    struct tpm_lockout lockout;
    struct tpm *tpm = tpm_new(tcti);
    enum tpm_status status;
    struct stat file;

    assert_true(output >= 0);
    assert_non_null(tpm);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(i + 1);
        dup2(output, i + 1);
    }
    status = tpm_lockout_read(tpm, &lockout);
    tpm_free(tpm);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    assert_int_equal(fstat(output, &file), 0);
    assert_int_equal(file.st_size, 0);
    close(output);
    unlink(path);
    return status;
}

static void what_is_not_there_is_said_quietly(void **state)
{
    static const struct {
        const char *tcti;
        enum tpm_status status;
    } cases[] = {
        {"device:/dev/no-such-tpm", TPM_UNREACHABLE},
        {"swtpm:path=/tmp/no-such-socket", TPM_UNREACHABLE},
        {"swtpm:host=127.0.0.1,port=1", TPM_UNREACHABLE},
        {"mssim:host=127.0.0.1,port=1", TPM_UNREACHABLE},
        {"tabrmd:bus_type=session", TPM_UNREACHABLE},
        {"tabrmd:bus_name=com.example.NoSuchName,bus_type=system", TPM_UNREACHABLE},
        {"nosuch:thing", TPM_BAD_TCTI},
        {"cmd:true", TPM_BAD_TCTI},
        {"pcap", TPM_BAD_TCTI},
        {"../../tmp/evil", TPM_BAD_TCTI},
        {"", TPM_BAD_TCTI},
        {":x", TPM_BAD_TCTI},
        {"swtpm:path=", TPM_BAD_TCTI},
        {"swtpm:path=/a/name/that/is/far/too/long/for/a/unix/socket/address/which/has/room/for/one/hundred/"
         "and/seven/"
         "characters/only",
         TPM_BAD_TCTI},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (reach_quietly(cases[i].tcti) != cases[i].status)
            fail_msg("%s: %s", cases[i].tcti, tpm_status_text(reach_quietly(cases[i].tcti)));
}

/* A TPM's device is a character device; a command must not be written over somebody's file. */
static void a_file_is_not_a_device(void **state)
{
    char path[] = "/tmp/tpm-file-XXXXXX", tcti[64];
    int file = mkstemp(path);
    struct stat status;

    (void)state;
    assert_true(file >= 0);
    snprintf(tcti, sizeof(tcti), "device:%s", path);
    assert_int_equal(reach_quietly(tcti), TPM_BAD_TCTI);
    assert_int_equal(fstat(file, &status), 0);
    assert_int_equal(status.st_size, 0);
    close(file);
    unlink(path);
}

static void default_tcti_is_the_resource_manager(void **state)
{
    (void)state;
    if (access("/dev/tpmrm0", F_OK) == 0)
        skip();
    assert_int_equal(reach_quietly(NULL), TPM_UNREACHABLE);
    assert_int_equal(reach_quietly("device"), TPM_UNREACHABLE);
}

static void a_forbidden_device_is_said_quietly(void **state)
{
    char directory[] = "/tmp/tpm-forbidden-XXXXXX", tcti[64];
    pid_t child;
    int status;

    (void)state;
    assert_non_null(mkdtemp(directory)); /* mode 0700: nobody else gets in */
    snprintf(tcti, sizeof(tcti), "device:%s/tpm", directory);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
            _exit(100);
        if (access(directory, X_OK) == 0)
            _exit(101);
        _exit((int)reach_quietly(tcti));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    rmdir(directory);
    if (geteuid() != 0)
        skip();
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), TPM_PERMISSION);
}

/* A peer that answers each command with the bytes it was given, and hangs up. */
static pid_t liar_start(const char *path, const uint8_t *answer, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    child = fork();
    assert_true(child >= 0);
    while (child == 0) {
        int connection = accept(listener, NULL, NULL);
        uint8_t command[4096];

        if (read(connection, command, sizeof(command)) > 0 &&
            send(connection, answer, size, MSG_NOSIGNAL) < 0)
            _exit(1);
        close(connection);
    }
    close(listener);
    return child;
}

static void answers_that_are_none_are_refused(void **state)
{
    static const struct {
        uint8_t bytes[40];
        size_t size;
        enum tpm_status status;
    } answers[] = {
        {{0}, 0, TPM_UNREACHABLE},                                           /* hangs up */
        {{0x80, 0x01, 0, 0, 0, 10, 0, 0}, 8, TPM_UNREACHABLE},               /* cut off */
        {{0x80, 0x01, 0, 0, 0, 9, 0, 0, 0, 0}, 10, TPM_FAILED},              /* shorter than a header */
        {{0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 10, TPM_FAILED},  /* longer than any answer */
        {{0x80, 0x01, 0, 0, 0, 20, 0, 0, 0, 0}, 12, TPM_UNREACHABLE},        /* less than it says */
        {{0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0}, 10, TPM_FAILED},             /* success without an answer */
        {{0x80, 0x02, 0, 0, 0, 10, 0, 0, 0, 0}, 10, TPM_FAILED},             /* sessions nobody asked for */
        {{0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x01, 0, 0}, 12, TPM_FAILED}, /* an error with parameters */
        {{0x80, 0x01, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff}, 19, TPM_FAILED},
        {{0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x09, 0x09}, 10, TPM_CANCELED},
        {{0x80, 0x01, 0, 0, 0, 10, 0, 0x0b, 0x01, 0x43}, 10, TPM_UNSUPPORTED}, /* from a resource manager */
    };
    struct fixture *fixture = *state;
    char path[96], tcti[128];

    snprintf(path, sizeof(path), "%s/liar", fixture->simulator.directory);
    snprintf(tcti, sizeof(tcti), "swtpm:path=%s", path);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        pid_t liar = liar_start(path, answers[i].bytes, answers[i].size);
        enum tpm_status status = reach_quietly(tcti);

        kill(liar, SIGKILL);
        waitpid(liar, NULL, 0);
        if (status != answers[i].status)
            fail_msg("answer %zu: %s", i, tpm_status_text(status));
    }
}

/*
 * A character device that behaves as the kernel's do, one write a command and one read its response: a
 * terminal in raw mode, with the software TPM behind it.
 */
static int device_open(char *ret_path, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
    struct termios mode;

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    assert_int_equal(ptsname_r(master, ret_path, size), 0);
    slave = open(ret_path,
                 O_RDWR | O_NOCTTY | O_CLOEXEC); /* stays open: the terminal does not hang up in between */
    assert_true(slave >= 0);
    assert_int_equal(tcgetattr(slave, &mode), 0);
    cfmakeraw(&mode);
    assert_int_equal(tcsetattr(slave, TCSANOW, &mode), 0);
    return master;
}

static void device_serve(int master, const char *data)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uint8_t message[4096];
    ssize_t size;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", data);
    while ((size = read(master, message, sizeof(message))) > 0) {
        int tpm = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(tpm, (struct sockaddr *)&address, sizeof(address)) != 0 ||
            write(tpm, message, (size_t)size) != size || (size = read(tpm, message, sizeof(message))) <= 0 ||
            write(master, message, (size_t)size) != size)
            _exit(1);
        close(tpm);
    }
    _exit(0);
}

static void a_device_is_written_and_read(void **state)
{
    struct fixture *fixture = *state;
    char path[64], tcti[96];
    int master = device_open(path, sizeof(path));
    struct tpm_key key;
    struct tpm *tpm;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0)
        device_serve(master, fixture->simulator.data);
    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    snprintf(tcti, sizeof(tcti), "device:%s", path);
    tpm = tpm_new(tcti);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_sign(tpm, &key, NULL), TPM_OK);
    tpm_free(tpm);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(master);
    fixture_assert_nothing_left(fixture);
}

/* A child drops its context; the parent's still works. */
static void child_abandons_its_context(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key;
    int status;
    pid_t child;

    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tpm *tpm = tpm_new(fixture->simulator.tcti);

        tpm_abandon(fixture->tpm);
        tpm_abandon(NULL);
        _exit(tpm != NULL && fixture_sign(tpm, &key, NULL) == TPM_OK ? 0 : 1);
    }
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(fixture_sign(fixture->tpm, &key, NULL), TPM_OK);
    fixture_assert_nothing_left(fixture);
}

static atomic_bool printed_enough;

static void *print_on(void *context)
{
    while (!atomic_load(&printed_enough))
        if (write(STDERR_FILENO, "a message\n", 10) > 0)
            *(atomic_bool *)context = true;
    return NULL;
}

/* A daemon closed its stderr, and something in it prints all the same. */
static void what_a_program_prints_does_not_reach_the_tpm(void **state)
{
    struct fixture *fixture = *state;
    struct tpm_key key;
    int status;
    pid_t child;

    fixture_key_create(fixture, &request_p256, NULL, &key, NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct tpm *tpm = tpm_new(fixture->simulator.tcti);
        atomic_bool arrived = false;
        pthread_t printer;
        bool good = tpm != NULL;

        alarm(60);
        close(STDERR_FILENO);
        if (pthread_create(&printer, NULL, print_on, &arrived) != 0)
            _exit(2);
        for (int i = 0; i < 50 && good; i++)
            good = fixture_sign(tpm, &key, NULL) == TPM_OK;
        atomic_store(&printed_enough, true);
        pthread_join(printer, NULL);
        _exit(good && !arrived ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void every_status_has_a_sentence(void **state)
{
    (void)state;
    for (int status = TPM_OK; status <= TPM_FAILED + 1; status++) {
        const char *text = tpm_status_text((enum tpm_status)status);

        assert_non_null(text);
        assert_int_equal(text[strlen(text) - 1], '.');
    }
    tpm_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_said_quietly),
        cmocka_unit_test(a_file_is_not_a_device),
        cmocka_unit_test(default_tcti_is_the_resource_manager),
        cmocka_unit_test(a_forbidden_device_is_said_quietly),
        cmocka_unit_test(answers_that_are_none_are_refused),
        cmocka_unit_test(a_device_is_written_and_read),
        cmocka_unit_test(child_abandons_its_context),
        cmocka_unit_test(what_a_program_prints_does_not_reach_the_tpm),
        cmocka_unit_test(every_status_has_a_sentence),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
