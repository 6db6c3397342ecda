/*
 * The device key as an EVP_PKEY: for the PKCS #10 request, TLS client authentication and CMS at renewal.
 *
 * It is libp11 on our own module. Why not otherwise, see token_key.c.
 */
#ifndef ENROLL_NET_TOKEN_KEY_H
#define ENROLL_NET_TOKEN_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"

struct token_key;

struct token_key_options {
    const char *module_path;     /* NULL: the installed module, or INTUNE_TPM_MODULE */
    const char *token_directory; /* with a `current` in it */
    const char *tcti;            /* NULL: as the module finds it */
    const char *pin;             /* NULL: the key has none */
};

/*
 * Loads the module on that token directory (through INTUNE_TPM_TOKEN_DIR in this process's environment) and
 * finds its one private key. One token key may be open at a time in a process. Errors: ENROLL_TPM,
 * ENROLL_TOKEN_DIRECTORY.
 */
enum enroll_exit token_key_open(const struct token_key_options *options, enum enroll_step step,
                                struct token_key **ret_key, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/*
 * The key, and the certificate of the same id, that a pkcs11: URI (RFC 7512) names on any token that p11-kit
 * knows. A token that wants a PIN has it from `pin`, whose answer is malloc()ed, and wiped here; its `source`
 * is the URI's pin-source or NULL, and NULL from it means that there is none. A PIN in the URI itself is
 * refused: command lines are no secret. *ret_certificate is the caller's. Errors: ENROLL_CONFIGURATION.
 */
struct token_key_pin {
    char *(*get)(void *context, const char *source);
    void *context;
};
enum enroll_exit token_key_open_uri(const char *uri, const struct token_key_pin *pin, enum enroll_step step,
                                    struct token_key **ret_key, X509 **ret_certificate,
                                    struct enroll_error *ret_error) __attribute__((warn_unused_result));

/* The key; owned by the token key and unusable after token_key_close(). */
EVP_PKEY *token_key_pkey(const struct token_key *key);

/* Frees the key, finalizes and unloads the module. NULL is allowed. */
void token_key_close(struct token_key *key);

#endif
