/* What is enrolled: the current generation of a token directory and, where this user may read them, the
 * record of the enrolment and the outcome of the last renewal. */
#ifndef ENROLL_ENROLMENT_ENROLLED_H
#define ENROLL_ENROLMENT_ENROLLED_H

#include <stdbool.h>
#include <time.h>

#include "enrollment.h"
#include "error.h"
#include "record.h"
#include "token_directory.h"
#include "tpm.h"

/* Zero is a valid, empty value. */
struct enrolled {
    struct token_generation *generation; /* NULL: none */
    bool has_record;
    struct record record;
    struct enrollment_state state;
    struct record check_in; /* of a protocol that has one, as protocol.h says; else empty */
};

/*
 * Reads them, after completing what a killed run left (enrolled_complete). ENROLL_NOT_ENROLLED: there is no
 * token. ENROLL_TOKEN_DIRECTORY: damaged or unreadable. Free with enrolled_clear(), also after an error.
 */
enum enroll_exit enrolled_read(const char *directory, struct enrolled *ret_enrolled,
                               struct enroll_error *ret_error) __attribute__((warn_unused_result));
void enrolled_clear(struct enrolled *enrolled);

/*
 * A run that was killed between the switch of `current` and its record is completed, where this user may
 * write and no other run is at work. A failure is ignored: what is there is read as it is.
 */
void enrolled_complete(const char *directory);

/* True while there is a certificate that is valid now; its clock may be five minutes ahead of ours. */
bool enrolled_valid(const struct enrolled *enrolled);

/* When the certificate is to be renewed; 0 when there is none. record may be NULL. */
time_t enrolled_renewal_due(const struct token_generation *generation, const struct record *record);

/*
 * Whether the TPM still has the key: TPM_OK, TPM_WRONG_KEY when it certainly has not (*ret_error then says
 * so, ENROLL_KEY_LOST), anything else where it cannot be asked.
 */
enum tpm_status enrolled_key_probe(const struct enrolled *enrolled, struct tpm *tpm, const char *directory,
                                   struct enroll_error *ret_error) __attribute__((warn_unused_result));

#endif
