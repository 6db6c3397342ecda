/* TPMT_PUBLIC of RSA and EC keys (TPM 2.0 part 2, 12.2.4): read strictly, and the templates of ours. */
#ifndef INTUNE_TPM_PUBLIC_AREA_H
#define INTUNE_TPM_PUBLIC_AREA_H

#include "primitives.h"
#include "response_code.h"

#define TPM_NAME_SIZE (2 + TPM_SHA256_SIZE) /* of an object whose nameAlg is SHA-256: all that we use */

struct tpm_public_area {
    uint32_t attributes; /* TPMA_OBJECT */
    bool has_policy;
    bool is_storage; /* symmetric AES-128-CFB; else NULL */
    struct tpm_public_key key;
};

/* False unless it is exactly one RSA or EC public area with nameAlg SHA-256 and no scheme, in a TPM2B_PUBLIC.
 */
bool tpm_public_area_parse(const uint8_t *blob, size_t size, struct tpm_public_area *ret_area)
    __attribute__((warn_unused_result));
/* It is a storage key whose point can take a session's salt: the TCG ECC P-256 storage root key and its like.
 */
bool tpm_public_area_is_storage_root(const struct tpm_public_area *area) __attribute__((warn_unused_result));
/* Both are the same numbers of the same type. */
bool tpm_public_key_equal(const struct tpm_public_key *a, const struct tpm_public_key *b)
    __attribute__((warn_unused_result));

/* The object's name: nameAlg and the digest of the public area (part 1, 16). blob is a TPM2B_PUBLIC that
 * parses. */
void tpm_public_name(const uint8_t *blob, size_t size, uint8_t ret_name[TPM_NAME_SIZE]);

/* The same for tss2-sys. */
bool tpm_public_area_decode(const uint8_t *blob, size_t size, TPM2B_PUBLIC *ret_public)
    __attribute__((warn_unused_result));

/* Templates: the storage root key, a device key, and what of the latter TPM2_TestParms takes. */
void tpm_public_template_storage_root(TPM2B_PUBLIC *ret_template);
void tpm_public_template_device_key(const struct tpm_key_request *request, bool dictionary_attack,
                                    TPM2B_PUBLIC *ret_template);
void tpm_public_template_parameters(const struct tpm_key_request *request, TPMT_PUBLIC_PARMS *ret_parameters);
#endif
