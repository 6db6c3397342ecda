/*
 * module/algorithm: what is known of each hash and each curve, in one table of either, and PKCS #1 on top of
 * it. A leaf above module/digest: module/tpm, module/sign, module/token and enroll use it.
 *
 * A new hash or curve is a line here.
 */
#ifndef ALGORITHM_H
#define ALGORITHM_H

#include "digest.h"
#include "tpm.h"

#define HASH_ALGORITHM_COUNT 5
#define CURVE_COUNT          3
#define DIGEST_INFO_PREFIX   19 /* bytes, at most */

struct hash_algorithm {
    enum digest_algorithm digest;
    enum tpm_hash tpm_hash;  /* TPM_HASH_NONE: not asked of a TPM */
    uint16_t tpm_identifier; /* TPM_ALG_ID (TPM 2.0 part 2, 6.3) */
    unsigned long mechanism; /* CKM_SHA* */
    unsigned long mgf;       /* CKG_MGF1_SHA* */
    uint8_t prefix_size;     /* DigestInfo up to the digest (RFC 8017, 9.2, note 1) */
    uint8_t prefix[DIGEST_INFO_PREFIX];
};

/* From the shortest digest to the longest. */
extern const struct hash_algorithm hash_algorithms[HASH_ALGORITHM_COUNT];

/* NULL where there is none of that number. */
const struct hash_algorithm *hash_algorithm_find(enum digest_algorithm digest);

struct curve_algorithm {
    enum tpm_curve curve;
    unsigned bits;
    uint16_t tpm_identifier; /* TPM_ECC_CURVE (TPM 2.0 part 2, 6.4) */
    int nid;                 /* of libcrypto */
    char name[8];            /* FIPS 186: "P-256" */
    char openssl_name[12], secg_name[12];
    uint8_t oid_size;
    uint8_t oid[10]; /* DER of the object identifier (RFC 5480, 2.1.1.1) */
};

/* From the smallest to the largest. */
extern const struct curve_algorithm curve_algorithms[CURVE_COUNT];

/* NULL for TPM_CURVE_NONE and what is no curve. */
const struct curve_algorithm *curve_algorithm_find(enum tpm_curve curve);
/* By any of its names; NULL when unknown. */
const struct curve_algorithm *curve_algorithm_named(const char *name);

#endif
