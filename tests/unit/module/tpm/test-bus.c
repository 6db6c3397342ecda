/*
 * module/tpm/session.c and verify_signature.c with somebody on the bus, who reads every byte and changes the
 * TPM's answers: a PIN is never seen, and nothing that was changed is believed.
 */
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "tpm-key-fixture.h"

#define SIGN               0x15d
#define CREATE             0x153
#define OBJECT_CHANGE_AUTH 0x150
#define START_AUTH_SESSION 0x176

/* Shared with the eavesdropper. */
struct bus {
    atomic_int code;     /* the command whose successful answer is changed, 0 for none */
    atomic_int from_end; /* which byte, counted from the answer's end */
    uint8_t needles[2][TPM_AUTH_SIZE];
    atomic_int commands; /* seen */
    atomic_int needles_seen;
};

static struct bus *bus;

static uint32_t number_at(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static size_t message_read(int descriptor, uint8_t message[4096])
{
    size_t size = 0;

    while (size < 10 || size < number_at(message + 2)) {
        ssize_t done = read(descriptor, message + size, 4096 - size);

        if (done <= 0)
            return 0;
        size += (size_t)done;
    }
    return size;
}

static void listen_in(const uint8_t *message, size_t size)
{
    for (size_t i = 0; i < 2; i++)
        if (memmem(message, size, bus->needles[i], TPM_AUTH_SIZE / 2) != NULL)
            bus->needles_seen++;
}

static void connection_serve(int client, const struct sockaddr_un *tpm_address)
{
    int tpm = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    uint8_t command[4096], answer[4096];
    size_t size;

    if (connect(tpm, (const struct sockaddr *)tpm_address, sizeof(*tpm_address)) != 0)
        _exit(1);
    while ((size = message_read(client, command)) > 0) {
        bus->commands++;
        listen_in(command, size);
        if (write(tpm, command, size) != (ssize_t)size || (size = message_read(tpm, answer)) == 0)
            break;
        listen_in(answer, size);
        if ((int)number_at(command + 6) == bus->code && number_at(answer + 6) == 0)
            answer[size - (size_t)bus->from_end] ^= 0x10;
        if (send(client, answer, size, MSG_NOSIGNAL) != (ssize_t)size)
            break;
    }
    close(tpm);
    close(client);
}

static pid_t bus_start(const struct simulator *simulator, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX}, tpm_address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    snprintf(tpm_address.sun_path, sizeof(tpm_address.sun_path), "%s", simulator->data);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 4), 0);
    bus = mmap(NULL, sizeof(*bus), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(bus, MAP_FAILED);
    memset(bus->needles, 0xa5, sizeof(bus->needles));
    child = fork();
    assert_true(child >= 0);
    while (child == 0) /* until it is killed */
        connection_serve(accept(listener, NULL, NULL), &tpm_address);
    close(listener);
    return child;
}

struct bus_fixture {
    struct fixture fixture; /* its TCTI is tabrmd */
    pid_t child;
};

static int bus_setup(void **state)
{
    struct bus_fixture *fixture = calloc(1, sizeof(*fixture));
    char path[96], tcti[128];

    assert_non_null(fixture);
    simulator_start(&fixture->fixture.simulator);
    snprintf(path, sizeof(path), "%s/bus", fixture->fixture.simulator.directory);
    snprintf(tcti, sizeof(tcti), "swtpm:path=%s", path);
    fixture->child = bus_start(&fixture->fixture.simulator, path);
    fixture->fixture.tpm = tpm_new(tcti);
    *state = fixture;
    return 0;
}

static int bus_teardown(void **state)
{
    struct bus_fixture *fixture = *state;

    tpm_free(fixture->fixture.tpm);
    kill(fixture->child, SIGKILL);
    waitpid(fixture->child, NULL, 0);
    munmap(bus, sizeof(*bus));
    simulator_remove(&fixture->fixture.simulator);
    free(fixture);
    return 0;
}

