/* The five steps against a real server: what a well-meaning server may do, in every way it may do it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mde-harness.h"

/* A server's options, and what must come of an enrolment with a given token. */
struct accepted {
    const char *arguments[8];
    const char *note; /* said while it ran; NULL: nothing is looked for */
    size_t chain;     /* certificates above ours; 0: not looked at */
};

static const struct accepted accepted[] = {
    {{"--policy", "Federated"}, NULL, 2},
    {{"--policy", "OnPremise"}, NULL, 2},
    {{"--policy", "Federated", "--key", "ec"}, NULL, 2},
    {{"--policy", "Federated", "--chain", "0"}, NULL, 1},
    {{"--policy", "Federated", "--chain", "5"}, NULL, 6},
    {{"--mode", "deviation=whitespace"}, NULL, 0},
    {{"--mode", "deviation=action-without-namespace"}, NULL, 0},
    {{"--mode", "deviation=no-xsi"}, NULL, 0},
    {{"--mode", "deviation=undeclared-prefix"}, "a prefix is not declared", 0},
    {{"--mode", "deviation=nil-values"}, NULL, 0},
    {{"--mode", "deviation=case-cas"}, NULL, 0},
    {{"--mode", "deviation=fixed-timestamp"}, NULL, 0},
    {{"--mode", "deviation=soap11"}, NULL, 0},
    {{"--mode", "deviation=relates-to"}, "does not name the message", 0},
    {{"--mode", "deviation=namespace-slash"}, NULL, 0},
    {{"--mode", "deviation=probe-body"}, NULL, 0},
    {{"--mode", "deviation=content-type-parameter"}, NULL, 0},
    {{"--mode", "deviation=byte-order-mark"}, NULL, 0},
    {{"--mode", "deviation=no-policy-url"}, "no policy service", 0},
    {{"--mode", "deviation=nil-policy-url"}, "no policy service", 0},
    {{"--mode", "deviation=no-authentication-url"}, NULL, 0},
    {{"--mode", "deviation=no-enrollment-version"}, NULL, 0},
    {{"--mode", "deviation=discover-order"}, NULL, 0},
    {{"--mode", "deviation=schema-2"}, "schema 2", 0},
    {{"--mode", "deviation=sha1"}, "asks for SHA-1", 0},
    {{"--mode", "deviation=sha1-named-sha256"}, "asks for SHA-1", 0},
    {{"--mode", "deviation=hash-group-4"}, NULL, 0},
    {{"--mode", "deviation=provider-direct"}, NULL, 0},
    {{"--mode", "deviation=software-provider"}, NULL, 0},
    {{"--mode", "deviation=policies-not-changed"}, "gave no policy", 0},
    {{"--mode", "deviation=nil-response"}, "gave no policy", 0},
    {{"--mode", "deviation=no-policies"}, "gave no policy", 0},
    {{"--mode", "deviation=enroll-denied-first"}, NULL, 0},
    {{"--key", "ec", "--mode", "deviation=algorithm-generic"}, NULL, 0},
    {{"--mode", "deviation=algorithm-dangling"}, "names a key algorithm that it does not list", 0},
    {{"--mode", "deviation=minimal-key-length-1024"}, NULL, 0},
    {{"--mode", "deviation=attestation"}, NULL, 0},
    {{"--mode", "deviation=value-type-short"}, NULL, 0},
    {{"--mode", "deviation=store-merged"}, NULL, 2},
    {{"--mode", "deviation=container-child"}, NULL, 2},
    {{"--mode", "deviation=no-container"}, NULL, 2},
    {{"--mode", "deviation=renewal-period"}, NULL, 2},
    {{"--mode", "deviation=hash-name"}, "which is not its hash", 2},
    {{"--mode", "deviation=intermediate-under-my"}, NULL, 2},
    {{"--mode", "deviation=my-system"}, NULL, 2},
    {{"--mode", "deviation=no-root"}, NULL, 1},
    {{"--mode", "deviation=no-renew"}, NULL, 2},
    {{"--mode", "deviation=robo-false"}, NULL, 2},
    {{"--mode", "deviation=renew-period-zero"}, "not a number of days", 2},
    {{"--mode", "deviation=renew-period-words"}, "not a number of days", 2},
    {{"--mode", "deviation=retry-above-period"}, "longer than RenewPeriod", 2},
    {{"--mode", "deviation=renew-server-url"}, NULL, 2},
    {{"--mode", "deviation=base64-lines"}, NULL, 2},
    {{"--mode", "deviation=root-ca-trusted"}, "RootCATrustedCertificates", 2},
    {{"--mode", "deviation=no-application"}, NULL, 2},
    {{"--mode", "deviation=extra-stores"}, "that is ignored", 2},
    {{"--mode", "deviation=doc-prolog"}, NULL, 2},
    {{"--mode", "deviation=fleet"}, NULL, 0},
    {{"--mode", "enrollment-version=5.0"}, NULL, 0},
    {{"--mode", "enrollment-version=9.0"}, NULL, 0},
    {{"--mode", "strict=compact", "--mode", "strict=client-policy", "--mode", "strict=device-type"}, NULL, 0},
    {{"--mode", "certificate=no-eku"}, NULL, 2},
    {{"--mode", "certificate=back-dated"}, NULL, 2},
    {{"--mode", "redirect=same-host,at=discover"}, NULL, 0},
    {{"--mode", "http-status=503,seconds=1,times=1,at=policy"}, NULL, 0},
    {{"--mode", "http-status=429,seconds=1,times=1,at=issue"}, NULL, 0},
    {{"--mode", "tls=1.2"}, NULL, 0},
    {{"--mode", "url=same-domain"}, "on another host", 0},
    {{"--mode", "url=other-host"}, "on another host", 0},
    {{"--mode", "url=query"}, NULL, 0},
    {{"--mode", "attack=no-content-type"}, NULL, 0},
    {{"--mode", "url=authentication-other-host"}, NULL, 0},
    {{"--mode", "deviation=sha384"}, NULL, 2},
    {{"--mode", "deviation=container-parms"}, NULL, 2},
    {{"--mode", "deviation=no-chain", "--chain", "0"}, NULL, 1},
    {{"--mode", "strict=header-order"}, NULL, 0},
    {{"--mode", "certificate=nul-subject"}, NULL, 2},
    {{"--mode", "http-status=503,seconds=1,times=1,at=policy", "--mode", "retry-after=date"}, NULL, 0},
    {{"--mode", "attack=utf-16"}, NULL, 0},
    {{"--mode", "attack=wrong-action"}, "bears the Action of another message", 0},
    {{"--mode", "deviation=renew-server-url-http"}, "address for renewals", 2},
    {{"--mode", "renew-host=mdm.contoso.test"},
     "renewals will go to mdm.contoso.test, as the server says",
     2},
    {{"--mode", "renew-host=mdm.fabrikam.test"},
     "mdm.fabrikam.test, as the server says: that is in another domain than "
     "enterpriseenrollment.contoso.test",
     2},
};

