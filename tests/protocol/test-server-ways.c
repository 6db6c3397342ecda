/* Faults in every dress, redirects with consent, policies, pending requests: each against a real server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mde-run.h"

/* modes: NULL-terminated values of --mode. */
static void begin(const char *const *modes)
{
    const char *arguments[24] = {NULL};
    size_t count = 0;

    for (; modes != NULL && *modes != NULL && count < 20; modes++) {
        arguments[count++] = "--mode";
        arguments[count++] = *modes;
    }
    run_begin(arguments);
}

/* ---- faults ---- */

static const struct {
    const char *fault;
    uint32_t hresult;
    enum enroll_exit exit_status;
    const char *words;
} faults[] = {
    {"MessageFormat", 0x80180001, ENROLL_REFUSED, "could not read our message"},
    {"Authentication", 0x80180002, ENROLL_AUTHENTICATION, "did not accept"},
    {"FailedAuthentication", 0x80180002, ENROLL_AUTHENTICATION, "did not accept"},
    {"Authorization", 0x80180003, ENROLL_REFUSED, "may not enrol"},
    {"CertificateRequest", 0x80180004, ENROLL_REFUSED, "certification authority"},
    {"CertificateAuthority", 0x80180004, ENROLL_REFUSED, "certification authority"},
    {"EnrollmentServer", 0x80180005, ENROLL_REFUSED, "enrolment service failed"},
    {"InternalServiceFault", 0x80180006, ENROLL_REFUSED, "failed inside"},
    {"InternalServerFault", 0x80180006, ENROLL_REFUSED, "failed inside"},
    {"InvalidSecurity", 0x80180007, ENROLL_AUTHENTICATION, "security header"},
    {"DeviceCapReached", 0x80180013, ENROLL_REFUSED, "as many devices"},
    {"DeviceNotSupported", 0x80180014, ENROLL_REFUSED, "this kind of device"},
    {"NotSupported", 0x80180015, ENROLL_REFUSED, "not switched on"},
    {"NotEligibleToRenew", 0x80180016, ENROLL_CANNOT_RENEW, "cannot be renewed"},
    {"InMaintenance", 0x80180017, ENROLL_REFUSED, "maintenance"},
    {"UserLicense", 0x80180018, ENROLL_REFUSED, "no licence"},
    {"InvalidEnrollmentData", 0x80180019, ENROLL_REFUSED, "enrolment data"},
    {"CustomServerError", 0x80180032, ENROLL_REFUSED, "own words"},
    {"Unknown", 0x80180008, ENROLL_REFUSED, "no reason that is known"},
};

static void every_fault_in_every_dress_is_told_in_plain_words(void **state)
{
    static const char *const dresses[] = {"", ",status=200,case=lower", ",status=400,prefix=soap"};
    static const char *const steps[] = {"discover", "policy", "issue"};
    static const enum mde_step step_numbers[] = {STEP_DISCOVER, STEP_POLICY, STEP_ENROL};
    unsigned failures = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        char mode[128];
        const char *modes[] = {mode, NULL};

        snprintf(mode, sizeof(mode), "fault=%s,at=%s%s", faults[i].fault, steps[i % 3], dresses[i / 3 % 3]);
        begin(modes);
        harness_enroll(&run, &server);
        if (run.status != faults[i].exit_status || run.error.hresult != faults[i].hresult ||
            strstr(run.error.message, faults[i].words) == NULL || run.error.step != step_numbers[i % 3] ||
            run.error.advice[0] == '\0' || run.error.server_text[0] == '\0') {
            failures++;
            print_message("%s: %d %08x %s [%s]\n", mode, (int)run.status, run.error.hresult,
                          run.error.message, run.error.server_text);
        }
        run_end(NULL);
    }
    assert_int_equal(failures, 0);
}

static void ids_of_the_server_are_kept_for_support(void **state)
{
    static const char *const modes[] = {"fault=UserLicense,at=issue", NULL};

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_REFUSED);
    assert_true(strlen(run.error.trace_id) >= 16);
    assert_true(strlen(run.error.activity_id) >= 16);
}

