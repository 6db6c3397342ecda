/*
 * libcrypto's one-algorithm functions are deprecated in favour of EVP, and used here because they are not
 * EVP: an application's default engine or provider cannot take them over, and no library context is made or
 * changed.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "primitives.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/aes.h>
#include <openssl/crypto.h>
#include <openssl/modes.h>
#include <openssl/sha.h>

#define SHA256_BLOCK 64

static void parts_update(SHA256_CTX *hash, const struct tpm_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].size > 0)
            SHA256_Update(hash, parts[i].data, parts[i].size);
}

void tpm_sha256(const struct tpm_part *parts, size_t count, uint8_t ret_digest[TPM_SHA256_SIZE])
{
    SHA256_CTX hash;

    SHA256_Init(&hash);
    parts_update(&hash, parts, count);
    SHA256_Final(ret_digest, &hash);
    OPENSSL_cleanse(&hash, sizeof(hash));
}

/* The two hash states of HMAC after the padded key (RFC 2104), so that PBKDF2 pays for the key once. */
struct hmac_key {
    SHA256_CTX inner, outer;
};

static void hmac_key_set(struct hmac_key *hmac, const uint8_t *key, size_t key_size)
{
    uint8_t block[SHA256_BLOCK] = {0};

    if (key_size > sizeof(block))
        tpm_sha256(&(struct tpm_part){key, key_size}, 1, block);
    else if (key_size > 0)
        memcpy(block, key, key_size);
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36;
    SHA256_Init(&hmac->inner);
    SHA256_Update(&hmac->inner, block, sizeof(block));
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] ^= 0x36 ^ 0x5c;
    SHA256_Init(&hmac->outer);
    SHA256_Update(&hmac->outer, block, sizeof(block));
    OPENSSL_cleanse(block, sizeof(block));
}

static void hmac_compute(const struct hmac_key *hmac, const struct tpm_part *parts, size_t count,
                         uint8_t ret_mac[TPM_SHA256_SIZE])
{
    struct hmac_key work = *hmac;

    parts_update(&work.inner, parts, count);
    SHA256_Final(ret_mac, &work.inner);
    SHA256_Update(&work.outer, ret_mac, TPM_SHA256_SIZE);
    SHA256_Final(ret_mac, &work.outer);
    OPENSSL_cleanse(&work, sizeof(work));
}

void tpm_hmac_sha256(const uint8_t *key, size_t key_size, const struct tpm_part *parts, size_t count,
                     uint8_t ret_mac[TPM_SHA256_SIZE])
{
    struct hmac_key hmac;

    hmac_key_set(&hmac, key, key_size);
    hmac_compute(&hmac, parts, count, ret_mac);
    OPENSSL_cleanse(&hmac, sizeof(hmac));
}

void tpm_pbkdf2_sha256(const uint8_t *password, size_t password_size, const uint8_t *salt, size_t salt_size,
                       unsigned iterations, uint8_t ret_key[TPM_SHA256_SIZE])
{
    static const uint8_t block_number[4] = {0, 0, 0, 1};
    const struct tpm_part first[] = {{salt, salt_size}, {block_number, sizeof(block_number)}};
    uint8_t step[TPM_SHA256_SIZE];
    struct hmac_key hmac;

    hmac_key_set(&hmac, password, password_size);
    hmac_compute(&hmac, first, 2, step);
    memcpy(ret_key, step, sizeof(step));
    for (unsigned i = 1; i < iterations; i++) {
        hmac_compute(&hmac, &(struct tpm_part){step, sizeof(step)}, 1, step);
        for (size_t j = 0; j < sizeof(step); j++)
            ret_key[j] ^= step[j];
    }
    OPENSSL_cleanse(&hmac, sizeof(hmac));
    OPENSSL_cleanse(step, sizeof(step));
}

void tpm_aes128_cfb_encrypt(const uint8_t key[TPM_AES128_SIZE], const uint8_t iv[TPM_AES128_SIZE],
                            uint8_t *data, size_t size)
{
    uint8_t feedback[TPM_AES128_SIZE];
    AES_KEY schedule;
    int offset = 0;

    memcpy(feedback, iv, sizeof(feedback));
    AES_set_encrypt_key(key, 128, &schedule);
    CRYPTO_cfb128_encrypt(data, data, size, &schedule, feedback, &offset, 1, (block128_f)AES_encrypt);
    OPENSSL_cleanse(&schedule, sizeof(schedule));
    OPENSSL_cleanse(feedback, sizeof(feedback));
}

bool tpm_random(uint8_t *ret_bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = getrandom(ret_bytes, size, 0);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        ret_bytes += done;
        size -= (size_t)done;
    }
    return true;
}