static void a_pin_is_never_on_the_bus(void **state)
{
    struct fixture *fixture = &((struct bus_fixture *)*state)->fixture;
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {1};
    const struct tpm_key_request *const requests[] = {&request_p256, &request_rsa_2048};
    int before = bus->commands;

    for (size_t i = 0; i < 2; i++)
        for (int resident = 0; resident < 2; resident++) {
            struct tpm_auth auth, new_auth;
            struct tpm_key key, changed;

            assert_true(tpm_auth_derive((const uint8_t *)"old one", 7, salt, &auth));
            assert_true(tpm_auth_derive((const uint8_t *)"new one", 7, salt, &new_auth));
            memcpy(bus->needles[0], auth.value, TPM_AUTH_SIZE);
            memcpy(bus->needles[1], new_auth.value, TPM_AUTH_SIZE);
            assert_int_equal(tpm_key_create(fixture->tpm, requests[i], &auth, salt, &key), TPM_OK);
            if (resident)
                assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
            assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
            assert_int_equal(fixture_sign(fixture->tpm, &key, &auth), TPM_OK);
            assert_int_equal(tpm_key_change_auth(fixture->tpm, &key, &auth, &new_auth, salt, &changed),
                             TPM_OK);
            assert_int_equal(fixture_sign(fixture->tpm, &changed, &new_auth), TPM_OK);
            assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
        }
    assert_true(bus->commands - before > 50);
    assert_int_equal(bus->needles_seen, 0);
}

/* The eavesdropper does hear what is said in clear. */
static void the_eavesdropper_hears(void **state)
{
    struct fixture *fixture = &((struct bus_fixture *)*state)->fixture;
    uint8_t block[TPM_RSA_MAX] = {0, 1}, result[TPM_RSA_MAX];
    struct tpm_key key;

    fixture_key_create(fixture, &request_rsa_2048, NULL, &key, NULL);
    memset(block + 100, 0x33, TPM_AUTH_SIZE);
    memset(bus->needles[0], 0x33, TPM_AUTH_SIZE);
    assert_int_equal(tpm_rsa_private(fixture->tpm, &key, NULL, block, result), TPM_OK);
    assert_true(bus->needles_seen > 0);
    bus->needles_seen = 0;
    memset(bus->needles[0], 0xa5, TPM_AUTH_SIZE);
}

static void a_changed_signature_is_kept_back(void **state)
{
    struct fixture *fixture = &((struct bus_fixture *)*state)->fixture;
    const struct tpm_key_request *const requests[] = {&request_p256, &request_rsa_2048, &request_p384};

    for (size_t i = 0; i < 3; i++)
        for (int with_pin = 0; with_pin < 2; with_pin++)
            for (int resident = 0; resident < 2; resident++) {
                struct tpm_auth auth;
                struct tpm_key key;

                fixture_key_create(fixture, requests[i], with_pin ? "4711" : NULL, &key, &auth);
                if (resident)
                    assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
                bus->code = SIGN;
                bus->from_end = with_pin ? 90 : 20; /* in the signature, before the authorization */
                assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_FAILED);
                bus->code = 0;
                assert_int_equal(fixture_sign(fixture->tpm, &key, with_pin ? &auth : NULL), TPM_OK);
                assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
            }
    fixture_assert_nothing_left(fixture);
}

/* Every byte of a session's answers counts: the HMAC covers it, or it is the HMAC. */
static void a_changed_session_is_not_believed(void **state)
{
    struct fixture *fixture = &((struct bus_fixture *)*state)->fixture;
    const uint8_t salt[TPM_PIN_SALT_SIZE] = {1};
    struct tpm_auth auth;
    struct tpm_key key, changed;
    struct tpm_lockout lockout;

    fixture_key_create(fixture, &request_p256, "4711", &key, &auth);
    assert_int_equal(tpm_key_persist(fixture->tpm, &key, &key.persistent_handle), TPM_OK);
    bus->code = OBJECT_CHANGE_AUTH;
    for (int i = 1; i < 120; i++) {
        bus->from_end = i;
        assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_FAILED);
        assert_int_equal(tpm_key_change_auth(fixture->tpm, &key, &auth, &auth, salt, &changed), TPM_FAILED);
    }
    bus->code = 0;
    assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_OK);
    assert_int_equal(tpm_lockout_read(fixture->tpm, &lockout), TPM_OK);
    assert_int_equal(lockout.failures, 0);
    /* A changed nonce makes another session key: the TPM itself refuses. */
    bus->code = START_AUTH_SESSION;
    bus->from_end = 1;
    assert_int_equal(tpm_auth_check(fixture->tpm, &key, &auth), TPM_AUTH_FAILED);
    bus->code = CREATE;
    bus->from_end = 1;
    assert_int_equal(tpm_key_create(fixture->tpm, &request_p256, &auth, salt, &changed), TPM_FAILED);
    bus->code = 0;
    assert_int_equal(tpm_key_evict(fixture->tpm, &key), TPM_OK);
    fixture_assert_nothing_left(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pin_is_never_on_the_bus),
        cmocka_unit_test(the_eavesdropper_hears),
        cmocka_unit_test(a_changed_signature_is_kept_back),
        cmocka_unit_test(a_changed_session_is_not_believed),
    };

    return cmocka_run_group_tests(tests, bus_setup, bus_teardown);
}
