/*
 * One key on its way to a certificate, for enrolment and renewal alike: made in the TPM, recorded in
 * pending/, its request signed there; then, when the certificate has come, made resident and installed as a
 * generation.
 */
#ifndef ENROLL_INSTALL_ISSUANCE_H
#define ENROLL_INSTALL_ISSUANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "directory.h"
#include "enrollment.h"
#include "error.h"
#include "key_choice.h"
#include "received.h"
#include "record.h"
#include "requirements.h"
#include "token_directory.h"
#include "tpm.h"

#define ISSUANCE_LABEL        "intune-tpm" /* of the token */
#define ISSUANCE_OBJECT_LABEL "device"

enum issuance_persistence {
    PERSISTENT_AUTO, /* resident where the TPM allows it */
    PERSISTENT_YES,  /* or fail */
    PERSISTENT_NO,
};

/* "yes", "no", "auto"; anything else, and NULL, is as good as "auto". */
enum issuance_persistence issuance_persistence_of(const char *text);

struct issuance_options {
    const struct install_directory *directory;
    struct tpm *tpm;
    const char *tcti;
    const struct tpm_facts *facts;
    const struct token_generation *previous; /* label, serial and ids stay as there; NULL at first */
    const char *label;                       /* of a first token; NULL: ISSUANCE_LABEL */
    enum issuance_persistence persistence;
    struct key_choice key;
    bool keep_key_kind; /* without a choice: a key like that of previous, if the policy allows it */
    bool request_extensions;
    const char *pin;       /* NULL: none */
    struct record *record; /* what is known so far; goes into pending/ */
    void (*note)(void *context, bool warning, const char *text); /* a line for people; may be NULL */
    void *note_context;
};

struct issuance;

struct issuance *issuance_new(const struct issuance_options *options) __attribute__((warn_unused_result));

/* Takes up the key of pending/ again, for enroll --resume. ENROLL_NOT_ENROLLED when there is none. */
enum enroll_exit issuance_resume(struct issuance *issuance, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/*
 * What make_request of protocol.h has to do: chooses the key, makes it, writes pending/, signs. Errors:
 * ENROLL_POLICY (the policy does not allow what is asked for, or the TPM cannot do it), ENROLL_TPM,
 * ENROLL_TOKEN_DIRECTORY.
 */
enum enroll_exit issuance_request(struct issuance *issuance,
                                  const struct certificate_requirements *requirements,
                                  const char *common_name, uint8_t **ret_request, size_t *ret_size,
                                  struct enroll_error *ret_error) __attribute__((warn_unused_result));

/*
 * The certificate has come: finds and checks it, makes the key resident, writes the generation, switches, and
 * evicts and removes what is of no more use. the record of the options is written with it. After ENROLL_OK
 * the generation is current; after an error the old token is as it was, and the key is out of the TPM.
 */
enum enroll_exit issuance_install(struct issuance *issuance, const struct received_certificates *received,
                                  struct enroll_error *ret_error) __attribute__((warn_unused_result));

/* The server decides later: the key stays in pending/ with the enrolment. */
enum enroll_exit issuance_suspend(struct issuance *issuance, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* What was neither installed nor suspended is given up: pending/ goes. */
void issuance_settle(struct issuance *issuance);

/* Hands over the generation that was installed; the caller frees it with token_generation_free(). */
struct token_generation *issuance_generation_take(struct issuance *issuance)
    __attribute__((warn_unused_result));

/* Settles and frees it. NULL is allowed. */
void issuance_free(struct issuance *issuance);

#endif
