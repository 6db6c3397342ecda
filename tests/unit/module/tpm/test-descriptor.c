/* module/tpm/connection.c: applications close every descriptor, and open their own at the same numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include "connection.h"
#include "descriptor.h"

/* A context as it is after a command over /dev/tpmrm0, with /dev/null in its place. */
static struct tpm *context_open(int *ret_descriptor)
{
    struct tpm *tpm = tpm_new(NULL);

    assert_non_null(tpm);
    *ret_descriptor = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(*ret_descriptor >= 0);
    tpm->transport = &tpm_transport_device;
    tpm->address = "/dev/tpmrm0";
    tpm_descriptor_remember(tpm, *ret_descriptor);
    assert_true(tpm->transport->is_open(tpm));
    return tpm;
}

static void a_descriptor_taken_away_is_neither_used_nor_closed(void **state)
{
    int descriptor, theirs;
    struct tpm *tpm = context_open(&descriptor);

    (void)state;
    assert_int_equal(close(descriptor), 0);
    theirs = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(theirs, descriptor);
    assert_false(tpm->transport->is_open(tpm));
    tpm_free(tpm);
    assert_int_not_equal(fcntl(theirs, F_GETFD), -1);
    close(theirs);
}

static void a_closed_descriptor_is_noticed(void **state)
{
    int descriptor;
    struct tpm *tpm = context_open(&descriptor);

    (void)state;
    assert_int_equal(close(descriptor), 0);
    assert_false(tpm->transport->is_open(tpm));
    assert_int_equal(tpm->descriptor, -1);
    tpm_free(tpm);
}

/* Else a child that outlives its parent would hold a TPM that serves one opener at a time. */
static void abandoned_context_closes_its_copy(void **state)
{
    int descriptor, theirs;
    struct tpm *tpm = context_open(&descriptor);

    (void)state;
    tpm_abandon(tpm);
    assert_int_equal(fcntl(descriptor, F_GETFD), -1);

    tpm = context_open(&descriptor);
    assert_int_equal(close(descriptor), 0);
    theirs = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_int_equal(theirs, descriptor);
    tpm_abandon(tpm);
    assert_int_not_equal(fcntl(theirs, F_GETFD), -1);
    close(theirs);
}

static void freed_context_closes_its_descriptor(void **state)
{
    int descriptor;
    struct tpm *tpm = context_open(&descriptor);

    (void)state;
    tpm_free(tpm);
    assert_int_equal(fcntl(descriptor, F_GETFD), -1);
}

static void only_shared_connections_are_kept(void **state)
{
    static const struct {
        const struct tpm_transport *transport;
        const char *tcti;
        bool kept;
    } cases[] = {
        {&tpm_transport_device, "device:/dev/tpmrm0", true},
        {&tpm_transport_device, "device:", true},
        {&tpm_transport_device, "device:/dev/tpmrm7", true},
        {&tpm_transport_device, "device:/dev/tpm0", false},
        {&tpm_transport_socket, "swtpm:path=/x", false},
        {&tpm_transport_tss, "tabrmd:bus_type=session", true},
        {&tpm_transport_tss, "mssim:", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tpm *tpm = tpm_new(cases[i].tcti);

        tpm->address = strchr(tpm->tcti, ':') + 1;
        assert_int_equal(cases[i].transport->keeps(tpm), cases[i].kept);
        tpm_free(tpm);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_taken_away_is_neither_used_nor_closed),
        cmocka_unit_test(a_closed_descriptor_is_noticed),
        cmocka_unit_test(abandoned_context_closes_its_copy),
        cmocka_unit_test(freed_context_closes_its_descriptor),
        cmocka_unit_test(only_shared_connections_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
