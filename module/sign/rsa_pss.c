#include "rsa.h"

#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define TRAILER 0xbc
/* The modulus has its top bit set, so emBits is one less than its size and EM one byte string of the same
 * length. */
#define TOP_BIT 0x80
/* So many zero bytes are not met by chance: who multiplies a ciphertext with random numbers will not reach
 * them. */
#define FORM_ZEROS_MIN 16

/* XORs MGF1(seed) (RFC 8017, B.2.1) over `target`. */
static void apply_mask(enum digest_algorithm algorithm, const uint8_t *seed, size_t seed_size,
                       uint8_t *target, size_t target_size)
{
    uint8_t mask[DIGEST_SIZE_MAX];
    size_t step = digest_size(algorithm);
    uint32_t counter = 0;

    for (size_t done = 0; done < target_size; done += step, counter++) {
        const uint8_t counter_bytes[4] = {(uint8_t)(counter >> 24), (uint8_t)(counter >> 16),
                                          (uint8_t)(counter >> 8), (uint8_t)counter};
        struct digest digest;
        digest_init(&digest, algorithm);
        digest_update(&digest, seed, seed_size);
        digest_update(&digest, counter_bytes, sizeof(counter_bytes));
        digest_final(&digest, mask);
        for (size_t i = 0; i < step && done + i < target_size; i++)
            target[done + i] ^= mask[i];
    }
}

/* H = Hash(eight zero bytes || mHash || salt) */
static void hash_message(enum digest_algorithm algorithm, const uint8_t *message_digest, const uint8_t *salt,
                         size_t salt_size, uint8_t *ret_hash)
{
    static const uint8_t zeros[8];
    struct digest digest;
    digest_init(&digest, algorithm);
    digest_update(&digest, zeros, sizeof(zeros));
    digest_update(&digest, message_digest, digest_size(algorithm));
    digest_update(&digest, salt, salt_size);
    digest_final(&digest, ret_hash);
}

static bool random_fill(uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size; done += 256)
        if (getentropy(data + done, size - done < 256 ? size - done : 256) != 0)
            return false;
    return true;
}

bool rsa_pss_fits(const struct rsa_pss *pss, size_t block_size)
{
    size_t hash_size = digest_size(pss->hash);
    return block_size >= hash_size + 2 && pss->salt_size <= block_size - hash_size - 2;
}

bool rsa_pss_pad(const struct rsa_pss *pss, const uint8_t *digest, uint8_t *ret_block, size_t block_size)
{
    size_t hash_size = digest_size(pss->hash);
    size_t mask_size = block_size - hash_size - 1;
    uint8_t *hash = ret_block + mask_size;
    uint8_t *salt = hash - pss->salt_size;
    memset(ret_block, 0, mask_size - pss->salt_size - 1);
    salt[-1] = 1;
    if (!random_fill(salt, pss->salt_size))
        return false;
    hash_message(pss->hash, digest, salt, pss->salt_size, hash);
    apply_mask(pss->mask, hash, hash_size, ret_block, mask_size);
    ret_block[0] &= (uint8_t)~TOP_BIT;
    ret_block[block_size - 1] = TRAILER;
    return true;
}

/*
 * Takes the mask off: data block in ret_data (block_size bytes at most), its size and where its salt begins.
 * False when it has not the form zeros, 01, salt.
 */
static bool unmask(const uint8_t *block, size_t block_size, size_t hash_size, enum digest_algorithm mask,
                   uint8_t *ret_data, size_t *ret_salt)
{
    if (block_size < hash_size + 2 || block[block_size - 1] != TRAILER || (block[0] & TOP_BIT) != 0)
        return false;
    size_t mask_size = block_size - hash_size - 1;
    memcpy(ret_data, block, mask_size);
    apply_mask(mask, block + mask_size, hash_size, ret_data, mask_size);
    ret_data[0] &= (uint8_t)~TOP_BIT;
    size_t i = 0;
    while (i < mask_size && ret_data[i] == 0)
        i++;
    if (i == mask_size || ret_data[i] != 1)
        return false;
    *ret_salt = i + 1;
    return true;
}

bool rsa_pss_check(const struct rsa_pss *pss, const uint8_t *digest, const uint8_t *block, size_t block_size)
{
    uint8_t data[TPM_RSA_MAX];
    uint8_t hash[DIGEST_SIZE_MAX];
    size_t hash_size = digest_size(pss->hash);
    size_t salt;

    if (!unmask(block, block_size, hash_size, pss->mask, data, &salt))
        return false;
    size_t mask_size = block_size - hash_size - 1;
    if (mask_size - salt != pss->salt_size)
        return false;
    hash_message(pss->hash, digest, data + salt, pss->salt_size, hash);
    return CRYPTO_memcmp(hash, block + mask_size, hash_size) == 0;
}

bool rsa_block_is_signature(const uint8_t *block, size_t block_size)
{
    return rsa_pkcs1_block_is_formed(block, block_size) || rsa_pss_block_is_formed(block, block_size);
}

bool rsa_pss_block_is_formed(const uint8_t *block, size_t block_size)
{
    uint8_t data[TPM_RSA_MAX];
    size_t salt;
    for (enum digest_algorithm hash = DIGEST_SHA1; hash <= DIGEST_SHA512; hash++)
        for (enum digest_algorithm mask = DIGEST_SHA1; mask <= DIGEST_SHA512; mask++)
            if (unmask(block, block_size, digest_size(hash), mask, data, &salt) && salt > FORM_ZEROS_MIN)
                return true;
    return false;
}
