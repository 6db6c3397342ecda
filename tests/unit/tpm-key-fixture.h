/* Keys and checks that the TPM tests share. Signatures are checked with OpenSSL's EVP, which module/tpm
 * never uses. */
#ifndef TEST_TPM_KEY_FIXTURE_H
#define TEST_TPM_KEY_FIXTURE_H

#include <openssl/evp.h>

#include "tpm.h"
#include "tpm-simulator.h"

struct fixture {
    struct simulator simulator;
    struct tpm *tpm;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);

extern const struct tpm_key_request request_rsa_2048, request_rsa_3072, request_p256, request_p384,
    request_p521;
extern const uint8_t fixture_digest[64];

/* Makes a key, with a PIN if one is given; fails the test otherwise. */
void fixture_key_create(struct fixture *fixture, const struct tpm_key_request *request, const char *pin,
                        struct tpm_key *ret_key, struct tpm_auth *ret_auth);
/* Signs with the key and checks the signature; the status of the signature. */
enum tpm_status fixture_sign(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth);
/* No object and no session is in the TPM. */
void fixture_assert_nothing_left(const struct fixture *fixture);

EVP_PKEY *fixture_public_key(const struct tpm_public_key *key);
/* The signature of digest_size bytes verifies; ECDSA as r and s, RSA with PKCS #1 v1.5 and `md`, NULL for no
 * digest info. */
int fixture_verify(const struct tpm_public_key *key, const EVP_MD *md, const uint8_t *digest,
                   size_t digest_size, const uint8_t *signature, size_t size);

#endif
