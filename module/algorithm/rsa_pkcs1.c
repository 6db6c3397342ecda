#include "rsa_pkcs1.h"

#include <string.h>

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
    const struct hash_algorithm *hash = hash_algorithm_find(algorithm);

    if (hash == NULL)
        return 0;
    memcpy(ret_info, hash->prefix, hash->prefix_size);
    memcpy(ret_info + hash->prefix_size, digest, digest_size(algorithm));
    return hash->prefix_size + digest_size(algorithm);
}

enum digest_algorithm rsa_digest_info_parse(const uint8_t *info, size_t info_size, const uint8_t **ret_digest)
{
    for (size_t i = 0; i < HASH_ALGORITHM_COUNT; i++) {
        const struct hash_algorithm *hash = &hash_algorithms[i];

        if (info_size == hash->prefix_size + digest_size(hash->digest) &&
            memcmp(info, hash->prefix, hash->prefix_size) == 0) {
            *ret_digest = info + hash->prefix_size;
            return hash->digest;
        }
    }
    return DIGEST_NONE;
}

bool rsa_pkcs1_encode(enum digest_algorithm algorithm, const uint8_t *digest, uint8_t *ret_block,
                      size_t block_size)
{
    uint8_t info[RSA_DIGEST_INFO_MAX];
    const size_t size = rsa_digest_info(algorithm, digest, info);

    return size != 0 && rsa_pkcs1_pad(info, size, ret_block, block_size);
}

bool rsa_pkcs1_block_is_formed(const uint8_t *block, size_t block_size)
{
    size_t i = 2;

    if (block_size < 11 || block[0] != 0 || block[1] != 1)
        return false;
    while (i < block_size && block[i] == 0xff)
        i++;
    return i >= 10 && i < block_size && block[i] == 0;
}
