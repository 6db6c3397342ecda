/*
 * The mechanisms of the module, as one table: what a token lists, what a key allows and how each is computed.
 */
#ifndef SIGN_MECHANISM_H
#define SIGN_MECHANISM_H

#include <stdbool.h>

#include "digest.h"
#include "pkcs11.h"
#include "tpm.h"

#define MECHANISM_COUNT_MAX 32

enum mechanism_family {
    FAMILY_DIGEST,
    FAMILY_RSA_PKCS1,
    FAMILY_RSA_PSS,
    FAMILY_RSA_RAW,
    FAMILY_ECDSA,
};

struct mechanism {
    CK_MECHANISM_TYPE type;
    enum mechanism_family family;
    enum digest_algorithm digest; /* of hash-and-sign; DIGEST_NONE where the caller has hashed */
};

/* The mechanism of that number, or NULL. */
const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type);

/* Whether a key of this type can do it; a digest needs no key and goes with every one. */
bool mechanism_suits(const struct mechanism *mechanism, enum tpm_key_type type);

/*
 * The mechanisms for a key of this type, with (a token's list) or without (CKA_ALLOWED_MECHANISMS) the
 * digests. Returns how many were written.
 */
size_t mechanism_list(enum tpm_key_type type, bool with_digests,
                      CK_MECHANISM_TYPE ret_types[MECHANISM_COUNT_MAX]);

/* The CK_MECHANISM_INFO for this key. */
void mechanism_info(const struct mechanism *mechanism, const struct tpm_public_key *key,
                    CK_MECHANISM_INFO *ret_info);

/* The digest that a CKM_SHA* number names, as PSS parameters use them; DIGEST_NONE for others. */
enum digest_algorithm mechanism_digest(CK_MECHANISM_TYPE type);

#endif
