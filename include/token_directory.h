/*
 * The token directory: the whole contract between intune-enroll, which writes it, and
 * intune-tpm-pkcs11.so, which shows it.
 *
 *   current -> generations/3        the only thing a switch changes
 *   generations/3/token.conf        everything the module shows, parsed once by the helper
 *   generations/3/device.key        the TPM-wrapped key, "TSS2 PRIVATE KEY" PEM
 *   generations/3/device.crt        the issued certificate, PEM (absent while an enrolment is pending)
 *   generations/3/chain.crt         the issuing certificates the server sent, PEM (absent if none)
 *
 * A generation is complete and synced before `current` moves and never changes afterwards. The reader
 * opens `current` once and reads through that descriptor, so it never mixes two generations.
 * token.conf is "key = value" lines under "[section]" headings; binary values are base64 on one line.
 */
#ifndef INTUNE_TOKEN_DIRECTORY_H
#define INTUNE_TOKEN_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tpm.h"

#define TOKEN_LABEL_MAX 32
#define TOKEN_SERIAL_MAX 16
#define TOKEN_ID_MAX 32
#define TOKEN_CHAIN_MAX 16
#define TOKEN_CERTIFICATE_MAX 16384 /* bytes of DER */

#define TOKEN_SYSTEM_DIRECTORY "/var/lib/intune-tpm"

/* A run of bytes owned by the structure that holds it. */
struct token_bytes {
    uint8_t *data;
    size_t size;
};

/* A certificate with the facts the module shows of it; all DER encoded as X.509 has them. */
struct token_certificate {
    struct token_bytes value;             /* the certificate itself */
    struct token_bytes subject;           /* Name */
    struct token_bytes issuer;            /* Name */
    struct token_bytes serial_number;     /* INTEGER, with tag and length */
    struct token_bytes public_key_info;   /* SubjectPublicKeyInfo */
    uint8_t subject_public_key_hash[20];  /* SHA-1 of the subject's public key BIT STRING's content */
    uint8_t issuer_public_key_hash[20];   /* the same of the issuer's, valid if has_issuer_public_key_hash */
    bool has_issuer_public_key_hash;
    char not_before[9];                   /* UTC date, YYYYMMDD */
    char not_after[9];
    uint8_t id[TOKEN_ID_MAX];             /* CKA_ID: the device certificate's is the key's */
    size_t id_size;
};

/* One complete generation of the token. */
struct token_generation {
    char label[TOKEN_LABEL_MAX + 1];      /* token label; stable over renewals */
    char serial[TOKEN_SERIAL_MAX + 1];    /* token serial number; stable over renewals */
    char object_label[TOKEN_LABEL_MAX + 1]; /* CKA_LABEL of the three of a kind; stable over renewals */
    uint8_t id[TOKEN_ID_MAX];             /* CKA_ID of the three of a kind; stable over renewals */
    size_t id_size;
    char manufacturer[33];                /* of the TPM, as recorded at enrolment */
    char model[17];
    uint8_t firmware_major, firmware_minor;
    struct tpm_key key;                   /* see tpm.h */
    struct token_bytes public_key_info;   /* SubjectPublicKeyInfo of the key, DER */
    bool has_certificate;                 /* false while an enrolment is pending */
    struct token_certificate certificate;
    size_t chain_count;
    struct token_certificate chain[TOKEN_CHAIN_MAX]; /* issuer of the device certificate first */
    unsigned long number;                 /* of the generation, from the name of its directory */
};

enum token_status {
    TOKEN_OK,
    TOKEN_ABSENT,     /* no `current` there */
    TOKEN_DENIED,     /* permission */
    TOKEN_MALFORMED,  /* a file is missing, oversized or not what it should be */
    TOKEN_NO_MEMORY,
    TOKEN_IO,         /* errno says what */
};

/*
 * Finds the token directory: $INTUNE_TPM_TOKEN_DIR (secure_getenv), else the user's own
 * ($XDG_DATA_HOME/intune-tpm or ~/.local/share/intune-tpm) if it has a `current`, else the system's.
 * ret_path takes `size` bytes at most, NUL-terminated. Returns false when the path does not fit.
 */
bool token_directory_find(char *ret_path, size_t size) __attribute__((warn_unused_result));

/*
 * Reads the generation that `current` in directory points to. On TOKEN_OK *ret_generation is the caller's, to be
 * given to token_generation_free(). `ret_why` (may be NULL, else `why_size` bytes) gets one sentence naming the
 * file and what is wrong with it when the status is not TOKEN_OK.
 */
enum token_status token_generation_read(const char *directory, struct token_generation **ret_generation, char *ret_why,
                                        size_t why_size) __attribute__((warn_unused_result));

/*
 * The identity of what `current` points to now (st_dev, st_ino, and mtime of the generation folded into 32 bytes), to
 * notice a switch without reading anything. False when there is none.
 */
bool token_generation_stamp(const char *directory, uint8_t ret_stamp[32]) __attribute__((warn_unused_result));

void token_generation_free(struct token_generation *generation);

#endif
