/* Servers that are wrong, broken or hostile: each answer is refused with its reason, and no key was asked for
 * too early. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "mde-harness.h"

/* A server's options, and how the enrolment has to end. */
struct refused {
    const char *arguments[6];
    enum enroll_exit exit_status;
    unsigned step;
    const char *words;           /* in the message */
    uint32_t hresult;            /* 0: not looked at */
    enum enroll_exit newer_curl; /* what libcurl 8.20 makes of it, where that is another status; else 0 */
};

static void rows_run(const struct refused *rows, size_t count, const char *policy)
{
    unsigned failures = 0;

    for (size_t i = 0; i < count; i++) {
        const struct refused *row = &rows[i];
        const char *arguments[12] = {"--token-file", harness_path("token"), "--policy", policy};
        struct issued_certificate issued;
        struct mde_server server;
        struct harness_run run;
        enum enroll_exit status;
        struct timespec begin, end;

        for (size_t n = 0; n < 6 && row->arguments[n] != NULL; n++)
            arguments[4 + n] = row->arguments[n];
        mde_server_start(&server, arguments);
        harness_run_init(&run);
        run.timeout = 3;
        run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
        if (row->step == STEP_RESOLVE && server.port == 443)
            run.discovery_url = NULL;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        harness_enroll(&run, &server);
        clock_gettime(CLOCK_MONOTONIC, &end);
        status = run.status;
        if (status == ENROLL_OK)
            status = harness_issued(&run, &issued, &run.error);
        if ((status != row->exit_status && (row->newer_curl == 0 || status != row->newer_curl)) ||
            run.error.exit_status != status || run.error.step != row->step ||
            strstr(run.error.message, row->words) == NULL ||
            (row->hresult != 0 && run.error.hresult != row->hresult) ||
            (row->step != STEP_PREPARE && row->step < STEP_ENROL && run.requests_made != 0) ||
            end.tv_sec - begin.tv_sec > 20) {
            failures++;
            print_message("%s %s: status %d step %d hresult %08x, %u requests, %ld s: %s [%s]\n",
                          row->arguments[0], row->arguments[1], (int)status, (int)run.error.step,
                          run.error.hresult, run.requests_made, (long)(end.tv_sec - begin.tv_sec),
                          status == ENROLL_OK ? "" : run.error.message,
                          status == ENROLL_OK ? "" : run.error.server_text);
        }
        harness_run_clear(&run);
        mde_server_stop(&server);
    }
    assert_int_equal(failures, 0);
}

#define ROWS_RUN(rows, policy) rows_run(rows, sizeof(rows) / sizeof((rows)[0]), policy)

static void discovery_that_is_wrong_is_refused(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "deviation=no-auth-policy"}, ENROLL_PROTOCOL, STEP_DISCOVER, "AuthPolicy is missing", 0},
        {{"--mode", "deviation=no-enrollment-url"},
         ENROLL_PROTOCOL,
         STEP_DISCOVER,
         "EnrollmentServiceUrl is missing",
         0},
        {{"--mode", "deviation=unknown-auth-policy"}, ENROLL_PROTOCOL, STEP_DISCOVER, "Telepathy", 0},
        {{"--mode", "url=http"}, ENROLL_UNSAFE, STEP_DISCOVER, "is not https", 0},
        {{"--mode", "url=split-hosts"}, ENROLL_UNSAFE, STEP_DISCOVER, "two hosts", 0},
        {{"--mode", "url=user-info"}, ENROLL_UNSAFE, STEP_DISCOVER, "user information", 0},
        {{"--mode", "url=ip"}, ENROLL_UNSAFE, STEP_DISCOVER, "IP address", 0},
        {{"--mode", "url=ipv6"}, ENROLL_UNSAFE, STEP_DISCOVER, "IP address", 0},
        {{"--mode", "url=localhost"}, ENROLL_UNSAFE, STEP_DISCOVER, "this machine", 0},
        {{"--mode", "url=link-local"}, ENROLL_UNSAFE, STEP_DISCOVER, "IP address", 0},
        {{"--mode", "url=fragment"}, ENROLL_UNSAFE, STEP_DISCOVER, "fragment", 0},
        {{"--mode", "url=long"}, ENROLL_UNSAFE, STEP_DISCOVER, "too long", 0},
        {{"--mode", "url=relative"}, ENROLL_UNSAFE, STEP_DISCOVER, "is n", 0},
        {{"--mode", "url=empty"}, ENROLL_PROTOCOL, STEP_DISCOVER, "EnrollmentServiceUrl is missing", 0},
        {{"--mode", "url=authentication-http"}, ENROLL_UNSAFE, STEP_DISCOVER, "sign-in page", 0},
        {{"--mode", "url=authentication-file"}, ENROLL_UNSAFE, STEP_DISCOVER, "sign-in page", 0},
        {{"--mode", "url=authentication-option"}, ENROLL_UNSAFE, STEP_DISCOVER, "sign-in page", 0},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