static void every_answer_of_a_well_meaning_server_gives_a_certificate(void **state)
{
    unsigned failures = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        const struct accepted *row = &accepted[i];
        const char *arguments[12] = {"--token-file", harness_path("token")};
        struct issued_certificate issued = {0};
        struct mde_server server;
        struct harness_run run;
        bool good;

        for (size_t n = 0; n < 8 && row->arguments[n] != NULL; n++)
            arguments[2 + n] = row->arguments[n];
        mde_server_start(&server, arguments);
        harness_run_init(&run);
        if (server.port != 443)
            run.discovery_url = harness_discovery_url(&server, HARNESS_HOST);
        harness_enroll(&run, &server);
        good = run.status == ENROLL_OK && harness_issued(&run, &issued, &run.error) == ENROLL_OK &&
               (row->chain == 0 || issued.chain_count == row->chain) &&
               (row->note == NULL || strstr(run.notes, row->note) != NULL);
        if (!good) {
            failures++;
            print_message("%s %s: status %d, chain %zu: %s [%s]\nnotes: %s\n", row->arguments[0],
                          row->arguments[1], (int)run.status, issued.chain_count, run.error.message,
                          run.error.server_text, run.notes);
        }
        harness_run_clear(&run);
        mde_server_stop(&server);
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_of_a_well_meaning_server_gives_a_certificate),
    };

    return cmocka_run_group_tests_name("enroll", tests, NULL, NULL);
}
