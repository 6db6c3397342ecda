#include "signature_trial.h"

#include <stdio.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <p11-kit/p11-kit.h>

#include "tpm.h"

#define DIGEST_SIZE 32

/* DigestInfo of SHA-256 up to the digest (RFC 8017, 9.2, note 1). */
static const CK_BYTE SHA256_PREFIX[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                        0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

static bool good(EVP_PKEY_CTX *context, const unsigned char *signature, size_t size,
                 const CK_BYTE digest[static DIGEST_SIZE])
{
    return EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_verify(context, signature, size, digest, DIGEST_SIZE) == 1;
}

/* PKCS #11 3.1, 6.3.1: r and s, each half of it. */
static bool ecdsa_good(EVP_PKEY_CTX *context, const CK_BYTE *signature, CK_ULONG size,
                       const CK_BYTE digest[static DIGEST_SIZE])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)(size / 2), NULL);
    BIGNUM *s = BN_bin2bn(signature + size / 2, (int)(size - size / 2), NULL);
    unsigned char *der = NULL;
    bool ok = false;

    if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) {
        BN_free(r);
        BN_free(s);
    } else {
        int length = i2d_ECDSA_SIG(pair, &der);

        ok = length > 0 && good(context, der, (size_t)length, digest);
    }
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return ok;
}

static bool signature_good(const struct token_generation *generation, const CK_BYTE *signature, CK_ULONG size,
                           const CK_BYTE digest[static DIGEST_SIZE])
{
    const unsigned char *cursor = generation->public_key_info.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &cursor, (long)generation->public_key_info.size);
    EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    bool ok = context && EVP_PKEY_verify_init(context) > 0;

    if (ok && generation->key.public_key.type == TPM_KEY_RSA)
        ok = EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0 &&
             good(context, signature, size, digest);
    else if (ok)
        ok = ecdsa_good(context, signature, size, digest);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return ok;
}

static CK_RV sign(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, bool rsa,
                  const CK_BYTE digest[static DIGEST_SIZE], CK_BYTE *ret_signature, CK_ULONG *ret_size)
{
    CK_MECHANISM mechanism = {rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0};
    CK_BYTE data[sizeof SHA256_PREFIX + DIGEST_SIZE];
    CK_ULONG offset = rsa ? sizeof SHA256_PREFIX : 0;
    CK_RV rv = module->C_SignInit(session, &mechanism, key);

    if (rv != CKR_OK)
        return rv;
    memcpy(data, SHA256_PREFIX, offset);
    memcpy(data + offset, digest, DIGEST_SIZE);
    return module->C_Sign(session, data, offset + DIGEST_SIZE, ret_signature, ret_size);
}

bool verify_signature(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key,
                      const struct token_generation *generation, char *ret_text, size_t size)
{
    CK_BYTE digest[DIGEST_SIZE], signature[TPM_RSA_MAX];
    CK_ULONG signature_size = sizeof(signature);
    bool rsa = generation->key.public_key.type == TPM_KEY_RSA;
    CK_RV rv;

    if (RAND_bytes(digest, sizeof(digest)) <= 0) {
        snprintf(ret_text, size, "no random numbers");
        return false;
    }
    rv = sign(module, session, key, rsa, digest, signature, &signature_size);
    if (rv != CKR_OK) {
        snprintf(ret_text, size, "the key does not sign: %s", p11_kit_strerror(rv));
        return false;
    }
    if (!signature_good(generation, signature, signature_size, digest)) {
        snprintf(ret_text, size, "what the key signs is not the certificate's signature");
        return false;
    }
    snprintf(ret_text, size, "the TPM signs with the key, through p11-kit");
    return true;
}
