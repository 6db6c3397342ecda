#include "rsa.h"

#include <string.h>

#define PREFIX_MAX 19

/* RFC 8017, 9.2, note 1: the DER in front of each digest. */
static const struct {
    enum digest_algorithm algorithm;
    uint8_t size;
    uint8_t prefix[PREFIX_MAX];
} digest_infos[] = {
    {DIGEST_SHA1,
     15,
     {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}},
    {DIGEST_SHA224,
     19,
     {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04, 0x05, 0x00,
      0x04, 0x1c}},
    {DIGEST_SHA256,
     19,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
      0x04, 0x20}},
    {DIGEST_SHA384,
     19,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
      0x04, 0x30}},
    {DIGEST_SHA512,
     19,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
      0x04, 0x40}},
};

#define DIGEST_INFO_COUNT (sizeof digest_infos / sizeof digest_infos[0])

bool rsa_pkcs1_pad(const uint8_t *data, size_t data_size, uint8_t *ret_block, size_t block_size)
{
    if (block_size < 11 || data_size > block_size - 11)
        return false;
    size_t padding = block_size - data_size - 3;
    ret_block[0] = 0;
    ret_block[1] = 1;
    memset(ret_block + 2, 0xff, padding);
    ret_block[2 + padding] = 0;
    if (data_size > 0)
        memcpy(ret_block + 3 + padding, data, data_size);
    return true;
}

size_t rsa_digest_info(enum digest_algorithm algorithm, const uint8_t *digest,
                       uint8_t ret_info[RSA_DIGEST_INFO_MAX])
{
    for (size_t i = 0; i < DIGEST_INFO_COUNT; i++) {
        if (digest_infos[i].algorithm != algorithm)
            continue;
        memcpy(ret_info, digest_infos[i].prefix, digest_infos[i].size);
        memcpy(ret_info + digest_infos[i].size, digest, digest_size(algorithm));
        return digest_infos[i].size + digest_size(algorithm);
    }
    return 0;
}

enum digest_algorithm rsa_digest_info_parse(const uint8_t *info, size_t info_size, const uint8_t **ret_digest)
{
    for (size_t i = 0; i < DIGEST_INFO_COUNT; i++) {
        size_t prefix_size = digest_infos[i].size;
        if (info_size == prefix_size + digest_size(digest_infos[i].algorithm) &&
            memcmp(info, digest_infos[i].prefix, prefix_size) == 0) {
            *ret_digest = info + prefix_size;
            return digest_infos[i].algorithm;
        }
    }
    return DIGEST_NONE;
}

bool rsa_block_is_signature(const uint8_t *block, size_t block_size)
{
    if (block_size < 11)
        return false;
    if (block[0] == 0 && block[1] == 1) {
        size_t i = 2;
        while (i < block_size && block[i] == 0xff)
            i++;
        return i >= 10 && i < block_size && block[i] == 0;
    }
    return rsa_pss_block_is_formed(block, block_size);
}
