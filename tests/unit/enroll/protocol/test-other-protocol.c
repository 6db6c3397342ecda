/*
 * A protocol of this test's own, with a service that is a function: enrolment, renewal and refusal through
 * the use cases, on a software TPM. It is all that a new protocol needs: a descriptor, and a line in the
 * table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "attempt.h"
#include "tpm-simulator.h"

/* ---- the service ---- */

static EVP_PKEY *authority_key;
static X509 *authority;
static bool refusing;
static char seen_common_name[64];
static size_t renewals_with_the_present_certificate;

static X509 *certificate_issue(X509_NAME *subject, EVP_PKEY *key, bool is_authority)
{
    static long serial;
    X509 *certificate = X509_new();
    X509V3_CTX context;
    assert_non_null(certificate);
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial), 1);
    assert_int_equal(X509_set_subject_name(certificate, subject), 1);
    assert_int_equal(
        X509_set_issuer_name(certificate, is_authority ? subject : X509_get_subject_name(authority)), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), 90 * 86400L));
    assert_int_equal(X509_set_pubkey(certificate, key), 1);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    if (is_authority) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf_nid(NULL, &context, NID_basic_constraints, "critical,CA:TRUE");
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(certificate, authority_key, EVP_sha256()) > 0);
    return certificate;
}

static void received_add(struct protocol_answer *answer, enum received_role role, X509 *certificate)
{
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    assert_true(size > 0);
    assert_true(received_certificate_add(&answer->received, role, der, (size_t)size));
    OPENSSL_free(der);
}

/* ---- the protocol ---- */

static enum enroll_exit paper_open(const struct protocol_request *request, void **ret_session,
                                   struct enroll_error *ret_error)
{
    (void)ret_error;
    *ret_session = (void *)(uintptr_t)request;
    return ENROLL_OK;
}

static void paper_close(void *session)
{
    (void)session;
}

static enum enroll_exit paper_enrol(void *session, struct protocol_answer *ret_answer,
                                    struct enroll_error *ret_error)
{
    const struct protocol_request *request = session;
    uint8_t *der = NULL;
    size_t size = 0;
    certificate_requirements_default(&ret_answer->requirements);
    ret_answer->requirements.key_type = TPM_KEY_EC;
    ret_answer->requirements.minimum_bits = 256;
    ret_answer->requirements.curve = TPM_CURVE_P256;
    request->progress(request->context, 1, PROGRESS_STARTED, "writing a letter");
    if (refusing) {
        enroll_error_set(ret_error, ENROLL_REFUSED, "", "the letter came back");
        ret_error->step = 1;
        return ENROLL_REFUSED;
    }
    request->progress(request->context, 1, PROGRESS_DONE, "");
    request->progress(request->context, 2, PROGRESS_STARTED, "waiting for the answer");
    enum enroll_exit status = request->make_request(
        request->context, &ret_answer->requirements,
        request->settings[0] != NULL ? request->settings[0] : "device", &der, &size, ret_error);
    if (status != ENROLL_OK)
        return status;
    const unsigned char *cursor = der;
    X509_REQ *csr = d2i_X509_REQ(NULL, &cursor, (long)size);
    assert_non_null(csr);
    assert_int_equal(X509_REQ_verify(csr, X509_REQ_get0_pubkey(csr)), 1);
    X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(csr), NID_commonName, seen_common_name,
                              sizeof(seen_common_name));
    X509 *certificate = certificate_issue(X509_REQ_get_subject_name(csr), X509_REQ_get0_pubkey(csr), false);
    received_add(ret_answer, RECEIVED_DEVICE, certificate);
    received_add(ret_answer, RECEIVED_ROOT, authority);
    X509_free(certificate);
    X509_REQ_free(csr);
    free(der);
    assert_true(record_set(request->record, "paper", "letterbox", "17"));
    request->progress(request->context, 2, PROGRESS_DONE, "");
    return ENROLL_OK;
}

