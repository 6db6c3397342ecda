/*
 * enroll/device_key: the key of this device, and what is made of it: its choice and trial, its public half,
 * the certificate request, and the key as OpenSSL uses it. It may call module/sign and include/tpm.h;
 * protocol, credential and enrolment call it.
 *
 * A signing key is an EVP_PKEY whose private operations are done elsewhere: in the TPM, or by a PKCS #11
 * token. OpenSSL gets it from a provider (provider.c) built into this program. The alternatives that were
 * compared:
 *
 * - tpm2-openssl opens the TPM a second time by rules of its own: no recovery, its own TCTI, a PIN in clear
 * on the bus. It sends 8 to 15 TPM commands a signature, and Debian 12's completes no TLS handshake on a TPM
 * with three object slots.
 * - The pkcs11 provider does not exist on Debian 12, and takes module, token and PIN from openssl.cnf and the
 * environment.
 * - An engine is gone from OpenSSL 4 and from Fedora's and RHEL's 3.x; EVP_DigestSign()
 * of 3.5 crashed with it.
 * - This provider has 500 lines, no configuration, and one TPM command a signature. Its library context is
 * its own, so no other key of the process can be served by it, and nothing of openssl.cnf reaches it.
 */
#ifndef ENROLL_DEVICE_KEY_SIGNING_KEY_H
#define ENROLL_DEVICE_KEY_SIGNING_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "error.h"
#include "signing_backend.h"
#include "tpm.h"

struct signing_key;

/*
 * The device's key, signing in the TPM. key and tpm must outlive the result; pin is copied, and NULL for a
 * key without one. Sends nothing. Errors: ENROLL_TPM, ENROLL_CONFIGURATION (a PIN of an impossible length),
 * ENROLL_FAILED.
 */
enum enroll_exit signing_key_open(struct tpm *tpm, const struct tpm_key *key, const char *pin,
                                  struct signing_key **ret_key, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* A key of any backend, which it takes over, also when it fails. */
enum enroll_exit signing_key_new(const struct tpm_public_key *public_key,
                                 const struct signing_backend *backend, void *context,
                                 struct signing_key **ret_key, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* The key; owned by the signing key and unusable after signing_key_close(). */
EVP_PKEY *signing_key_pkey(const struct signing_key *key);

/* Why its last signature failed, a static sentence; NULL when none did. OpenSSL and libcurl hand on only that
 * one did. */
const char *signing_key_failure(const struct signing_key *key);

/* Frees it. NULL is allowed. */
void signing_key_close(struct signing_key *key);

#endif
