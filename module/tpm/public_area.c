#include "public_area.h"

#include <string.h>

#define DEVICE_ATTRIBUTES                                                                                    \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |                      \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT)
#define STORAGE_ATTRIBUTES                                                                                   \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |                      \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define RSA_EXPONENT_DEFAULT 65537U
#define POLICY_MAX           64

static const struct {
    enum tpm_curve curve;
    uint16_t identifier;
    unsigned bits;
} curves[] = {
    {TPM_CURVE_P256, TPM2_ECC_NIST_P256, 256},
    {TPM_CURVE_P384, TPM2_ECC_NIST_P384, 384},
    {TPM_CURVE_P521, TPM2_ECC_NIST_P521, 521},
};
#define CURVE_COUNT (sizeof(curves) / sizeof(curves[0]))

uint16_t tpm_curve_identifier(enum tpm_curve curve)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (curves[i].curve == curve)
            return curves[i].identifier;
    return 0;
}

unsigned tpm_curve_bits(enum tpm_curve curve)
{
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (curves[i].curve == curve)
            return curves[i].bits;
    return 0;
}

static void symmetric_parse(struct tpm_reader *reader, struct tpm_public_area *area)
{
    uint16_t algorithm = tpm_read_u16(reader);

    if (algorithm == TPM2_ALG_NULL)
        return;
    if (algorithm != TPM2_ALG_AES || tpm_read_u16(reader) != 128 || tpm_read_u16(reader) != TPM2_ALG_CFB)
        reader->failed = true;
    area->is_storage = true;
}

/* A scheme of the key's own would be followed by a hash; no key of ours and no storage key has one. */
static void scheme_parse(struct tpm_reader *reader, struct tpm_public_area *area)
{
    if (tpm_read_u16(reader) == TPM2_ALG_NULL)
        return;
    (void)tpm_read_u16(reader);
    area->has_scheme = true;
}

static void rsa_parse(struct tpm_reader *reader, struct tpm_public_area *area)
{
    struct tpm_public_key *key = &area->key;
    const uint8_t *modulus;
    size_t size;

    key->type = TPM_KEY_RSA;
    key->bits = tpm_read_u16(reader);
    key->exponent = tpm_read_u32(reader);
    if (key->exponent == 0)
        key->exponent = RSA_EXPONENT_DEFAULT;
    modulus = tpm_read_sized(reader, sizeof(key->modulus), &size);
    if (key->bits < 1024 || key->bits > 8 * TPM_RSA_MAX || key->bits % 8 != 0 || key->exponent % 2 == 0 ||
        key->exponent == 1 || modulus == NULL || size != key->bits / 8 || (modulus[0] & 0x80) == 0 ||
        modulus[size - 1] % 2 == 0) {
        reader->failed = true;
        return;
    }
    memcpy(key->modulus, modulus, size);
}

/* Some TPMs leave leading zero bytes of a coordinate out. */
static void coordinate_parse(struct tpm_reader *reader, size_t size, uint8_t ret_coordinate[TPM_EC_MAX])
{
    size_t given;
    const uint8_t *bytes = tpm_read_sized(reader, size, &given);

    if (bytes == NULL || given == 0)
        reader->failed = true;
    else
        memcpy(ret_coordinate + size - given, bytes, given);
}

static void ec_parse(struct tpm_reader *reader, struct tpm_public_area *area)
{
    uint16_t identifier = tpm_read_u16(reader);
    struct tpm_public_key *key = &area->key;

    key->type = TPM_KEY_EC;
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (curves[i].identifier == identifier) {
            key->curve = curves[i].curve;
            key->bits = curves[i].bits;
        }
    if (tpm_read_u16(reader) != TPM2_ALG_NULL ||
        key->curve == TPM_CURVE_NONE) { /* no key derivation scheme */
        reader->failed = true;
        return;
    }
    coordinate_parse(reader, (key->bits + 7) / 8, key->x);
    coordinate_parse(reader, (key->bits + 7) / 8, key->y);
}

bool tpm_public_area_parse(const uint8_t *blob, size_t size, struct tpm_public_area *ret_area)
{
    struct tpm_reader outer = {.data = blob, .size = size}, reader = {0};
    struct tpm_public_area area = {0};
    uint16_t type, name_algorithm;
    size_t policy_size;

    reader.data = tpm_read_sized(&outer, TPM_BLOB_MAX, &reader.size);
    if (!tpm_read_complete(&outer))
        return false;
    type = tpm_read_u16(&reader);
    name_algorithm = tpm_read_u16(&reader);
    area.attributes = tpm_read_u32(&reader);
    (void)tpm_read_sized(&reader, POLICY_MAX, &policy_size);
    area.has_policy = policy_size > 0;
    if (name_algorithm != TPM2_ALG_SHA256 || (type != TPM2_ALG_RSA && type != TPM2_ALG_ECC))
        return false;
    symmetric_parse(&reader, &area);
    scheme_parse(&reader, &area);
    if (type == TPM2_ALG_RSA)
        rsa_parse(&reader, &area);
    else
        ec_parse(&reader, &area);
    if (!tpm_read_complete(&reader))
        return false;
    *ret_area = area;
    return true;
}

