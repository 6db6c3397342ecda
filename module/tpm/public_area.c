#include "public_area.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "algorithm.h"
#include "wire.h"

#define DEVICE_ATTRIBUTES                                                                                    \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |                      \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_SIGN_ENCRYPT)
#define STORAGE_ATTRIBUTES                                                                                   \
    (TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |                      \
     TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define RSA_EXPONENT_DEFAULT 65537U

static bool rsa_key_take(const TPMT_PUBLIC *public, struct tpm_public_key *ret_key)
{
    const TPMS_RSA_PARMS *parameters = &public->parameters.rsaDetail;
    const TPM2B_PUBLIC_KEY_RSA *modulus = &public->unique.rsa;
    const unsigned bits = parameters->keyBits;
    const uint32_t exponent = parameters->exponent != 0 ? parameters->exponent : RSA_EXPONENT_DEFAULT;

    if (bits < 1024 || bits > 8 * TPM_RSA_MAX || bits % 8 != 0 || exponent % 2 == 0 || exponent == 1 ||
        modulus->size != bits / 8 || (modulus->buffer[0] & 0x80) == 0 ||
        modulus->buffer[modulus->size - 1] % 2 == 0)
        return false;
    ret_key->type = TPM_KEY_RSA;
    ret_key->bits = bits;
    ret_key->exponent = exponent;
    memcpy(ret_key->modulus, modulus->buffer, modulus->size);
    return true;
}

/* Some TPMs leave leading zero bytes of a coordinate out. */
static bool coordinate_take(const TPM2B_ECC_PARAMETER *given, size_t size, uint8_t ret_coordinate[TPM_EC_MAX])
{
    if (given->size == 0 || given->size > size)
        return false;
    memcpy(ret_coordinate + size - given->size, given->buffer, given->size);
    return true;
}

static bool ec_key_take(const TPMT_PUBLIC *public, struct tpm_public_key *ret_key)
{
    const TPMS_ECC_PARMS *parameters = &public->parameters.eccDetail;

    ret_key->type = TPM_KEY_EC;
    for (size_t i = 0; i < CURVE_COUNT; i++)
        if (curve_algorithms[i].tpm_identifier == parameters->curveID) {
            ret_key->curve = curve_algorithms[i].curve;
            ret_key->bits = curve_algorithms[i].bits;
        }
    const size_t size = (ret_key->bits + 7) / 8;
    return ret_key->curve != TPM_CURVE_NONE && coordinate_take(&public->unique.ecc.x, size, ret_key->x) &&
           coordinate_take(&public->unique.ecc.y, size, ret_key->y);
}

/*
 * What selects the members of the unions is what a storage key or a device key has. Comes before tss2-mu,
 * which in 4.x prints to stderr about any other.
 */
static bool selectors_are_known(const uint8_t *blob, size_t size)
{
    struct tpm_reader reader = {.data = blob, .size = size};
    size_t policy_size;

    (void)tpm_read_u16(&reader); /* size */
    const uint16_t type = tpm_read_u16(&reader);
    const uint16_t name_algorithm = tpm_read_u16(&reader);
    (void)tpm_read_u32(&reader); /* attributes */
    (void)tpm_read_sized(&reader, SIZE_MAX, &policy_size);
    const uint16_t symmetric = tpm_read_u16(&reader);
    if (symmetric == TPM2_ALG_AES)
        (void)tpm_read_u32(&reader); /* bits and mode */
    const uint16_t scheme = tpm_read_u16(&reader);
    (void)tpm_read_u16(&reader); /* bits or curve */
    const uint16_t kdf = type == TPM2_ALG_ECC ? tpm_read_u16(&reader) : TPM2_ALG_NULL;
    return !reader.failed && (type == TPM2_ALG_RSA || type == TPM2_ALG_ECC) &&
           name_algorithm == TPM2_ALG_SHA256 && (symmetric == TPM2_ALG_AES || symmetric == TPM2_ALG_NULL) &&
           scheme == TPM2_ALG_NULL && kdf == TPM2_ALG_NULL;
}

/* tss2-mu takes bytes that it would not write, such as some after the public area but inside the TPM2B. */
bool tpm_public_area_decode(const uint8_t *blob, size_t size, TPM2B_PUBLIC *ret_public)
{
    uint8_t again[TPM_BLOB_MAX];
    size_t offset = 0, again_size = 0;
    TPM2B_PUBLIC public = {0};

    if (size > sizeof(again) || !selectors_are_known(blob, size) ||
        Tss2_MU_TPM2B_PUBLIC_Unmarshal(blob, size, &offset, &public) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PUBLIC_Marshal(&public, again, sizeof(again), &again_size) != TSS2_RC_SUCCESS ||
        offset != size || again_size != size || memcmp(blob, again, size) != 0)
        return false;
    *ret_public = public;
    return true;
}

bool tpm_public_area_parse(const uint8_t *blob, size_t size, struct tpm_public_area *ret_area)
{
    TPM2B_PUBLIC decoded;
    struct tpm_public_area area = {0};

    if (!tpm_public_area_decode(blob, size, &decoded))
        return false;
    const TPMT_PUBLIC *public = &decoded.publicArea;
    /* symmetric stands first in the parameters of both types */
    const TPMT_SYM_DEF_OBJECT *symmetric = &public->parameters.asymDetail.symmetric;
    area.attributes = public->objectAttributes;
    area.has_policy = public->authPolicy.size > 0;
    area.is_storage = symmetric->algorithm != TPM2_ALG_NULL;
    if (area.is_storage && (symmetric->keyBits.aes != 128 || symmetric->mode.aes != TPM2_ALG_CFB))
        return false;
    if (!(public->type == TPM2_ALG_RSA ? rsa_key_take(public, &area.key) : ec_key_take(public, &area.key)))
        return false;
    *ret_area = area;
    return true;
}

bool tpm_public_area_is_storage_root(const struct tpm_public_area *area)
{
    return area->key.type == TPM_KEY_EC && area->key.curve == TPM_CURVE_P256 && area->is_storage &&
           (area->attributes & STORAGE_ATTRIBUTES) == STORAGE_ATTRIBUTES &&
           (area->attributes & TPMA_OBJECT_SIGN_ENCRYPT) == 0;
}

bool tpm_public_parse(const uint8_t *blob, size_t size, struct tpm_public_key *ret_public)
{
    struct tpm_public_area area;

    if (!tpm_public_area_parse(blob, size, &area) || area.is_storage ||
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
void tpm_public_template_storage_root(TPM2B_PUBLIC *ret_template)
{
    *ret_template =
        (TPM2B_PUBLIC){.publicArea = {.type = TPM2_ALG_ECC,
                                      .nameAlg = TPM2_ALG_SHA256,
                                      .objectAttributes = STORAGE_ATTRIBUTES | TPMA_OBJECT_NODA,
                                      .parameters.eccDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
                                                                             .keyBits.aes = 128,
                                                                             .mode.aes = TPM2_ALG_CFB},
                                                               .scheme.scheme = TPM2_ALG_NULL,
                                                               .curveID = TPM2_ECC_NIST_P256,
                                                               .kdf.scheme = TPM2_ALG_NULL}}};
}

void tpm_public_template_parameters(const struct tpm_key_request *request, TPMT_PUBLIC_PARMS *ret_parameters)
{
    if (request->type == TPM_KEY_RSA)
        *ret_parameters = (TPMT_PUBLIC_PARMS){.type = TPM2_ALG_RSA,
                                              .parameters.rsaDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                                                       .scheme.scheme = TPM2_ALG_NULL,
                                                                       .keyBits = (uint16_t)request->bits}};
    else
        *ret_parameters = (TPMT_PUBLIC_PARMS){
            .type = TPM2_ALG_ECC,
            .parameters.eccDetail = {.symmetric.algorithm = TPM2_ALG_NULL,
                                     .scheme.scheme = TPM2_ALG_NULL,
                                     .curveID = curve_algorithm_find(request->curve)->tpm_identifier,
                                     .kdf.scheme = TPM2_ALG_NULL}};
}

void tpm_public_template_device_key(const struct tpm_key_request *request, bool dictionary_attack,
                                    TPM2B_PUBLIC *ret_template)
{
    TPMT_PUBLIC_PARMS parameters;

    tpm_public_template_parameters(request, &parameters);
    *ret_template = (TPM2B_PUBLIC){
        .publicArea = {.type = parameters.type,
                       .nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = DEVICE_ATTRIBUTES |
                                           (request->type == TPM_KEY_RSA ? TPMA_OBJECT_DECRYPT : 0) |
                                           (dictionary_attack ? 0 : TPMA_OBJECT_NODA),
                       .parameters = parameters.parameters}};
}
