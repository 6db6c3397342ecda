/*
 * SHA-256, HMAC, AES-128-CFB, PBKDF2 and random bytes for authorization sessions, in forms that touch no
 * library context, no engine and no provider. Inputs come in parts, so that nothing secret is copied
 * together.
 */
#ifndef INTUNE_TPM_PRIMITIVES_H
#define INTUNE_TPM_PRIMITIVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPM_SHA256_SIZE 32
#define TPM_AES128_SIZE 16

struct tpm_part {
    const void *data;
    size_t size;
};

void tpm_sha256(const struct tpm_part *parts, size_t count, uint8_t ret_digest[TPM_SHA256_SIZE]);
void tpm_hmac_sha256(const uint8_t *key, size_t key_size, const struct tpm_part *parts, size_t count,
                     uint8_t ret_mac[TPM_SHA256_SIZE]);
/* In place. */
void tpm_aes128_cfb_encrypt(const uint8_t key[TPM_AES128_SIZE], const uint8_t iv[TPM_AES128_SIZE],
                            uint8_t *data, size_t size);
/* RFC 8018, 5.2, one block. */
void tpm_pbkdf2_sha256(const uint8_t *password, size_t password_size, const uint8_t *salt, size_t salt_size,
                       unsigned iterations, uint8_t ret_key[TPM_SHA256_SIZE]);
/* From the kernel; false when it has none. */
bool tpm_random(uint8_t *ret_bytes, size_t size) __attribute__((warn_unused_result));

#endif