bool tpm_public_area_is_storage_root(const struct tpm_public_area *area)
{
    return area->key.type == TPM_KEY_EC && area->key.curve == TPM_CURVE_P256 && area->is_storage &&
           !area->has_scheme && (area->attributes & STORAGE_ATTRIBUTES) == STORAGE_ATTRIBUTES &&
           (area->attributes & TPMA_OBJECT_SIGN_ENCRYPT) == 0;
}

bool tpm_public_parse(const uint8_t *blob, size_t size, struct tpm_public_key *ret_public)
{
    struct tpm_public_area area;

    if (!tpm_public_area_parse(blob, size, &area) || area.is_storage || area.has_scheme ||
        (area.attributes & DEVICE_ATTRIBUTES) != DEVICE_ATTRIBUTES ||
        (area.attributes & TPMA_OBJECT_RESTRICTED) != 0)
        return false;
    *ret_public = area.key;
    return true;
}

bool tpm_public_key_equal(const struct tpm_public_key *a, const struct tpm_public_key *b)
{
    if (a->type != b->type || a->bits != b->bits)
        return false;
    if (a->type == TPM_KEY_RSA)
        return a->exponent == b->exponent && memcmp(a->modulus, b->modulus, a->bits / 8) == 0;
    return a->curve == b->curve && memcmp(a->x, b->x, (a->bits + 7) / 8) == 0 &&
           memcmp(a->y, b->y, (a->bits + 7) / 8) == 0;
}

void tpm_public_name(const uint8_t *blob, size_t size, uint8_t ret_name[TPM_NAME_SIZE])
{
    ret_name[0] = TPM2_ALG_SHA256 >> 8;
    ret_name[1] = TPM2_ALG_SHA256 & 0xff;
    tpm_sha256(&(struct tpm_part){blob + 2, size - 2}, 1, ret_name + 2);
}

/* TCG EK Credential Profile, H-2 and TCG TPM v2.0 Provisioning Guidance, 7.5.1: as tpm2-openssl and others
 * make it again. */
void tpm_public_write_storage_root(struct tpm_writer *writer)
{
    size_t begin = tpm_write_sized_begin(writer);

    tpm_write_u16(writer, TPM2_ALG_ECC);
    tpm_write_u16(writer, TPM2_ALG_SHA256);
    tpm_write_u32(writer, STORAGE_ATTRIBUTES | TPMA_OBJECT_NODA);
    tpm_write_u16(writer, 0); /* authPolicy */
    tpm_write_u16(writer, TPM2_ALG_AES);
    tpm_write_u16(writer, 128);
    tpm_write_u16(writer, TPM2_ALG_CFB);
    tpm_write_u16(writer, TPM2_ALG_NULL); /* scheme */
    tpm_write_u16(writer, TPM2_ECC_NIST_P256);
    tpm_write_u16(writer, TPM2_ALG_NULL); /* kdf */
    tpm_write_u16(writer, 0);             /* x */
    tpm_write_u16(writer, 0);             /* y */
    tpm_write_sized_end(writer, begin);
}

/* Symmetric, scheme, size or curve: what stands in a public area before the key itself. */
static void parameters_write(struct tpm_writer *writer, const struct tpm_key_request *request)
{
    tpm_write_u16(writer, TPM2_ALG_NULL); /* symmetric */
    tpm_write_u16(writer, TPM2_ALG_NULL); /* scheme */
    if (request->type == TPM_KEY_RSA) {
        tpm_write_u16(writer, (uint16_t)request->bits);
        tpm_write_u32(writer, 0); /* 65537 */
    } else {
        tpm_write_u16(writer, tpm_curve_identifier(request->curve));
        tpm_write_u16(writer, TPM2_ALG_NULL); /* kdf */
    }
}

void tpm_public_write_parameters(struct tpm_writer *writer, const struct tpm_key_request *request)
{
    tpm_write_u16(writer, request->type == TPM_KEY_RSA ? TPM2_ALG_RSA : TPM2_ALG_ECC);
    parameters_write(writer, request);
}

void tpm_public_write_device_key(struct tpm_writer *writer, const struct tpm_key_request *request,
                                 bool dictionary_attack)
{
    bool rsa = request->type == TPM_KEY_RSA;
    size_t begin = tpm_write_sized_begin(writer);

    tpm_write_u16(writer, rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC);
    tpm_write_u16(writer, TPM2_ALG_SHA256);
    tpm_write_u32(writer, DEVICE_ATTRIBUTES | (rsa ? TPMA_OBJECT_DECRYPT : 0) |
                              (dictionary_attack ? 0 : TPMA_OBJECT_NODA));
    tpm_write_u16(writer, 0); /* authPolicy */
    parameters_write(writer, request);
    tpm_write_u16(writer, 0); /* modulus or x */
    if (!rsa)
        tpm_write_u16(writer, 0); /* y */
    tpm_write_sized_end(writer, begin);
}
