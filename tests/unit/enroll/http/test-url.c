/* URLs that servers and operators give: which are refused, and what is made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "url.h"

static void urls_that_may_be_used(void **state)
{
    static const char *const good[] = {"https://mdm.contoso.test/a?b=c", "https://mdm.contoso.test:8443/",
                                       "https://a.b."};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (url_refusal(good[i], NULL) != NULL)
            fail_msg("%s %s", good[i], url_refusal(good[i], NULL));
    assert_null(url_refusal("https://127.0.0.1:4443/x", "127.0.0.1"));
    assert_null(url_refusal("https://[::1]/x", "::1"));
    assert_null(url_refusal("https://LOCALHOST/x", "localhost"));
}

static void urls_that_may_not_be_used(void **state)
{
    static const struct {
        const char *url;
        const char *words;
    } rows[] = {
        {"http://mdm.contoso.test/", "not https"},
        {"ftp://mdm.contoso.test/", "not https"},
        {"file:///etc/passwd", "is n"},
        {"https://u:p@mdm.contoso.test/", "user information"},
        {"https://u@mdm.contoso.test/", "user information"},
        {"https://mdm.contoso.test/#x", "fragment"},
        {"https://10.0.0.1/", "IP address"},
        {"https://0x7f.1/", "IP address"},
        {"https://2130706433/", "IP address"},
        {"https://127.1/", "IP address"},
        {"https://[::1]/", "IP address"},
        {"https://[fe80::1%25eth0]/", "IP address"},
        {"https://169.254.169.254/", "IP address"},
        {"https://localhost/", "this machine"},
        {"https://x.localhost/", "this machine"},
        {"https://localhost./", "this machine"},
        {"https://intranet/", "local network"},
        {"https://a.b/ c", "characters"},
        {"https://a.b\\@c.d/", "characters"},
        {"https://a.b/\x01", "characters"},
        {"https://a.b/\xc3\xa4", "characters"},
        /* Refused by libcurl 8.23 itself, by us before. */
        {"https://a%C2%9B31m.b/", ""},
        {"https://a%7F.b/", ""},
        {"", "is n"},
        {"mdm.contoso.test", "is n"},
        {"-x", "is n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *refusal = url_refusal(rows[i].url, NULL);

        if (refusal == NULL || strstr(refusal, rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].url, refusal != NULL ? refusal : "accepted");
    }
}

static void domains_are_told_apart_by_the_public_suffix_list(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } rows[] = {
        {"https://a.manage.microsoft.com/x", "https://b.c.microsoft.com:444/", true},
        {"https://mdm.contoso.test/", "https://contoso.test/", true},
        {"https://MDM.contoso.test/", "https://mdm.CONTOSO.test./", true},
        {"https://mdm.contoso.test/", "https://mdm.fabrikam.test/", false},
        {"https://a.example.co.uk/", "https://b.example.co.uk/", true},
        {"https://mdm.one.co.uk/", "https://mdm.two.co.uk/", false},
        {"https://one.azurewebsites.net/", "https://two.azurewebsites.net/", false},
        {"https://co.uk/", "https://one.co.uk/", false},
        {"https://10.0.0.1/", "https://10.0.0.1/", true},
        {"https://10.0.0.1/", "https://20.0.0.1/", false},
        {"https://[::1]/", "https://mdm.contoso.test/", false},
        {"nonsense", "nonsense", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (url_same_domain(rows[i].one, rows[i].other) != rows[i].same ||
            url_same_domain(rows[i].other, rows[i].one) != rows[i].same)
            fail_msg("%s %s", rows[i].one, rows[i].other);
}

static void discovery_address_follows_from_the_domain(void **state)
{
    static const char *const bad[] = {"",          "alice",     "alice@",    "alice@contoso",
                                      "a@.test",   "a@test.",   "a@x..y",    "a@x/y.z",
                                      "a@1.2.3.4", "a@-x.test", "a@x y.test"};
    char *url = url_discovery("al@ice@contoso.test");

    (void)state;
    assert_string_equal(url, "https://EnterpriseEnrollment.contoso.test/EnrollmentServer/Discovery.svc");
    free(url);
    url = url_discovery("contoso.test");
    assert_non_null(url);
    free(url);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_null(url_discovery(bad[i]));
}

static void parameters_are_added_with_the_right_sign(void **state)
{
    char *url = url_parameter_add("https://a.b/c", "x", "1 &2");

    (void)state;
    assert_string_equal(url, "https://a.b/c?x=1%20%262");
    free(url);
    url = url_parameter_add("https://a.b/c?d", "x", "1");
    assert_string_equal(url, "https://a.b/c?d&x=1");
    free(url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_that_may_be_used),
        cmocka_unit_test(urls_that_may_not_be_used),
        cmocka_unit_test(domains_are_told_apart_by_the_public_suffix_list),
        cmocka_unit_test(discovery_address_follows_from_the_domain),
        cmocka_unit_test(parameters_are_added_with_the_right_sign),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
