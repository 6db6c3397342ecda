#include "kdf.h"

#include <string.h>

static const uint8_t counter_one[4] = {0, 0, 0, 1};
static const uint8_t bits_256[4] = {0, 0, 1, 0};

void tpm_kdfa(const struct tpm_part *key, const char *label, const struct tpm_part *context_u,
              const struct tpm_part *context_v, uint8_t ret_key[TPM_SHA256_SIZE])
{
    const struct tpm_part parts[] = {{counter_one, sizeof(counter_one)},
                                     {label, strlen(label) + 1},
                                     *context_u,
                                     *context_v,
                                     {bits_256, sizeof(bits_256)}};

    tpm_hmac_sha256(key->data, key->size, parts, 5, ret_key);
}

void tpm_kdfe(const struct tpm_part *z, const char *label, const struct tpm_part *party_u,
              const struct tpm_part *party_v, uint8_t ret_key[TPM_SHA256_SIZE])
{
    const struct tpm_part parts[] = {
        {counter_one, sizeof(counter_one)}, *z, {label, strlen(label) + 1}, *party_u, *party_v};

    tpm_sha256(parts, 5, ret_key);
}
