/*
 * The TPM interface: every TPM command of this project is sent by module/tpm through these functions, which
 * are named for what they do for the callers. No TSS type appears here.
 *
 * Rules (TPM 2.0 Library, parts 1 and 3):
 * - Nothing is held in the TPM between two calls: no loaded object, no session.
 * - The connection opens at the first command. It is kept for the next one only where that shuts nobody
 *   out (device:/dev/tpmrm*, tabrmd), else it is closed after each call. No thread, no signal, no output.
 * - A `struct tpm` is not thread-safe: its owner serialises the calls. Any number may exist.
 * - Authorization failures are never repeated. TPM_RC_RETRY, YIELDED and TESTING are, with bounded
 *   back-off, and so is a full object memory; a reset or a lost connection is recovered from once.
 * - No libcrypto operation that an engine or a provider could take over is used: an application may have
 *   made a PKCS #11 engine over this very module its default.
 */
#ifndef INTUNE_TPM_H
#define INTUNE_TPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TPM_TCTI_DEFAULT  "device:/dev/tpmrm0"
#define TPM_BLOB_MAX      1400 /* bytes of a marshalled TPM2B_PUBLIC or TPM2B_PRIVATE */
#define TPM_NAME_MAX      66   /* bytes of a TPM object name */
#define TPM_RSA_MAX       512  /* bytes of an RSA-4096 modulus */
#define TPM_EC_MAX        66   /* bytes of a P-521 coordinate */
#define TPM_AUTH_SIZE     32   /* bytes of an authorization value derived from a PIN */
#define TPM_PIN_SALT_SIZE 16
#define TPM_PIN_MIN       4
#define TPM_PIN_MAX       127

struct tpm;

enum tpm_status {
    TPM_OK,
    TPM_UNREACHABLE,      /* no device, no listener, or the connection broke */
    TPM_PERMISSION,       /* this user may not open the device */
    TPM_BUSY,             /* in use by another process, or its memory stayed full during the back-off */
    TPM_BAD_TCTI,         /* no such TCTI, or not a TPM device */
    TPM_AUTH_FAILED,      /* wrong PIN (or wrong owner authorization) */
    TPM_LOCKED_OUT,       /* dictionary-attack lock-out */
    TPM_WRONG_KEY,        /* the key does not belong to this TPM, or its parent was replaced */
    TPM_HIERARCHY_DENIED, /* owner hierarchy has an authorization or is disabled */
    TPM_NO_SPACE,         /* no room for another persistent object */
    TPM_UNSUPPORTED,      /* the TPM does not have this algorithm, size or curve */
    TPM_BAD_ARGUMENT,     /* the caller's digest, block or size is not possible for this key */
    TPM_CANCELED,
    TPM_NO_MEMORY, /* in this process */
    TPM_FAILED,    /* anything else: tpm_last_response_code() has the code */
};

enum tpm_key_type { TPM_KEY_RSA = 1, TPM_KEY_EC = 2 };
enum tpm_curve { TPM_CURVE_NONE, TPM_CURVE_P256, TPM_CURVE_P384, TPM_CURVE_P521 };
enum tpm_hash { TPM_HASH_NONE, TPM_HASH_SHA1, TPM_HASH_SHA256, TPM_HASH_SHA384, TPM_HASH_SHA512 };

/* A public key, big-endian numbers without sign byte. */
struct tpm_public_key {
    enum tpm_key_type type;
    unsigned bits;                        /* RSA: modulus; EC: curve */
    uint8_t modulus[TPM_RSA_MAX];         /* RSA; bits / 8 bytes */
    uint32_t exponent;                    /* RSA; 65537 */
    enum tpm_curve curve;                 /* EC */
    uint8_t x[TPM_EC_MAX], y[TPM_EC_MAX]; /* EC; coordinates, left-padded to (bits + 7) / 8 bytes */
};

/* A device key: what token.conf and device.key record, and what is needed to use it. Public data. */
struct tpm_key {
    struct tpm_public_key public_key;
    uint8_t public_blob[TPM_BLOB_MAX]; /* TPM2B_PUBLIC, marshalled with its size */
    size_t public_blob_size;
    uint8_t private_blob[TPM_BLOB_MAX]; /* TPM2B_PRIVATE, marshalled with its size */
    size_t private_blob_size;
    uint32_t parent; /* 0x81000001, or 0x40000001: create the TCG ECC P-256 SRK under the owner */
    uint8_t parent_public[TPM_BLOB_MAX]; /* TPM2B_PUBLIC of the parent, pinned at enrolment; its name follows
                                            from it */
    size_t parent_public_size;
    uint32_t persistent_handle; /* 0x8101xxxx where the key is also resident, else 0 */
    bool has_pin;               /* false: empty authorization value, noDA */
    uint8_t pin_salt[TPM_PIN_SALT_SIZE];
};

/* The authorization value of a key with a PIN. Callers wipe it (OPENSSL_cleanse). NULL stands for the empty
 * value. */