static void detail_of_a_certification_authority_is_understood(void **state)
{
    static const char *const rows[][3] = {
        {"fault=Unknown,at=issue", "fault-detail=ca", "80180004"},
        {"fault=DeviceCapReached,at=issue", "fault-detail=registration", "80180013"},
        {"fault=UserLicense,at=issue", "fault-detail=none", "80180018"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *modes[] = {rows[i][0], rows[i][1], NULL};

        begin(modes);
        harness_enroll(&run, &server);
        assert_int_equal(run.status, ENROLL_REFUSED);
        assert_int_equal(run.error.hresult, strtoul(rows[i][2], NULL, 16));
        if (i < 2)
            run_end(NULL);
    }
}

static void control_sequences_of_a_server_do_not_reach_a_terminal(void **state)
{
    static const char *const modes[] = {"fault=CustomServerError,at=issue",
                                        "attack=control-characters,at=issue", NULL};
    const char *texts[] = {run.error.message, run.error.advice, run.error.server_text, run.error.trace_id,
                           run.error.activity_id};

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_not_equal(run.status, ENROLL_OK);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        for (const char *c = texts[i]; *c != '\0'; c++)
            assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
}

/* ---- redirects ---- */

static void redirect_to_another_host_is_followed_with_consent(void **state)
{
    static const char *const modes[] = {"redirect=302,at=discover", NULL};

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_UNSAFE);
    assert_int_equal(run.questions, 1);
    assert_non_null(strstr(run.question, "mdm.contoso.test"));
    assert_non_null(strstr(run.question, "enterpriseenrollment.contoso.test"));
    assert_non_null(strstr(run.error.advice, "--accept-redirect mdm.contoso.test"));
    run.say_yes = true;
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_non_null(strstr(run.result.discovery_url, "mdm.contoso.test"));
}

static void redirect_that_the_operator_accepts_is_not_asked_about(void **state)
{
    static const char *const codes[] = {"redirect=301,at=discover", "redirect=303,at=discover",
                                        "redirect=307,at=discover", "redirect=308,at=discover",
                                        "redirect=302,at=probe",    "redirect=three,at=discover"};

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        const char *modes[] = {codes[i], NULL};

        begin(modes);
        if (strstr(codes[i], "probe") != NULL && server.port == 443)
            run.discovery_url = NULL;
        run.accept_redirects[0] = "MDM.contoso.test";
        harness_enroll(&run, &server);
        run_expect_enrolled();
        assert_int_equal(run.questions, 0);
        if (i + 1 < sizeof(codes) / sizeof(codes[0]))
            run_end(NULL);
    }
}

/* ---- policies ---- */

static void policy_only_asks_for_no_certificate(void **state)
{
    static const char *const modes[] = {"minimal-key-length=4096", "deviation=sha512", NULL};

    (void)state;
    begin(modes);
    harness_received_forget();
    run.stop_after_policy = true;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_OK);
    assert_int_equal(run.requests_made, 0);
    assert_true(run.result.requirements.from_policy);
    assert_int_equal(run.result.requirements.minimum_bits, 4096);
    assert_int_equal(run.result.requirements.hash, TPM_HASH_SHA512);
    assert_int_equal(harness_received("issue.xml", NULL), 0);
    assert_int_equal(harness_received("policy.xml", NULL), 1);
}

static void extension_of_a_policy_is_read(void **state)
{
    static const char *const modes[] = {"deviation=extensions", NULL};

    (void)state;
    begin(modes);
    run.stop_after_policy = true;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_OK);
    assert_int_equal(run.result.requirements.extension_count, 1);
    assert_true(run.result.requirements.extensions[0].size > 0);
    assert_non_null(strchr(run.result.requirements.extensions[0].oid, '.'));
}

static void key_length_beyond_any_tpm_is_passed_on_as_a_number(void **state)
{
    static const char *const modes[] = {"deviation=minimal-key-length-huge", NULL};

    (void)state;
    begin(modes);
    run.stop_after_policy = true;
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_OK);
    assert_true(run.result.requirements.minimum_bits == 4294967295u);
}

static void tpm_facts_are_sent_only_when_the_profile_says_so(void **state)
{
    static const char *const modes[] = {"strict=tpm", NULL};

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_REFUSED);
    assert_int_equal(run.error.step, STEP_POLICY);
    run.profile->send_tpm_facts = true;
    harness_enroll(&run, &server);
    run_expect_enrolled();
}

/* ---- versions and items ---- */

static void request_version_is_what_was_asked_for(void **state)
{
    static const char *const modes[] = {"version=5.0", NULL};

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_REFUSED);
    assert_int_equal(run.error.hresult, 0x80180006);
    run.request_version = "5.0";
    harness_received_forget();
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(
        harness_received("issue.xml", "<ac:ContextItem Name=\"RequestVersion\"><ac:Value>5.0</ac:Value>"), 1);
}

