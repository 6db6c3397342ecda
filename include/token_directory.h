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
 * resolves `current` once, which must be a symbolic link of the form generations/NUMBER, and reads through
 * that directory's descriptor, so it never mixes two generations. Both PEM files hold nothing but their
 * certificates.
 *
 * token.conf (keyfile.h) is written by token_conf_format() and holds, all of it required unless said
 * otherwise:
 *
 *   [token]
 *   format = 1
 *   label, serial, object-label           text, see the limits below; printable, no blank at either end
 *   id                                    hexadecimal, CKA_ID
 *   manufacturer, model                   text, may be empty
 *   firmware                              MAJOR.MINOR, 0 to 255 each
 *
 *   [key]
 *   type = rsa | ec
 *   bits = 2048                           rsa
 *   exponent = 65537                      rsa
 *   modulus                               rsa; base64, bits / 8 bytes
 *   curve = P-256 | P-384 | P-521         ec
 *   x, y                                  ec; base64, (bits + 7) / 8 bytes
 *   public-key-info                       base64 DER SubjectPublicKeyInfo
 *   public, private, parent-public        base64 of the marshalled TPM2B_PUBLIC, TPM2B_PRIVATE, TPM2B_PUBLIC
 *   parent = 0x40000001                   handle of the parent
 *   persistent-handle = 0x81010001        absent when the key is not resident
 *   pin-salt                              base64, TPM_PIN_SALT_SIZE bytes; absent when the key has no PIN
 *
 *   [certificate]                         absent while an enrolment is pending
 *   sha256                                hexadecimal, of the DER in device.crt: the two must belong together
 *   subject, issuer, serial-number        base64 DER
 *   public-key-info                       base64 DER; that of [key]
 *   subject-public-key-hash               hexadecimal SHA-1 of the public key's BIT STRING content
 *   issuer-public-key-hash                the same of the issuer's key, absent when it is not known
 *   not-before, not-after                 YYYYMMDD, UTC
 *   id                                    hexadecimal, CKA_ID
 *
 *   [chain.0]                             as [certificate]; the n-th certificate of chain.crt is [chain.n]
 *
 * Unknown sections and keys are left alone, so that a later version may add some under the same format
 * number.
 */
#ifndef INTUNE_TOKEN_DIRECTORY_H
#define INTUNE_TOKEN_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tpm.h"

#define TOKEN_LABEL_MAX       32
#define TOKEN_SERIAL_MAX      16
#define TOKEN_ID_MAX          32
#define TOKEN_CHAIN_MAX       16
#define TOKEN_CERTIFICATE_MAX 16384 /* bytes of DER */

#define TOKEN_SYSTEM_DIRECTORY "/var/lib/intune-tpm"

/* A run of bytes owned by the structure that holds it. */
struct token_bytes {
    uint8_t *data;
    size_t size;
};

/* A certificate with the facts the module shows of it; all DER encoded as X.509 has them. */
struct token_certificate {
    struct token_bytes value;            /* the certificate itself */
    struct token_bytes subject;          /* Name */
    struct token_bytes issuer;           /* Name */
    struct token_bytes serial_number;    /* INTEGER, with tag and length */
    struct token_bytes public_key_info;  /* SubjectPublicKeyInfo */
    uint8_t subject_public_key_hash[20]; /* SHA-1 of the subject's public key BIT STRING's content */
    uint8_t issuer_public_key_hash[20];  /* the same of the issuer's, valid if has_issuer_public_key_hash */
    bool has_issuer_public_key_hash;
    char not_before[9]; /* UTC date, YYYYMMDD */
    char not_after[9];
    uint8_t id[TOKEN_ID_MAX]; /* CKA_ID: the device certificate's is the key's */
    size_t id_size;
};

/* One complete generation of the token. */
struct token_generation {
    char label[TOKEN_LABEL_MAX + 1];        /* token label, UTF-8; stable over renewals */
    char serial[TOKEN_SERIAL_MAX + 1];      /* token serial number; stable over renewals */
    char object_label[TOKEN_LABEL_MAX + 1]; /* CKA_LABEL of the three of a kind; stable over renewals */
    uint8_t id[TOKEN_ID_MAX];               /* CKA_ID of the three of a kind; stable over renewals */
    size_t id_size;
    char manufacturer[33]; /* of the TPM, as recorded at enrolment */
    char model[17];
    uint8_t firmware_major, firmware_minor;
    struct tpm_key key;                 /* see tpm.h */
    struct token_bytes public_key_info; /* SubjectPublicKeyInfo of the key, DER */
    bool has_certificate;               /* false while an enrolment is pending */
    struct token_certificate certificate;
    size_t chain_count;
    struct token_certificate chain[TOKEN_CHAIN_MAX]; /* issuer of the device certificate first */
    unsigned long number;                            /* of the generation, from the name of its directory */
    struct token_bytes conf;                         /* token.conf as it was read; it pins the certificates */
};

enum token_status {
    TOKEN_OK,
    TOKEN_ABSENT,    /* no `current` there */
    TOKEN_DENIED,    /* permission */
    TOKEN_MALFORMED, /* a file is missing, oversized or not what it should be */
    TOKEN_NO_MEMORY,
    TOKEN_IO, /* errno says what */
};

/*
 * Where the environment (secure_getenv) says that a token may be. A program with threads reads it once:
 * getenv(3) may miss a variable, or worse, while another thread changes one.
 */
#define TOKEN_PLACE_MAX 4096
struct token_places {
    bool named;                /* $INTUNE_TPM_TOKEN_DIR: no other place is looked at */
    char own[TOKEN_PLACE_MAX]; /* that, or the user's own; empty where there is none or it is too long */
};
void token_places_read(struct token_places *ret_places);

/* The token directory: the one that is named, else the user's own ($XDG_DATA_HOME/intune-tpm or
 * ~/.local/share/intune-tpm) if it has a `current`, else the system's. NULL when the one named is too long.
 */
const char *token_places_find(const struct token_places *places);

/* Both in one, for a program without threads. ret_path takes `size` bytes at most, NUL-terminated. Returns
 * false when the path does not fit. */
bool token_directory_find(char *ret_path, size_t size) __attribute__((warn_unused_result));

/*
 * Reads the generation that `current` in directory points to. On TOKEN_OK *ret_generation is the caller's, to
 * be given to token_generation_free(). `ret_why` (may be NULL, else `why_size` bytes) gets one sentence
 * naming the file and what is wrong with it when the status is not TOKEN_OK.
 */
enum token_status token_generation_read(const char *directory, struct token_generation **ret_generation,
                                        char *ret_why, size_t why_size) __attribute__((warn_unused_result));

/*
 * The identity of what `current` points to now (st_dev, st_ino, and mtime of the generation folded into 32
 * bytes), to notice a switch without reading anything. False when there is none.
 */
bool token_generation_stamp(const char *directory, uint8_t ret_stamp[32]) __attribute__((warn_unused_result));

void token_generation_free(struct token_generation *generation); /* NULL is allowed */

/*
 * Writes token.conf's text for a generation: *ret_text is malloc()ed, NUL-terminated, *ret_size bytes without
 * the NUL. False when a field cannot be written so that it reads back the same (too long, blanks at the ends
 * of a text, a size that does not fit the key, a missing value) or memory is out. The generation's number and
 * the certificates' DER are not in it; the DER's hash is.
 */
bool token_conf_format(const struct token_generation *generation, char **ret_text, size_t *ret_size)
    __attribute__((warn_unused_result));

#endif
