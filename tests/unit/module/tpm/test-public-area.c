/* module/tpm/public_area.c and wire.h: public areas are read strictly, from outside bytes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <cmocka.h>

#include <tss2/tss2_mu.h>

#include "public_area.h"
#include "tpm-writer.h"

#define ATTRIBUTES 0x00040472U /* fixedTPM fixedParent sensitiveDataOrigin userWithAuth noDA sign */

struct form {
    uint16_t type, name_algorithm;
    uint32_t attributes;
    uint16_t symmetric, scheme;
    uint16_t bits_or_curve;
    uint32_t exponent; /* RSA */
    uint16_t kdf;      /* EC */
    size_t number_size;
    int tail; /* bytes after the end */
};

static const struct form rsa = {0x0001, 0x000b, ATTRIBUTES | 0x20000, 0x0010, 0x0010, 2048, 0, 0, 256, 0};
static const struct form ec = {0x0023, 0x000b, ATTRIBUTES, 0x0010, 0x0010, 0x0003, 0, 0x0010, 32, 0};

static size_t form_write(const struct form *form, uint8_t *blob, size_t capacity)
{
    struct tpm_writer writer = {.data = blob, .capacity = capacity};
    uint8_t number[600];
    size_t begin = tpm_write_sized_begin(&writer);

    memset(number, 0xc1, sizeof(number));
    tpm_write_u16(&writer, form->type);
    tpm_write_u16(&writer, form->name_algorithm);
    tpm_write_u32(&writer, form->attributes);
    tpm_write_u16(&writer, 0);
    tpm_write_u16(&writer, form->symmetric);
    if (form->symmetric != 0x0010) {
        tpm_write_u16(&writer, 128);
        tpm_write_u16(&writer, 0x0043);
    }
    tpm_write_u16(&writer, form->scheme);
    if (form->scheme != 0x0010)
        tpm_write_u16(&writer, 0x000b);
    tpm_write_u16(&writer, form->bits_or_curve);
    if (form->type == 0x0001)
        tpm_write_u32(&writer, form->exponent);
    else
        tpm_write_u16(&writer, form->kdf);
    tpm_write_sized(&writer, number, form->number_size);
    if (form->type != 0x0001)
        tpm_write_sized(&writer, number, form->number_size);
    for (int i = 0; i < form->tail; i++)
        tpm_write_u8(&writer, 0);
    tpm_write_sized_end(&writer, begin);
    assert_false(writer.failed);
    return writer.size;
}

static bool form_parses(const struct form *form)
{
    struct tpm_public_key key;
    uint8_t blob[TPM_BLOB_MAX], *exact;
    size_t size = form_write(form, blob, sizeof(blob));
    bool parsed;

    exact = malloc(size); /* a read past the end shows under AddressSanitizer */
    assert_non_null(exact);
    memcpy(exact, blob, size);
    parsed = tpm_public_parse(exact, size, &key);
    free(exact);
    return parsed;
}

static void signing_keys_are_read(void **state)
{
    struct tpm_public_key key;
    uint8_t blob[TPM_BLOB_MAX];
    size_t size = form_write(&rsa, blob, sizeof(blob));

    (void)state;
    assert_true(tpm_public_parse(blob, size, &key));
    assert_int_equal(key.type, TPM_KEY_RSA);
    assert_int_equal(key.bits, 2048);
    assert_int_equal(key.exponent, 65537);
    assert_int_equal(key.modulus[255], 0xc1);
    size = form_write(&ec, blob, sizeof(blob));
    assert_true(tpm_public_parse(blob, size, &key));
    assert_int_equal(key.type, TPM_KEY_EC);
    assert_int_equal(key.curve, TPM_CURVE_P256);
    assert_int_equal(key.bits, 256);
    assert_int_equal(key.y[31], 0xc1);
}

static void short_coordinates_are_padded(void **state)
{
    struct tpm_public_key key;
    uint8_t blob[TPM_BLOB_MAX];
    struct form form = ec;
    size_t size;

    (void)state;
    form.number_size = 30;
    size = form_write(&form, blob, sizeof(blob));
    assert_true(tpm_public_parse(blob, size, &key));
    assert_int_equal(key.x[0], 0);
    assert_int_equal(key.x[1], 0);
    assert_int_equal(key.x[2], 0xc1);
}