static void redirects_that_lead_astray_are_refused(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "redirect=other-host,at=discover"},
         ENROLL_UNSAFE,
         STEP_DISCOVER,
         "mdm.fabrikam.test",
         0x8018001a},
        {{"--mode", "redirect=other-host,at=probe"},
         ENROLL_UNSAFE,
         STEP_RESOLVE,
         "mdm.fabrikam.test",
         0x8018001a},
        {{"--mode", "redirect=other-host,at=policy"}, ENROLL_UNSAFE, STEP_POLICY, "credentials", 0x8018001a},
        {{"--mode", "redirect=other-host,at=issue"}, ENROLL_UNSAFE, STEP_ENROL, "credentials", 0x8018001a},
        {{"--mode", "redirect=302,at=issue"}, ENROLL_UNSAFE, STEP_ENROL, "credentials", 0x8018001a},
        {{"--mode", "redirect=loop,at=discover"}, ENROLL_UNSAFE, STEP_DISCOVER, "more than 3 redirects", 0},
        {{"--mode", "redirect=many,at=discover"}, ENROLL_UNSAFE, STEP_DISCOVER, "more than 3 redirects", 0},
        {{"--mode", "redirect=http,at=discover"}, ENROLL_UNSAFE, STEP_DISCOVER, "is not https", 0x8018001a},
        {{"--mode", "redirect=http,at=probe"}, ENROLL_UNSAFE, STEP_RESOLVE, "is not https", 0x8018001a},
        {{"--mode", "redirect=loopback,at=discover"}, ENROLL_UNSAFE, STEP_DISCOVER, "IP address", 0x8018001a},
        {{"--mode", "redirect=link-local,at=discover"},
         ENROLL_UNSAFE,
         STEP_DISCOVER,
         "IP address",
         0x8018001a},
        {{"--mode", "redirect=user-info,at=discover"},
         ENROLL_UNSAFE,
         STEP_DISCOVER,
         "",
         0} /* libcurl 8.23 takes the user out; then it is a loop */,
        {{"--mode", "redirect=file,at=discover"}, ENROLL_UNSAFE, STEP_DISCOVER, "without a host", 0x8018001a},
        {{"--mode", "redirect=none,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "HTTP status 30", 0},
        {{"--mode", "redirect=empty,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "HTTP status 302", 0},
        {{"--mode", "redirect=long,at=discover"}, ENROLL_UNSAFE, STEP_DISCOVER, "too long", 0x8018001a},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

static void policies_that_cannot_be_met_stop_before_a_key_is_made(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "deviation=enroll-denied"}, ENROLL_POLICY, STEP_POLICY, "lets this user enrol", 0},
        {{"--mode", "deviation=algorithm-unknown"}, ENROLL_POLICY, STEP_POLICY, "key of the algorithm", 0},
        {{"--mode", "deviation=minimal-key-length-zero"},
         ENROLL_PROTOCOL,
         STEP_POLICY,
         "minimalKeyLength",
         0},
        {{"--mode", "deviation=minimal-key-length-negative"},
         ENROLL_PROTOCOL,
         STEP_POLICY,
         "minimalKeyLength",
         0},
        {{"--mode", "deviation=ra-requirements"}, ENROLL_POLICY, STEP_POLICY, "registration authority", 0},
        {{"--mode", "deviation=key-archival"}, ENROLL_POLICY, STEP_POLICY, "archived", 0},
        {{"--mode", "attack=many-oids,at=policy"}, ENROLL_PROTOCOL, STEP_POLICY, "larger than", 0},
        {{"--mode", "attack=wrong-body,at=policy"},
         ENROLL_PROTOCOL,
         STEP_POLICY,
         "no GetPoliciesResponse",
         0},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

static void answers_to_the_request_that_are_wrong_are_refused(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "deviation=quoted-token"}, ENROLL_PROTOCOL, STEP_ENROL, "quote characters", 0},
        {{"--mode", "deviation=token-type"}, ENROLL_PROTOCOL, STEP_ENROL, "TokenType", 0},
        {{"--mode", "deviation=value-type-unknown"},
         ENROLL_PROTOCOL,
         STEP_ENROL,
         "not a provisioning document",
         0},
        {{"--mode", "deviation=my-outside"}, ENROLL_PROTOCOL, STEP_ENROL, "outside CertificateStore", 0},
        {{"--mode", "certificate=other-key"}, ENROLL_CERTIFICATE, STEP_PREPARE, "another key", 0},
        {{"--mode", "certificate=ca"}, ENROLL_CERTIFICATE, STEP_PREPARE, "certification authority", 0},
        {{"--mode", "certificate=no-signing"}, ENROLL_CERTIFICATE, STEP_PREPARE, "digitalSignature", 0},
        {{"--mode", "certificate=critical"}, ENROLL_CERTIFICATE, STEP_PREPARE, "critical extension", 0},
        {{"--mode", "certificate=server-eku"},
         ENROLL_CERTIFICATE,
         STEP_PREPARE,
         "not for client authentication",
         0},
        {{"--mode", "certificate=expired"}, ENROLL_CERTIFICATE, STEP_PREPARE, "expired", 0},
        {{"--mode", "certificate=not-yet-valid"}, ENROLL_CERTIFICATE, STEP_PREPARE, "not valid yet", 0},
        {{"--mode", "certificate=two"}, ENROLL_CERTIFICATE, STEP_PREPARE, "2 different", 0},
        {{"--mode", "certificate=none"}, ENROLL_CERTIFICATE, STEP_PREPARE, "no certificate", 0},
        {{"--mode", "certificate=garbage"}, ENROLL_CERTIFICATE, STEP_PREPARE, "another key", 0},
        {{"--mode", "certificate=not-base64"}, ENROLL_PROTOCOL, STEP_ENROL, "not base64", 0},
        {{"--mode", "certificate=foreign-chain"},
         ENROLL_CERTIFICATE,
         STEP_PREPARE,
         "none of the certification",
         0},
        {{"--mode", "attack=bad-base64,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "base64", 0},
        {{"--mode", "attack=bad-document,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "provisioning document", 0},
        {{"--mode", "attack=document-entities,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "document type", 0},
        {{"--mode", "attack=document-nesting,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "", 0},
        {{"--mode", "attack=document-certificates,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "", 0},
        {{"--mode", "attack=duplicate-values,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "more than one", 0},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

static void hostile_bytes_are_refused(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "attack=billion-laughs,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "document type", 0},
        {{"--mode", "attack=external-entity,at=policy"}, ENROLL_PROTOCOL, STEP_POLICY, "document type", 0},
        {{"--mode", "attack=external-dtd,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "document type", 0},
        {{"--mode", "attack=doctype,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "document type", 0},
        {{"--mode", "attack=deep-nesting,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "nested", 0},
        {{"--mode", "attack=megabytes,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "larger than", 0},
        {{"--mode", "attack=megabytes-chunked,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "larger than", 0},
        {{"--mode", "attack=slow-drip,at=discover"},
         ENROLL_UNREACHABLE,
         STEP_DISCOVER,
         "timed out",
         0x80180010},
        {{"--mode", "attack=stall,at=policy"}, ENROLL_UNREACHABLE, STEP_POLICY, "timed out", 0x80180010},
        {{"--mode", "attack=truncated,at=discover"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "", 0x80180010},
        {{"--mode", "attack=content-type,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "text/html", 0},
        {{"--mode", "attack=html,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "text/html", 0},
        {{"--mode", "attack=json,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "application/json", 0},
        {{"--mode", "attack=empty,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "empty", 0},
        {{"--mode", "attack=nul,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "not well-formed", 0},
        {{"--mode", "attack=invalid-utf8,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "not well-formed", 0},
        {{"--mode", "attack=duplicate-values,at=discover"},
         ENROLL_PROTOCOL,
         STEP_DISCOVER,
         "more than one",
         0},
        {{"--mode", "attack=duplicate-elements,at=discover"},
         ENROLL_PROTOCOL,
         STEP_DISCOVER,
         "more than one answer",
         0},
        {{"--mode", "attack=duplicate-elements,at=policy"},
         ENROLL_PROTOCOL,
         STEP_POLICY,
         "more than one answer",
         0},
        {{"--mode", "attack=duplicate-elements,at=issue"},
         ENROLL_PROTOCOL,
         STEP_ENROL,
         "more than one answer",
         0},
        {{"--mode", "attack=two-bodies,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "exactly one Body", 0},
        {{"--mode", "attack=two-envelopes,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "", 0},
        {{"--mode", "attack=trailing-garbage,at=discover"},
         ENROLL_PROTOCOL,
         STEP_DISCOVER,
         "not well-formed",
         0},
        {{"--mode", "attack=wrong-body,at=discover"},
         ENROLL_PROTOCOL,
         STEP_DISCOVER,
         "no DiscoverResponse",
         0},
        {{"--mode", "attack=wrong-body,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "holds no", 0},
        {{"--mode", "http-status=404,at=discover"}, ENROLL_PROTOCOL, STEP_DISCOVER, "HTTP status 404", 0},
        {{"--mode", "http-status=404,at=probe"}, ENROLL_PROTOCOL, STEP_RESOLVE, "HTTP status 404", 0},
        {{"--mode", "http-status=401,at=policy"}, ENROLL_AUTHENTICATION, STEP_POLICY, "HTTP status 401", 0},
        {{"--mode", "http-status=500,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "HTTP status 500", 0},
        {{"--mode", "http-status=418,at=issue"}, ENROLL_PROTOCOL, STEP_ENROL, "HTTP status 418", 0},
        {{"--mode", "http-status=503,seconds=9999,at=discover"},
         ENROLL_UNREACHABLE,
         STEP_DISCOVER,
         "9999 seconds",
         0},
        {{"--mode", "http-status=503,at=discover", "--mode", "retry-after=huge"},
         ENROLL_UNREACHABLE,
         STEP_DISCOVER,
         "to come back in",
         0},
        {{"--mode", "http-status=503,at=discover", "--mode", "retry-after=garbage"},
         ENROLL_UNREACHABLE,
         STEP_DISCOVER,
         "HTTP status 503: it is not available",
         0},
        {{"--mode", "http-status=503,seconds=1,at=discover"},
         ENROLL_UNREACHABLE,
         STEP_DISCOVER,
         "HTTP status 503",
         0},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

static void http_that_is_none_is_refused(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "raw=not-http"}, ENROLL_PROTOCOL, STEP_DISCOVER, "", 0},
        {{"--mode", "raw=drip-headers"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "timed out", 0},
        {{"--mode", "raw=endless-headers"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "response headers", 0},
        {{"--mode", "raw=truncated"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "", 0},
        {{"--mode", "raw=short-body"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "", 0},
        {{"--mode", "raw=bad-chunk"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "chunk", 0},
        {{"--mode", "raw=two-lengths"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "", 0, ENROLL_PROTOCOL},
        {{"--mode", "raw=many-100"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "response headers", 0},
        {{"--mode", "raw=silent"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "timed out", 0},
        {{"--mode", "raw=no-handshake"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "timed out", 0},
        {{"--mode", "raw=plain-http"}, ENROLL_TLS, STEP_DISCOVER, "", 0},
        {{"--mode", "raw=alert"}, ENROLL_TLS, STEP_DISCOVER, "", 0},
        {{"--mode", "raw=reset"}, ENROLL_UNREACHABLE, STEP_DISCOVER, "", 0},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

static void tls_that_cannot_be_trusted_is_refused(void **state)
{
    static const struct refused rows[] = {
        {{"--mode", "tls=wrong-name"}, ENROLL_TLS, STEP_DISCOVER, "", 0x80180012},
        {{"--mode", "tls=expired"}, ENROLL_TLS, STEP_DISCOVER, "expired", 0x80180012},
        {{"--mode", "tls=not-yet-valid"}, ENROLL_TLS, STEP_DISCOVER, "not yet valid", 0x80180012},
        {{"--mode", "tls=self-signed"}, ENROLL_TLS, STEP_DISCOVER, "self", 0x80180012},
        {{"--mode", "tls=1.1"}, ENROLL_TLS, STEP_DISCOVER, "", 0x80180012},
        {{"--mode", "tls=require-client"}, ENROLL_AUTHENTICATION, STEP_DISCOVER, "HTTP status 403", 0},
        {{"--mode", "tls=expired"}, ENROLL_TLS, STEP_RESOLVE, "expired", 0x80180012},
    };

    (void)state;
    ROWS_RUN(rows, "Federated");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discovery_that_is_wrong_is_refused),
        cmocka_unit_test(redirects_that_lead_astray_are_refused),
        cmocka_unit_test(policies_that_cannot_be_met_stop_before_a_key_is_made),
        cmocka_unit_test(answers_to_the_request_that_are_wrong_are_refused),
        cmocka_unit_test(hostile_bytes_are_refused),
        cmocka_unit_test(http_that_is_none_is_refused),
        cmocka_unit_test(tls_that_cannot_be_trusted_is_refused),
    };

    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
