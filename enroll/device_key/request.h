/* The PKCS #10 request (RFC 2986), signed in the TPM. */
#ifndef ENROLL_INSTALL_REQUEST_H
#define ENROLL_INSTALL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "error.h"
#include "requirements.h"

struct install_request {
    EVP_PKEY *key;                                       /* of the token */
    const char *device_id;                               /* the subject: CN=device_id */
    const struct certificate_requirements *requirements; /* hash and extensions */
    bool extensions; /* --csr-ext: client authentication and the device id as extensions, as Windows has them
                      */
};

/*
 * Makes and signs it, and verifies the signature. *ret_request is malloc()ed DER. Without extensions the
 * attributes are an empty [0], which some servers insist on. Errors: ENROLL_TPM (the signature),
 * ENROLL_FAILED.
 */
enum enroll_exit install_request_make(const struct install_request *request, uint8_t **ret_request,
                                      size_t *ret_size, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

#endif
