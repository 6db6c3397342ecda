/* device.key: the TPM-wrapped key as other TPM software reads it ("TSS2 PRIVATE KEY",
 * draft-bottomley-tpm2-keys, 3). */
#ifndef ENROLL_INSTALL_PRIVATE_KEY_PEM_H
#define ENROLL_INSTALL_PRIVATE_KEY_PEM_H

#include <stdbool.h>
#include <stddef.h>

#include "tpm.h"

#define PRIVATE_KEY_PEM_MAX 16384 /* bytes */

/* The PEM text, NUL-terminated and malloc()ed; NULL when memory is out. */
char *private_key_pem_format(const struct tpm_key *key) __attribute__((warn_unused_result));

/*
 * Reads the public half back: public_key, both blobs and parent of *ret_key; the rest is zero. False when the
 * text is not such a file or not of a key that tpm_public_parse() accepts.
 */
bool private_key_pem_parse(const char *text, size_t size, struct tpm_key *ret_key)
    __attribute__((warn_unused_result));

#endif
