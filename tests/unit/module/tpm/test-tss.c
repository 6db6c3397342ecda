/*
 * tss2-sys over module/tpm/tcti.c with a TPM that lies: nothing is printed and nothing is believed. The last
 * test is why module/tpm reads the lists of TPM2_GetCapability itself.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

#include <tss2/tss2_mu.h>

#include "connection.h"
#include "tpm-writer.h"

static const uint8_t *lie;
static size_t lie_size;
static unsigned sent;

static uint32_t fake_open(struct tpm *tpm)
{
    tpm->descriptor = 0;
    return TPM2_RC_SUCCESS;
}

static bool fake_is_open(struct tpm *tpm)
{
    return tpm->descriptor == 0;
}

static uint32_t fake_transmit(struct tpm *tpm, const uint8_t *command, size_t size)
{
    (void)tpm;
    assert_true(size >= TPM_HEADER_SIZE);
    assert_int_equal((size_t)command[4] << 8 | command[5], size);
    sent++;
    return TPM2_RC_SUCCESS;
}

static uint32_t fake_receive(struct tpm *tpm, uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size)
{
    (void)tpm;
    memcpy(ret_response, lie, lie_size);
    *ret_size = lie_size;
    return TPM2_RC_SUCCESS;
}

static void fake_close(struct tpm *tpm)
{
    tpm->descriptor = -1;
}

static bool fake_keeps(const struct tpm *tpm)
{
    (void)tpm;
    return true;
}

static const struct tpm_transport fake_transport = {.name = "fake",
                                                    .open = fake_open,
                                                    .is_open = fake_is_open,
                                                    .transmit = fake_transmit,
                                                    .receive = fake_receive,
                                                    .close = fake_close,
                                                    .keeps = fake_keeps};

/* What a call prints to stderr is counted. */
static int stderr_saved;
static FILE *stderr_file;

static void stderr_catch(void)
{
    fflush(stderr);
    stderr_file = tmpfile();
    assert_non_null(stderr_file);
    stderr_saved = dup(STDERR_FILENO);
    assert_true(stderr_saved >= 0);
    assert_true(dup2(fileno(stderr_file), STDERR_FILENO) >= 0);
}

static long stderr_release(void)
{
    fflush(stderr);
    long size = (long)lseek(STDERR_FILENO, 0, SEEK_END);
    assert_true(dup2(stderr_saved, STDERR_FILENO) >= 0);
    close(stderr_saved);
    fclose(stderr_file);
    return size;
}

static void lies_print_nothing_and_fail(void **state)
{
    /* tag, size, code, parameters of TPM2_GetCapability */
    static const struct {
        const char *what;
        uint8_t bytes[40];
        size_t size;
    } lies[] = {
        {"nothing but a tag", {0x80, 0x01}, 2},
        {"unknown tag", {0x12, 0x34, 0, 0, 0, 10, 0, 0, 0, 0}, 10},
        {"longer than it is", {0x80, 0x01, 0, 0, 0x10, 0, 0, 0, 0, 0}, 10},
        {"longer than any", {0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, 10},
        {"shorter than a header", {0x80, 0x01, 0, 0, 0, 4, 0, 0, 0, 0}, 10},
        {"a code of this library", {0x80, 0x01, 0, 0, 0, 10, 0, 0x49, 0, 1}, 10},
        {"a failure with parameters", {0x80, 0x01, 0, 0, 0, 12, 0, 0, 1, 1, 7, 7}, 12},
        {"a TPM 1.2", {0x00, 0xc4, 0, 0, 0, 10, 0, 0, 0, 0x1e}, 10},
        {"sessions without any", {0x80, 0x02, 0, 0, 0, 14, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 14},
        {"no parameters", {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0, 0}, 10},
        {"too many properties",
         {0x80, 0x01, 0, 0, 0, 19, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff},
         19},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct tpm *tpm = tpm_new(NULL);
        struct tpm_lockout lockout;

        assert_non_null(tpm);
        tpm->transport = &fake_transport;
        lie = lies[i].bytes;
        lie_size = lies[i].size;
        sent = 0;
        stderr_catch();
        enum tpm_status status = tpm_lockout_read(tpm, &lockout);
        long printed = stderr_release();
        if (status == TPM_OK || printed != 0 || sent == 0)
            fail_msg("%s: status %d, %ld bytes on stderr, %u commands", lies[i].what, (int)status, printed,
                     sent);
        tpm_free(tpm);
    }
}

/* tss2-mu of 4.x prints about a selector of a union that it does not know. */
static void unknown_selectors_print_nothing(void **state)
{
    uint8_t blob[128];
    struct tpm_writer writer = {.data = blob, .capacity = sizeof(blob)};
    uint8_t number[32];
    struct tpm_public_key key;

    (void)state;
    memset(number, 0xc1, sizeof(number));
    size_t begin = tpm_write_sized_begin(&writer);
    tpm_write_u16(&writer, TPM2_ALG_ECC);
    tpm_write_u16(&writer, TPM2_ALG_SHA256);
    tpm_write_u32(&writer, 0x00040472); /* fixedTPM fixedParent sensitiveDataOrigin userWithAuth noDA sign */
    tpm_write_u16(&writer, 0);
    tpm_write_u16(&writer, TPM2_ALG_NULL);
    tpm_write_u16(&writer, TPM2_ALG_NULL);
    tpm_write_u16(&writer, TPM2_ECC_NIST_P256);
    tpm_write_u16(&writer, TPM2_ALG_NULL);
    tpm_write_sized(&writer, number, sizeof(number));
    tpm_write_sized(&writer, number, sizeof(number));
    tpm_write_sized_end(&writer, begin);
    assert_true(tpm_public_parse(blob, writer.size, &key));
    for (size_t i = 0; i < writer.size; i++) {
        const uint8_t kept = blob[i];

        blob[i] ^= 0x12;
        stderr_catch();
        bool parsed = tpm_public_parse(blob, writer.size, &key);
        long printed = stderr_release();
        blob[i] = kept;
        if (printed != 0)
            fail_msg("byte %zu: %ld bytes on stderr, parsed %d", i, printed, (int)parsed);
    }
}

static void tss_prints_about_long_lists(void **state)
{
    static const uint8_t list[] = {0, 0, 0, 6, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    TPMS_CAPABILITY_DATA data;
    size_t offset = 0;

    (void)state;
    unsetenv("TSS2_LOG");
    stderr_catch();
    TSS2_RC rc = Tss2_MU_TPMS_CAPABILITY_DATA_Unmarshal(list, sizeof(list), &offset, &data);
    long printed = stderr_release();
    assert_int_not_equal(rc, TSS2_RC_SUCCESS);
    assert_true(printed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lies_print_nothing_and_fail),
                                       cmocka_unit_test(unknown_selectors_print_nothing),
                                       cmocka_unit_test(tss_prints_about_long_lists)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
