/*
 * Renewal against a real server, with a key in a (software) TPM behind our module: PKCS #10, CMS and TLS
 * client authentication by that key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mde-harness.h"
#include "signing_key.h"
#include "token_directory.h"
#include "tpm.h"
#include "tpm-simulator.h"

static struct simulator simulator;

static int simulator_begin(void **state)
{
    (void)state;
    harness_directory();
    simulator_start(&simulator);
    setenv("INTUNE_TPM_TCTI", simulator.tcti, 1);
    return 0;
}

static int simulator_end(void **state)
{
    (void)state;
    simulator_remove(&simulator);
    return 0;
}

/* A token with a key in the TPM and no certificate, as it is between the making of the key and the enrolment.
 */
static void token_make(const char *name, const char *type)
{
    char command[512];

    snprintf(command, sizeof(command), "%s --directory %s --type %s --pending >/dev/null",
             getenv("MAKE_TOKEN"), harness_path(name), type);
    assert_int_equal(system(command), 0);
}

/* An enrolment that is to be renewed. */
struct enrolled_device {
    char token[256];
    struct tpm *tpm;
    struct token_generation *generation;
    struct signing_key *key;
    uint8_t certificate[4096];
    size_t certificate_size;
    struct flow_renewal renewal;
    struct mde_server server;
    char url[256];
    const char *arguments[16];
};

static const char *const accepted_hosts[] = {"enterpriseenrollment.contoso.test", NULL};

static void key_open(struct enrolled_device *enrolled)
{
    char why[256];
    struct enroll_error error;

    enrolled->tpm = tpm_new(simulator.tcti);
    assert_non_null(enrolled->tpm);
    assert_int_equal(token_generation_read(enrolled->token, &enrolled->generation, why, sizeof(why)),
                     TOKEN_OK);
    assert_int_equal(
        signing_key_open(enrolled->tpm, &enrolled->generation->key, NULL, &enrolled->key, &error), ENROLL_OK);
}

/* The enrolment itself asks with the TPM's key, so the server sees what it sees of a device. */
static void enrol(struct enrolled_device *enrolled, const char *type, const char *renew_mode)
{
    static unsigned number;
    char name[32];
    struct harness_run run;
    struct issued_certificate issued;
    size_t count = 0;

    snprintf(name, sizeof(name), "token-%u", number++);
    token_make(name, type);
    snprintf(enrolled->token, sizeof(enrolled->token), "%s", harness_path(name));
    enrolled->arguments[count++] = "--token-file";
    enrolled->arguments[count++] = strdup(harness_path("token"));
    enrolled->arguments[count++] = "--validity";
    enrolled->arguments[count++] = "30";
    enrolled->arguments[count++] = "--key";
    enrolled->arguments[count++] = type;
    if (renew_mode != NULL) {
        enrolled->arguments[count++] = "--mode";
        enrolled->arguments[count++] = renew_mode;
    }
    enrolled->arguments[count] = NULL;
    mde_server_start(&enrolled->server, enrolled->arguments);
    key_open(enrolled);
    harness_run_init(&run);
    run.discovery_url = harness_discovery_url(&enrolled->server, HARNESS_HOST);
    snprintf(enrolled->url, sizeof(enrolled->url), "%s", run.discovery_url);
    run.key = signing_key_pkey(enrolled->key);
    harness_enroll(&run, &enrolled->server);
    if (run.status != ENROLL_OK)
        fail_msg("%s [%s]", run.error.message, run.error.server_text);
    assert_int_equal(harness_issued(&run, &issued, &run.error), ENROLL_OK);
    assert_true(issued.certificate->size <= sizeof(enrolled->certificate));
    memcpy(enrolled->certificate, issued.certificate->der, issued.certificate->size);
    enrolled->certificate_size = issued.certificate->size;
    harness_run_clear(&run);
    enrolled->renewal = (struct flow_renewal){.accepted_hosts = accepted_hosts,
                                              .user = HARNESS_ADDRESS,
                                              .certificate = enrolled->certificate,
                                              .certificate_size = enrolled->certificate_size,
                                              .key = enrolled->key};
}

static void enrolled_device_clear(struct enrolled_device *enrolled)
{
    mde_server_stop(&enrolled->server);
    free((char *)(uintptr_t)enrolled->arguments[1]);
    signing_key_close(enrolled->key);
    token_generation_free(enrolled->generation);
    tpm_free(enrolled->tpm);
}

static void renew(struct enrolled_device *enrolled, struct harness_run *run)
{
    harness_run_init(run);
    run->discovery_url = enrolled->url;
    run->address = NULL;
    harness_renew(run, &enrolled->server, &enrolled->renewal);
}

static void renewed_is(const char *type, const char *mode, const char *note)
{
    struct enrolled_device enrolled = {0};
    struct issued_certificate issued;
    struct harness_run run;

    enrol(&enrolled, type, mode);
    renew(&enrolled, &run);
    if (run.status != ENROLL_OK)
        fail_msg("%s [%s]", run.error.message, run.error.server_text);
    assert_int_equal(harness_issued(&run, &issued, &run.error), ENROLL_OK);
    assert_int_equal(run.requests_made, 1);
    if (note != NULL)
        assert_non_null(strstr(run.notes, note));
    harness_run_clear(&run);
    enrolled_device_clear(&enrolled);
}

