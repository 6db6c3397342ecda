/*
 * The conformance tests' view of the module: loaded as an application loads it, with a token made by
 * make-token in a software TPM of the test's own. Environment: INTUNE_TPM_MODULE and MAKE_TOKEN, the two
 * programs under test.
 */
#ifndef TEST_MODULE_CLIENT_H
#define TEST_MODULE_CLIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/evp.h>

#include "pkcs11.h"
#include "tpm-simulator.h"

/* The module's tables: loaded by the first module_load(). */
extern CK_FUNCTION_LIST *p11;
extern CK_FUNCTION_LIST_3_0 *p11_3;

struct world {
    struct simulator simulator;
    char directory[128]; /* the token directory; INTUNE_TPM_TOKEN_DIR points to it */
};

#define assert_rv(expected, call) assert_int_equal((expected), (call))

void module_load(void);

/* cmocka's group fixtures: a software TPM, and the module loaded; no token yet. */
int world_begin(void **state);
int world_end(void **state);

/* Runs make-token with these options (a string for the shell) on the world's token directory. */
void world_make_token(const struct world *world, const char *options);
/* Takes the token directory away. */
void world_remove_token(const struct world *world);

/* An initialised module with a session. */
CK_SESSION_HANDLE open_session(CK_FLAGS flags);
void initialize(void);
void finalize(void);

/* The first object of a class: of certificates the device's. Fails the test if there is none. */
CK_OBJECT_HANDLE find_object(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);
/* How many objects match. */
CK_ULONG count_objects(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count);
/* The attribute's value in a buffer of this size; its length. Fails the test if it is not to be had. */
size_t get_attribute(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                     void *ret_value, size_t size);

/* The public key of the token's public key object, for OpenSSL. */
EVP_PKEY *token_public_key(CK_SESSION_HANDLE session);
/* Signs data with the mechanism; the signature's length. */
size_t sign(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, const void *data,
            size_t data_size, uint8_t ret_signature[512]);
/* An ECDSA signature, r and s, verified by OpenSSL over a digest. */
bool ecdsa_is_right(EVP_PKEY *key, const uint8_t *digest, size_t digest_size, const uint8_t *signature,
                    size_t size);

#endif