#define REFUSED(base, field, value)                                                                          \
    do {                                                                                                     \
        struct form form = base;                                                                             \
        assert_true(form_parses(&form));                                                                     \
        form.field = value;                                                                                  \
        assert_false(form_parses(&form));                                                                    \
    } while (0)

static void anything_else_is_refused(void **state)
{
    (void)state;
    REFUSED(rsa, type, 0x0008);                       /* keyed hash */
    REFUSED(rsa, name_algorithm, 0x000c);             /* SHA-384 */
    REFUSED(rsa, attributes, ATTRIBUTES & ~0x40000U); /* no sign */
    REFUSED(rsa, attributes, ATTRIBUTES & ~0x2U);     /* no fixedTPM */
    REFUSED(rsa, attributes, ATTRIBUTES & ~0x20U);    /* no sensitiveDataOrigin */
    REFUSED(rsa, attributes, ATTRIBUTES & ~0x40U);    /* no userWithAuth */
    REFUSED(rsa, attributes, ATTRIBUTES | 0x10000U);  /* restricted */
    REFUSED(rsa, symmetric, 0x0006);
    REFUSED(rsa, scheme, 0x0014);
    REFUSED(rsa, bits_or_curve, 2049);
    REFUSED(rsa, bits_or_curve, 512);
    REFUSED(rsa, bits_or_curve, 4104);
    REFUSED(rsa, exponent, 65536);
    REFUSED(rsa, exponent, 1);
    REFUSED(rsa, number_size, 255);
    REFUSED(rsa, number_size, 257);
    REFUSED(rsa, number_size, 513);
    REFUSED(rsa, number_size, 0);
    REFUSED(rsa, tail, 1);
    REFUSED(ec, type, 0x0025);
    REFUSED(ec, bits_or_curve, 0x0010); /* BN P-256 */
    REFUSED(ec, bits_or_curve, 0);
    REFUSED(ec, kdf, 0x0022);
    REFUSED(ec, number_size, 0);
    REFUSED(ec, number_size, 33);
    REFUSED(ec, tail, 3);
}

static void every_cut_is_refused(void **state)
{
    const struct form *const forms[] = {&rsa, &ec};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t blob[TPM_BLOB_MAX];
        size_t size = form_write(forms[i], blob, sizeof(blob));
        struct tpm_public_key key;

        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *exact = malloc(cut + 1);

            memcpy(exact, blob, cut);
            assert_false(tpm_public_parse(exact, cut, &key));
            if (cut >= 2) { /* the same, with a size that says so */
                exact[0] = (uint8_t)((cut - 2) >> 8);
                exact[1] = (uint8_t)(cut - 2);
                assert_false(tpm_public_parse(exact, cut, &key));
            }
            free(exact);
        }
    }
}

static void the_storage_root_is_recognised(void **state)
{
    struct tpm_public_area area;
    uint8_t blob[TPM_BLOB_MAX];
    struct form form = ec;
    size_t size;

    (void)state;
    form.attributes = 0x00030472; /* TCG storage root key */
    form.symmetric = 0x0006;
    size = form_write(&form, blob, sizeof(blob));
    assert_true(tpm_public_area_parse(blob, size, &area));
    assert_true(tpm_public_area_is_storage_root(&area));
    size = form_write(&ec, blob, sizeof(blob));
    assert_true(tpm_public_area_parse(blob, size, &area));
    assert_false(tpm_public_area_is_storage_root(&area));
}

/* What tss2-mu makes of a public area is, marshalled again, the same bytes. */
static void decoded_areas_are_the_same_bytes(void **state)
{
    const struct form *const forms[] = {&rsa, &ec};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        uint8_t blob[TPM_BLOB_MAX], again[TPM_BLOB_MAX];
        size_t size = form_write(forms[i], blob, sizeof(blob)), offset = 0;
        TPM2B_PUBLIC decoded;

        assert_true(tpm_public_area_decode(blob, size, &decoded));
        assert_int_equal(Tss2_MU_TPM2B_PUBLIC_Marshal(&decoded, again, sizeof(again), &offset),
                         TSS2_RC_SUCCESS);
        assert_int_equal(offset, size);
        assert_memory_equal(again, blob, size);
        assert_false(tpm_public_area_decode(blob, size - 1, &decoded));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signing_keys_are_read),          cmocka_unit_test(short_coordinates_are_padded),
        cmocka_unit_test(anything_else_is_refused),       cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(the_storage_root_is_recognised), cmocka_unit_test(decoded_areas_are_the_same_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