static void rsa_key_of_the_tpm_renews(void **state)
{
    (void)state;
    renewed_is("rsa", NULL, NULL);
}

static void ec_key_of_the_tpm_renews(void **state)
{
    (void)state;
    renewed_is("ec", NULL, NULL);
}

static void other_value_type_is_tried_once_after_message_format(void **state)
{
    (void)state;
    renewed_is("ec", "renew=wstep-type", "MDE version 1");
}

static void value_type_of_mde2_alone_is_enough(void **state)
{
    (void)state;
    renewed_is("ec", "renew=mde2-type", NULL);
}

static void server_that_does_not_ask_for_a_certificate_over_tls_renews(void **state)
{
    (void)state;
    renewed_is("ec", "renew=optional-tls", NULL);
}

static void user_name_without_password_is_in_the_header(void **state)
{
    (void)state;
    renewed_is("ec", "renew=token-header", NULL);
}

static void refused_is(const char *mode, enum enroll_exit exit_status, const char *words)
{
    struct enrolled_device enrolled = {0};
    struct harness_run run;

    enrol(&enrolled, "ec", mode);
    renew(&enrolled, &run);
    assert_int_equal(run.status, exit_status);
    assert_non_null(strstr(run.error.message, words));
    assert_true(run.error.advice[0] != '\0');
    harness_run_clear(&run);
    enrolled_device_clear(&enrolled);
}

static void refusals_of_the_server_say_to_enrol_again(void **state)
{
    (void)state;
    refused_is("renew=not-eligible", ENROLL_CANNOT_RENEW, "cannot be renewed");
    refused_is("renew=no-type", ENROLL_CANNOT_RENEW, "RequestSecurityToken");
}

static void fault_in_http_200_is_a_refusal(void **state)
{
    (void)state;
    refused_is("renew=fault-200", ENROLL_REFUSED, "the server refused RequestSecurityToken");
}

static void other_host_than_at_enrolment_is_not_spoken_to(void **state)
{
    static const char *const others[] = {"mdm.fabrikam.test", NULL};
    struct enrolled_device enrolled = {0};
    struct harness_run run;

    (void)state;
    enrol(&enrolled, "ec", NULL);
    enrolled.renewal.accepted_hosts = others;
    renew(&enrolled, &run);
    assert_int_equal(run.status, ENROLL_UNSAFE);
    assert_int_equal(run.requests_made, 0);
    harness_run_clear(&run);
    enrolled.renewal.accepted_hosts = accepted_hosts;
    enrolled.renewal.renew_url = "https://mdm.fabrikam.test/EnrollmentServer/Enrollment.svc";
    renew(&enrolled, &run);
    assert_int_equal(run.status, ENROLL_UNSAFE);
    assert_int_equal(run.requests_made, 0);
    harness_run_clear(&run);
    enrolled_device_clear(&enrolled);
}

static void redirect_at_renewal_is_refused_without_a_question(void **state)
{
    struct enrolled_device enrolled = {0};
    struct harness_run run;

    (void)state;
    enrol(&enrolled, "ec", NULL);
    mde_server_stop(&enrolled.server);
    enrolled.arguments[6] = "--mode";
    enrolled.arguments[7] = "redirect=other-host,at=issue";
    mde_server_start(&enrolled.server, enrolled.arguments);
    harness_run_init(&run);
    run.discovery_url = enrolled.url;
    run.say_yes = true;
    harness_renew(&run, &enrolled.server, &enrolled.renewal);
    assert_int_equal(run.status, ENROLL_UNSAFE);
    assert_int_equal(run.questions, 0);
    harness_run_clear(&run);
    enrolled_device_clear(&enrolled);
}

/* The key says why it did not sign; libcurl and OpenSSL only that something failed. */
static void tpm_that_goes_away_is_named(void **state)
{
    struct enrolled_device enrolled;
    struct harness_run run;

    (void)state;
    enrol(&enrolled, "ec", NULL);
    simulator_stop(&simulator);
    renew(&enrolled, &run);
    assert_int_equal(run.status, ENROLL_TPM);
    assert_non_null(strstr(run.error.message, "the present key did not sign"));
    assert_true(run.error.advice[0] != '\0');
    harness_run_clear(&run);
    simulator_restart(&simulator);
    enrolled_device_clear(&enrolled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_key_of_the_tpm_renews),
        cmocka_unit_test(ec_key_of_the_tpm_renews),
        cmocka_unit_test(other_value_type_is_tried_once_after_message_format),
        cmocka_unit_test(value_type_of_mde2_alone_is_enough),
        cmocka_unit_test(server_that_does_not_ask_for_a_certificate_over_tls_renews),
        cmocka_unit_test(user_name_without_password_is_in_the_header),
        cmocka_unit_test(refusals_of_the_server_say_to_enrol_again),
        cmocka_unit_test(fault_in_http_200_is_a_refusal),
        cmocka_unit_test(other_host_than_at_enrolment_is_not_spoken_to),
        cmocka_unit_test(redirect_at_renewal_is_refused_without_a_question),
        cmocka_unit_test(tpm_that_goes_away_is_named),
    };

    return cmocka_run_group_tests_name("renewal", tests, simulator_begin, simulator_end);
}