static enum enroll_exit paper_renew(void *session, struct protocol_answer *ret_answer,
                                    struct enroll_error *ret_error)
{
    const struct protocol_request *request = session;
    const unsigned char *cursor = request->present->certificate;
    X509 *present = d2i_X509(NULL, &cursor, (long)request->present->certificate_size);
    if (present != NULL && X509_verify(present, authority_key) == 1)
        renewals_with_the_present_certificate++;
    X509_free(present);
    assert_string_equal(record_get(request->record, "paper", "letterbox"), "17");
    return paper_enrol(session, ret_answer, ret_error);
}

static const struct protocol_step steps[] = {
    {"write", "Writing a letter", "Post office"}, {"wait", "Waiting for the answer", "Post office"}, {0}};
static const struct setting sender = {.name = "sender", .argument = "NAME", .help = "who writes"};
static const struct setting *const settings[] = {&sender, NULL};
static const struct protocol_fact facts[] = {{"paper", "letterbox", "Letterbox", true}, {0}};

static const struct protocol protocol_paper = {
    .name = "paper",
    .title = "letters",
    .steps = steps,
    .key_step = 2,
    .settings = settings,
    .facts = facts,
    .open = paper_open,
    .close = paper_close,
    .enrol = paper_enrol,
    .renew = paper_renew,
};

const struct protocol *const protocols[] = {&protocol_paper, NULL};

/* ---- the operator ---- */

struct person {
    struct simulator simulator;
    struct tpm *tpm;
    char directory[96];
    const char *settings[1];
    unsigned steps_done;
    struct attempt_options options;
    struct attempt_outcome outcome;
    struct enroll_error error;
};

static void progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    struct person *person = context;
    (void)text;
    if (state == PROGRESS_DONE)
        person->steps_done |= 1U << step;
}

static bool confirm(void *context, const char *question)
{
    (void)context;
    (void)question;
    return false;
}

static enum enroll_exit pin_read(void *context, bool for_new_key, char **ret_pin,
                                 struct enroll_error *ret_error)
{
    (void)context;
    (void)for_new_key;
    (void)ret_error;
    *ret_pin = NULL;
    return ENROLL_OK;
}

static void pin_free(char *pin)
{
    free(pin);
}

static enum enroll_exit remove_confirm(void *context, struct enroll_error *ret_error)
{
    (void)context;
    (void)ret_error;
    return ENROLL_OK;
}

static void said(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static void chosen(void *context, const struct protocol *protocol)
{
    (void)context;
    assert_ptr_equal(protocol, &protocol_paper);
}

static int person_begin(void **state)
{
    static struct person person;
    static const struct credential_options credentials;
    X509_NAME *name = X509_NAME_new();
    person = (struct person){0};
    simulator_start(&person.simulator);
    person.tpm = tpm_new(person.simulator.tcti);
    assert_non_null(person.tpm);
    snprintf(person.directory, sizeof(person.directory), "%s/token", person.simulator.directory);
    person.options = (struct attempt_options){
        .token_directory = person.directory,
        .tpm = person.tpm,
        .tcti = person.simulator.tcti,
        .address = "alice@contoso.test",
        .settings = person.settings,
        .credentials = &credentials,
        .context = &person,
        .progress = progress,
        .confirm = confirm,
        .pin_read = pin_read,
        .pin_free = pin_free,
        .remove_confirm = remove_confirm,
        .warn = said,
        .detail = said,
        .chosen = chosen,
    };
    authority_key = EVP_EC_gen("P-256");
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"Post office", -1, -1, 0),
        1);
    authority = certificate_issue(name, authority_key, true);
    X509_NAME_free(name);
    refusing = false;
    *state = &person;
    return 0;
}