struct tpm_auth {
    uint8_t value[TPM_AUTH_SIZE];
    /*
     * Set to true when the TPM refuses the value; NULL if unused. While true, signatures fail with
     * TPM_AUTH_FAILED without a command: after a PIN change elsewhere, threads that share a login move the
     * lock-out counter once, not once each.
     */
    bool *refused;
};

/*
 * Allocates a TPM context. Does not connect. tcti: "device:PATH", "swtpm:...", "mssim:...", "tabrmd:...",
 * or NULL for TPM_TCTI_DEFAULT. Never the TSS's own search. NULL when memory is out.
 */
struct tpm *tpm_new(const char *tcti);
/* Closes the connection, if one is open, and frees the context. NULL is allowed. */
void tpm_free(struct tpm *tpm);
/* In a forked child: drops the context without touching the inherited connection. NULL is allowed. */
void tpm_abandon(struct tpm *tpm);
/* Like tpm_abandon() for a context that another thread of the parent was using: its memory is leaked. */
void tpm_abandon_in_use(struct tpm *tpm);

/*
 * pthread_atfork(3) handlers, so that a child knows every connection it inherits. tpm_fork_begin() waits for
 * microseconds; if it returns false, tpm_fork_end() must not be called. The child calls tpm_fork_child()
 * instead, which closes its copies of sockets; tpm_abandon() closes those of devices.
 */
bool tpm_fork_begin(void) __attribute__((warn_unused_result));
void tpm_fork_end(void);
void tpm_fork_child(void);

/* The message for a status, without device names. Never NULL. */
const char *tpm_status_text(enum tpm_status status);
/* The last TSS2_RC that was not success, 0 if none; for logs. */
uint32_t tpm_last_response_code(const struct tpm *tpm);
/* Where the last call that failed did: its function, the TPM command, the response code and its meaning, as
 * one line without line feed. For logs; nothing secret. */
#define TPM_FAILURE_MAX 160 /* bytes that are always enough */
void tpm_failure_describe(const struct tpm *tpm, char *ret_text, size_t size);

/* ---- signatures: exactly one command with a resident key, three with a wrapped one ---- */

/*
 * ECDSA over an input of any length of 1 byte or more; the left-most bits are used as FIPS 186-5, 6.4 says.
 * ret_signature: r then s, each (bits + 7) / 8 bytes; *ret_size is their sum. The signature was verified in
 * software. TPM 2.0 part 3, 20.2 (TPM2_Sign). TPM_BAD_ARGUMENT on P-521 for more than 64 bytes: no hash of a
 * TPM is as long as that curve's order.
 */
enum tpm_status tpm_sign_ecdsa(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                               const uint8_t *digest, size_t digest_size,
                               uint8_t ret_signature[2 * TPM_EC_MAX], size_t *ret_size)
    __attribute__((warn_unused_result));

/*
 * RSASSA-PKCS1-v1_5 with TPM2_Sign, for a digest of a hash that the TPM has. ret_signature takes bits / 8
 * bytes, always all of them. TPM_UNSUPPORTED when the TPM lacks the hash: the caller pads and uses
 * tpm_rsa_private().
 */
enum tpm_status tpm_sign_rsassa(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                enum tpm_hash hash, const uint8_t *digest, size_t digest_size,
                                uint8_t ret_signature[TPM_RSA_MAX]) __attribute__((warn_unused_result));

/*
 * The raw RSA private operation (TPM2_RSA_Decrypt with the NULL scheme, part 3, 14.3) on a padded block of
 * exactly bits / 8 bytes. The result, left-padded to bits / 8 bytes, was checked against the public key.
 */
enum tpm_status tpm_rsa_private(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                const uint8_t *block, uint8_t ret_result[TPM_RSA_MAX])
    __attribute__((warn_unused_result));

/* ---- PIN ---- */

/* PBKDF2-HMAC-SHA-256 of a PIN with the key's salt. pin: TPM_PIN_MIN to TPM_PIN_MAX bytes, else false. */
bool tpm_auth_derive(const uint8_t *pin, size_t pin_size, const uint8_t salt[TPM_PIN_SALT_SIZE],
                     struct tpm_auth *ret_auth) __attribute__((warn_unused_result));

/* Asks the TPM whether auth is the key's, inside a salted session; at most 2 commands with a resident key; no
 * signature is made. Asks also about a value that was refused before. */
enum tpm_status tpm_auth_check(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth)
    __attribute__((warn_unused_result));

/* The TPM's dictionary-attack state. One command. */
struct tpm_lockout {
    uint32_t failures;         /* TPM2_PT_LOCKOUT_COUNTER */
    uint32_t max_failures;     /* TPM2_PT_MAX_AUTH_FAIL */
    uint32_t recovery_seconds; /* TPM2_PT_LOCKOUT_INTERVAL */
    bool locked;               /* inLockout */
};
enum tpm_status tpm_lockout_read(struct tpm *tpm, struct tpm_lockout *ret_lockout)
    __attribute__((warn_unused_result));
/* Like tpm_lockout_read(), but gives up after 1 s if the TPM is busy or silent. No effect on device TCTIs,
 * where the kernel's timeouts apply. */