static void items_of_the_profile_are_sent_and_others_are_not(void **state)
{
    static const char *const modes[] = {"require=SerialNumber", NULL};
    static const char text[] =
        "[device]\nSerialNumber = 4711\nMAC = 00-0C-29-51-60-9D 00-0C-29-51-60-9E\nLocale =\n";

    (void)state;
    begin(modes);
    assert_int_equal(device_profile_parse(text, strlen(text), "test", NULL, &run.profile, &run.error),
                     ENROLL_OK);
    harness_received_forget();
    harness_enroll(&run, &server);
    run_expect_enrolled();
    assert_int_equal(harness_received("issue.xml", "\"SerialNumber\"><ac:Value>4711<"), 1);
    assert_int_equal(
        harness_received(
            "issue.xml",
            "<ac:ContextItem Name=\"MAC\"><ac:Value>00-0C-29-51-60-9D</ac:Value></ac:ContextItem>"
            "<ac:ContextItem Name=\"MAC\"><ac:Value>00-0C-29-51-60-9E</ac:Value></ac:ContextItem>"),
        1);
    assert_int_equal(harness_received("issue.xml", "\"Locale\""), 0);
    assert_int_equal(harness_received("issue.xml", "\"IMEI\""), 0);
}

/* ---- pending ---- */

static void pending_request_is_asked_for_again(void **state)
{
    static const char *const modes[] = {"pending=2", NULL};
    struct flow_pending pending;
    char id[64], url[256];

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_OK);
    assert_true(run.result.pending);
    assert_null(run.result.document);
    assert_non_null(run.result.request_id);
    snprintf(id, sizeof(id), "%s", run.result.request_id);
    snprintf(url, sizeof(url), "%s", run.result.enrollment_url);
    pending = (struct flow_pending){.enrollment_url = url, .request_id = id};
    flow_result_free(&run.result);
    harness_resume(&run, &server, &pending);
    assert_int_equal(run.status, ENROLL_OK);
    assert_true(run.result.pending);
    assert_string_equal(run.result.request_id, id);
    flow_result_free(&run.result);
    harness_resume(&run, &server, &pending);
    run_expect_enrolled();
    assert_false(run.result.pending);
    assert_int_equal(run.requests_made, 1);
}

static void pending_in_every_form_keeps_the_number(void **state)
{
    static const char *const forms[] = {"pending=nil", "pending=empty"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *modes[] = {forms[i], NULL};

        begin(modes);
        harness_enroll(&run, &server);
        assert_int_equal(run.status, ENROLL_OK);
        assert_true(run.result.pending);
        assert_non_null(run.result.request_id);
        if (i == 0)
            run_end(NULL);
    }
}

static void pending_request_that_is_denied_ends(void **state)
{
    static const char *const modes[] = {"pending=denied", NULL};
    struct flow_pending pending;
    char id[64], url[256];

    (void)state;
    begin(modes);
    harness_enroll(&run, &server);
    assert_int_equal(run.status, ENROLL_OK);
    assert_true(run.result.pending);
    snprintf(id, sizeof(id), "%s", run.result.request_id);
    snprintf(url, sizeof(url), "%s", run.result.enrollment_url);
    pending = (struct flow_pending){.enrollment_url = url, .request_id = id};
    flow_result_free(&run.result);
    harness_resume(&run, &server, &pending);
    assert_int_equal(run.status, run.error.exit_status);
    assert_int_not_equal(run.status, ENROLL_OK);
    pending.enrollment_url = "https://mdm.fabrikam.test/EnrollmentServer/Enrollment.svc";
    harness_resume(&run, &server, &pending);
    assert_int_equal(run.status, ENROLL_UNSAFE);
}

#define TEST(name) cmocka_unit_test_teardown(name, run_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_in_every_dress_is_told_in_plain_words),
        TEST(ids_of_the_server_are_kept_for_support),
        TEST(detail_of_a_certification_authority_is_understood),
        TEST(control_sequences_of_a_server_do_not_reach_a_terminal),
        TEST(redirect_to_another_host_is_followed_with_consent),
        TEST(redirect_that_the_operator_accepts_is_not_asked_about),
        TEST(policy_only_asks_for_no_certificate),
        TEST(extension_of_a_policy_is_read),
        TEST(key_length_beyond_any_tpm_is_passed_on_as_a_number),
        TEST(tpm_facts_are_sent_only_when_the_profile_says_so),
        TEST(request_version_is_what_was_asked_for),
        TEST(items_of_the_profile_are_sent_and_others_are_not),
        TEST(pending_request_is_asked_for_again),
        TEST(pending_in_every_form_keeps_the_number),
        TEST(pending_request_that_is_denied_ends),
    };

    return cmocka_run_group_tests_name("server-ways", tests, NULL, NULL);
}