static int person_end(void **state)
{
    struct person *person = *state;
    attempt_outcome_clear(&person->outcome);
    tpm_free(person->tpm);
    simulator_remove(&person->simulator);
    X509_free(authority);
    EVP_PKEY_free(authority_key);
    return 0;
}

static void a_protocol_needs_nothing_but_its_descriptor(void **state)
{
    struct person *person = *state;
    person->settings[0] = "Alice's machine";
    if (attempt_enrol(&person->options, &person->outcome, &person->error) != ENROLL_OK)
        fail_msg("%s", person->error.message);
    assert_string_equal(person->outcome.action, "enrolled");
    assert_string_equal(seen_common_name, "Alice's machine");
    assert_int_equal(person->steps_done, 1U << STEP_PREPARE | 1U << 1 | 1U << 2 | 1U << STEP_INSTALL);
    assert_true(person->outcome.now.generation->has_certificate);
    assert_int_equal(person->outcome.now.generation->chain_count, 1);
    assert_string_equal(record_get(&person->outcome.now.record, RECORD_PROTOCOL), "paper");
    assert_int_equal(simulator_count(&person->simulator, "handles-persistent"),
                     2); /* the key and its parent */
    attempt_outcome_clear(&person->outcome);

    /* Again: the same address is no error. */
    assert_int_equal(attempt_enrol(&person->options, &person->outcome, &person->error), ENROLL_OK);
    assert_string_equal(person->outcome.action, "unchanged");
    attempt_outcome_clear(&person->outcome);

    person->options.force = true;
    assert_int_equal(attempt_renew(&person->options, &person->outcome, &person->error), ENROLL_OK);
    assert_string_equal(person->outcome.action, "renewed");
    assert_int_equal(renewals_with_the_present_certificate, 1);
    assert_int_equal(person->outcome.now.generation->number, 2);
    assert_int_equal(simulator_count(&person->simulator, "handles-persistent"), 2);
    attempt_outcome_clear(&person->outcome);

    assert_int_equal(attempt_remove(&person->options, &person->outcome, &person->error), ENROLL_OK);
    assert_string_equal(person->outcome.action, "removed");
}

static void a_refusal_names_the_step_and_leaves_nothing(void **state)
{
    struct person *person = *state;
    refusing = true;
    assert_int_equal(attempt_enrol(&person->options, &person->outcome, &person->error), ENROLL_REFUSED);
    assert_int_equal(person->error.step, 1);
    assert_string_equal(protocol_step_name(&protocol_paper, person->error.step), "write");
    assert_null(person->outcome.action);
    assert_int_equal(simulator_count(&person->simulator, "handles-persistent"), 0);
}

static void what_a_protocol_does_not_have_is_said(void **state)
{
    struct person *person = *state;
    assert_int_equal(attempt_describe(&person->options, &person->outcome, &person->error), ENROLL_USAGE);
    attempt_outcome_clear(&person->outcome);
    assert_int_equal(attempt_enrol(&person->options, &person->outcome, &person->error), ENROLL_OK);
    attempt_outcome_clear(&person->outcome);
    assert_int_equal(attempt_check_in(&person->options, &person->outcome, &person->error), ENROLL_USAGE);
    attempt_outcome_clear(&person->outcome);
    /* The timer runs for every enrolment. */
    person->options.if_due = true;
    assert_int_equal(attempt_check_in(&person->options, &person->outcome, &person->error), ENROLL_OK);
    assert_string_equal(person->outcome.action, "nothing-to-do");
}

int main(void)
{
#define WITH_TPM(test) cmocka_unit_test_setup_teardown(test, person_begin, person_end)
    const struct CMUnitTest tests[] = {
        WITH_TPM(a_protocol_needs_nothing_but_its_descriptor),
        WITH_TPM(a_refusal_names_the_step_and_leaves_nothing),
        WITH_TPM(what_a_protocol_does_not_have_is_said),
    };
    return cmocka_run_group_tests_name("other-protocol", tests, NULL, NULL);
}