enum tpm_status tpm_lockout_read_quick(struct tpm *tpm, struct tpm_lockout *ret_lockout)
    __attribute__((warn_unused_result));

/* ---- for intune-enroll ---- */

struct tpm_facts {
    char manufacturer[33];           /* TPM2_PT_MANUFACTURER as text, "IBM" */
    char model[17];                  /* the vendor strings, "SW   TPM" with the padding removed */
    uint32_t firmware_1, firmware_2; /* TPM2_PT_FIRMWARE_VERSION_1 and _2 */
    uint32_t revision;               /* specification, 138 = 1.38 */
    unsigned rsa_max_bits; /* 0 when the TPM has no RSA; tried sizes 2048, 3072, 4096 (TPM2_TestParms) */
    bool p256, p384, p521;
    unsigned persistent_free; /* TPM2_PT_HR_PERSISTENT_AVAIL */
    bool owner_has_authorization;
};
enum tpm_status tpm_facts_read(struct tpm *tpm, struct tpm_facts *ret_facts)
    __attribute__((warn_unused_result));

/*
 * Makes a device key in the TPM: sensitiveDataOrigin, fixedTPM, fixedParent, userWithAuth, sign; RSA also
 * decrypt (raw RSA for PSS); not restricted; scheme NULL; noDA when auth is NULL. bits: RSA 2048, 3072, 4096;
 * EC by curve. Parent: the object at 0x81000001 when it is an ECC P-256 storage key; where that handle is
 * empty and `may_persist`, the TCG SRK is made and stored there; else the TCG SRK is created for the moment.
 * auth and pin_salt are both NULL or both given. *ret_key is written on success only; nothing stays in the
 * TPM but, where allowed, the SRK.
 */
struct tpm_key_request {
    enum tpm_key_type type;
    unsigned bits;        /* RSA */
    enum tpm_curve curve; /* EC */
    bool may_persist;
};
enum tpm_status tpm_key_create(struct tpm *tpm, const struct tpm_key_request *request,
                               const struct tpm_auth *auth, const uint8_t *pin_salt, struct tpm_key *ret_key)
    __attribute__((warn_unused_result));

/* Makes the key resident at a free handle of 0x81010001 and up; sets *ret_handle. */
enum tpm_status tpm_key_persist(struct tpm *tpm, const struct tpm_key *key, uint32_t *ret_handle)
    __attribute__((warn_unused_result));

/*
 * Whether this TPM still has the key, without a signature and without its PIN: one command for a resident
 * key, a load and a flush for a wrapped one. TPM_WRONG_KEY: it cannot be used with this TPM any more.
 */
enum tpm_status tpm_key_probe(struct tpm *tpm, const struct tpm_key *key) __attribute__((warn_unused_result));

/* Removes the key from key->persistent_handle if it is this very key that stands there; TPM_OK also when
 * nothing is there. */
enum tpm_status tpm_key_evict(struct tpm *tpm, const struct tpm_key *key) __attribute__((warn_unused_result));

/*
 * The persistent handles in our range (0x81010001 to 0x8101ffff) with the public keys of what stands there,
 * so that an orphan of an interrupted run can be recognised by its public key. Fills up to `capacity`;
 * *ret_count is how many.
 */
struct tpm_resident {
    uint32_t handle;
    struct tpm_public_key public_key;
};
enum tpm_status tpm_resident_list(struct tpm *tpm, struct tpm_resident *ret_list, size_t capacity,
                                  size_t *ret_count) __attribute__((warn_unused_result));

/* Evicts whatever stands at a handle of our range, if its public key is the one given. */
enum tpm_status tpm_resident_evict(struct tpm *tpm, const struct tpm_resident *resident)
    __attribute__((warn_unused_result));

/*
 * Changes the key's authorization (TPM2_ObjectChangeAuth, parameter-encrypted): *ret_key is the key with a
 * new private blob, not resident. new_auth and new_salt both NULL take the PIN away. Whether noDA is set is
 * fixed at creation, so a key made without a PIN cannot get one: TPM_BAD_ARGUMENT.
 */
enum tpm_status tpm_key_change_auth(struct tpm *tpm, const struct tpm_key *key, const struct tpm_auth *auth,
                                    const struct tpm_auth *new_auth, const uint8_t *new_salt,
                                    struct tpm_key *ret_key) __attribute__((warn_unused_result));

/*
 * Whether an ECDSA signature (r then s, as tpm_sign_ecdsa() gives it) of this digest is the key's. No command
 * is sent; like the check of each signature it touches nothing of libcrypto that an engine could
 * serve.
 */
bool tpm_public_verify_ecdsa(const struct tpm_public_key *key, const uint8_t *digest, size_t digest_size,
                             const uint8_t *signature) __attribute__((warn_unused_result));

/* Reads public_blob into a public key, strictly; false when it is not an RSA or EC signing key. No command is
 * sent. */
bool tpm_public_parse(const uint8_t *blob, size_t size, struct tpm_public_key *ret_public)
    __attribute__((warn_unused_result));

#endif
