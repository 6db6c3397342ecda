/* The identity and the abilities of a TPM. */
#include <string.h>

#include "capability.h"
#include "command.h"
#include "operation.h"

#define FIXED_COUNT (TPM2_PT_FIRMWARE_VERSION_2 - TPM2_PT_FIXED + 1)

/* Four characters of a property, printable ones only. */
static void text_append(char *text, size_t capacity, uint32_t value)
{
    size_t size = strlen(text);

    for (int shift = 24; shift >= 0 && size + 1 < capacity; shift -= 8) {
        char character = (char)(value >> shift & 0xff);

        if (character >= ' ' && character <= '~')
            text[size++] = character;
    }
    text[size] = '\0';
}

static void text_trim(char *text)
{
    size_t size = strlen(text), start = strspn(text, " ");

    while (size > start && text[size - 1] == ' ')
        size--;
    memmove(text, text + start, size - start);
    text[size - start] = '\0';
}

static uint32_t identity_read(struct tpm *tpm, struct tpm_facts *facts)
{
    uint32_t values[FIXED_COUNT];
    uint32_t rc = tpm_capability_properties(tpm, TPM2_PT_FIXED, FIXED_COUNT, values);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    text_append(facts->manufacturer, sizeof(facts->manufacturer),
                values[TPM2_PT_MANUFACTURER - TPM2_PT_FIXED]);
    for (uint32_t i = TPM2_PT_VENDOR_STRING_1; i <= TPM2_PT_VENDOR_STRING_4; i++)
        text_append(facts->model, sizeof(facts->model), values[i - TPM2_PT_FIXED]);
    text_trim(facts->manufacturer);
    text_trim(facts->model);
    facts->firmware_1 = values[TPM2_PT_FIRMWARE_VERSION_1 - TPM2_PT_FIXED];
    facts->firmware_2 = values[TPM2_PT_FIRMWARE_VERSION_2 - TPM2_PT_FIXED];
    facts->revision = values[TPM2_PT_REVISION - TPM2_PT_FIXED];
    return TPM2_RC_SUCCESS;
}

static uint32_t state_read(struct tpm *tpm, struct tpm_facts *facts)
{
    uint32_t values[TPM2_PT_HR_PERSISTENT_AVAIL - TPM2_PT_PERMANENT + 1];
    uint32_t rc =
        tpm_capability_properties(tpm, TPM2_PT_PERMANENT, sizeof(values) / sizeof(values[0]), values);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    facts->owner_has_authorization = (values[0] & TPMA_PERMANENT_OWNERAUTHSET) != 0;
    facts->persistent_free = values[TPM2_PT_HR_PERSISTENT_AVAIL - TPM2_PT_PERMANENT];
    return TPM2_RC_SUCCESS;
}

static uint32_t sizes_read(struct tpm *tpm, struct tpm_facts *facts)
{
    static const unsigned sizes[] = {2048, 3072, 4096};
    struct {
        enum tpm_curve curve;
        bool *has;
    } curves[] = {
        {TPM_CURVE_P256, &facts->p256}, {TPM_CURVE_P384, &facts->p384}, {TPM_CURVE_P521, &facts->p521}};
    uint32_t rc = TPM2_RC_SUCCESS;

    for (size_t i = 0; rc == TPM2_RC_SUCCESS && i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        bool has;

        rc = tpm_capability_has_key(tpm, &(struct tpm_key_request){.type = TPM_KEY_RSA, .bits = sizes[i]},
                                    &has);
        if (rc == TPM2_RC_SUCCESS && has)
            facts->rsa_max_bits = sizes[i];
    }
    for (size_t i = 0; rc == TPM2_RC_SUCCESS && i < sizeof(curves) / sizeof(curves[0]); i++)
        rc = tpm_capability_has_key(
            tpm, &(struct tpm_key_request){.type = TPM_KEY_EC, .curve = curves[i].curve}, curves[i].has);
    return rc;
}

static uint32_t facts_run(struct tpm *tpm, void *context)
{
    struct tpm_facts *facts = context;
    uint32_t rc;

    memset(facts, 0, sizeof(*facts));
    rc = identity_read(tpm, facts);
    if (rc == TPM2_RC_SUCCESS)
        rc = state_read(tpm, facts);
    if (rc == TPM2_RC_SUCCESS)
        rc = sizes_read(tpm, facts);
    return rc;
}

enum tpm_status tpm_facts_read(struct tpm *tpm, struct tpm_facts *ret_facts)
{
    struct tpm_facts facts;
    enum tpm_status status = tpm_operation_run(tpm, __func__, NULL, facts_run, &facts);

    if (status == TPM_OK)
        *ret_facts = facts;
    return status;
}
