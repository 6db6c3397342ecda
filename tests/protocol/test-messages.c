/* The bytes of each message that is sent: small servers read them with regular expressions, so they are
 * compared whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discover.h"
#include "policies.h"
#include "token_request.h"
#include "xml_text.h"

#define ID "urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478"
#define HEADER(action, to)                                                                                   \
    "<s:Header><a:Action s:mustUnderstand=\"1\">" action "</a:Action><a:MessageID>" ID "</a:MessageID>"      \
    "<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>"           \
    "<a:To s:mustUnderstand=\"1\">" to "</a:To>"
#define ENVELOPE_PLAIN                                                                                       \
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "                                       \
    "xmlns:a=\"http://www.w3.org/2005/08/addressing\">"
#define ENVELOPE                                                                                             \
    "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" "                                       \
    "xmlns:a=\"http://www.w3.org/2005/08/addressing\""                                                       \
    " xmlns:u=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd\""        \
    " xmlns:wsse=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\""      \
    " xmlns:wst=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\""                                        \
    " xmlns:ac=\"http://schemas.xmlsoap.org/ws/2006/12/authorization\">"
#define BODY                                                                                                 \
    "</s:Header><s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""                             \
    " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">"
#define END "</s:Body></s:Envelope>"
#define BASE64                                                                                               \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary"

static const struct context_items items = {.values = {[ITEM_DEVICE_TYPE] = "CIMClient_Windows",
                                                      [ITEM_APPLICATION_VERSION] = "12.4.0.0",
                                                      [ITEM_OS_EDITION] = "4",
                                                      [ITEM_DEVICE_ID] = "1E08C6E95D8BB843B1278FF45BC60CC6",
                                                      [ITEM_UX_INITIATED] = "false",
                                                      [ITEM_MAC] = "00-01  00-02"}};

static void expect_text(struct xml_text *text, const char *expected)
{
    assert_false(text->failed);
    assert_string_equal(text->data, expected);
    assert_int_equal(text->size, strlen(expected));
    xml_text_clear(text);
    assert_null(text->data);
}

static void discover_is_what_windows_sends(void **state)
{
    const struct discover_request request = {.address = "alice@contoso.test",
                                             .request_version = "4.0",
                                             .items = &items,
                                             .on_premise = true,
                                             .federated = true};
    struct xml_text text = {0};

    (void)state;
    discover_request_write(&text, ID, "https://e.test/D.svc", &request);
    expect_text(
        &text,
        ENVELOPE_PLAIN HEADER(
            DISCOVER_ACTION,
            "https://e.test/D.svc") "</s:Header><s:Body>"
                                    "<Discover "
                                    "xmlns=\"http://schemas.microsoft.com/windows/management/2012/01/"
                                    "enrollment\">"
                                    "<request "
                                    "xmlns:i=\"http://www.w3.org/2001/"
                                    "XMLSchema-instance\"><EmailAddress>alice@contoso.test</EmailAddress>"
                                    "<RequestVersion>4.0</RequestVersion><DeviceType>CIMClient_Windows</"
                                    "DeviceType>"
                                    "<ApplicationVersion>12.4.0.0</ApplicationVersion><OSEdition>4</"
                                    "OSEdition><AuthPolicies>"
                                    "<AuthPolicy>OnPremise</AuthPolicy><AuthPolicy>Federated</AuthPolicy></"
                                    "AuthPolicies></request></Discover>" END);
}

static void get_policies_carries_the_token(void **state)
{
    const struct soap_security security = {.kind = SECURITY_TOKEN,
                                           .value_type = VALUE_TYPE_USER_TOKEN,
                                           .token = (const uint8_t *)"token",
                                           .token_size = 5};
    struct xml_text text = {0};

    (void)state;
    policies_request_write(&text, ID, "https://e.test/P.svc", &security, NULL, NULL);
    expect_text(
        &text,
        ENVELOPE HEADER(GET_POLICIES_ACTION,
                        "https://e.test/P.svc") "<wsse:Security s:mustUnderstand=\"1\">"
                                                "<wsse:BinarySecurityToken "
                                                "ValueType=\"http://schemas.microsoft.com/5.0.0.0/"
                                                "ConfigurationManager/Enrollment/"
                                                "DeviceEnrollmentUserToken\" EncodingType=\"" BASE64
                                                "\">dG9rZW4=</wsse:BinarySecurityToken></wsse:Security>" BODY
                                                "<GetPolicies "
                                                "xmlns=\"http://schemas.microsoft.com/windows/pki/2009/01/"
                                                "enrollmentpolicy\"><client>"
                                                "<lastUpdate xsi:nil=\"true\"/><preferredLanguage "
                                                "xsi:nil=\"true\"/></client><requestFilter xsi:nil=\"true\"/>"
                                                "</GetPolicies>" END);
}

static void get_policies_names_the_tpm_when_told(void **state)
{
    const struct soap_security security = {.kind = SECURITY_NONE};
    struct xml_text text = {0};

    (void)state;
    policies_request_write(&text, ID, "https://e.test/P.svc", &security, "IBM", "8217.4131.22.13878");
    assert_non_null(strstr(text.data,
                           "<preferredLanguage xsi:nil=\"true\"/><TPMManufacturer>IBM</TPMManufacturer>"
                           "<TPMFirmwareVersion>8217.4131.22.13878</TPMFirmwareVersion></client>"));
    assert_null(strstr(text.data, "wsse:Security"));
    xml_text_clear(&text);
}

static void request_carries_password_and_items_in_order(void **state)
{
    const struct soap_security security = {
        .kind = SECURITY_USER, .username = "CONTOSO\\alice", .password = "a<b&c\"d"};
    const struct token_request request = {.type = TOKEN_REQUEST_ISSUE,
                                          .request = (const uint8_t *)"\x30\x01\x00\xff",
                                          .request_size = 4,
                                          .value_type = VALUE_TYPE_PKCS10,
                                          .items = &items};
    struct xml_text text = {0};

    (void)state;
    token_request_write(&text, ID, "https://e.test/E.svc?a=1&b=2", &security, &request);
    expect_text(
        &text,
        ENVELOPE HEADER(
            TOKEN_REQUEST_ACTION,
            "https://e.test/E.svc?a=1&amp;b=2") "<wsse:Security s:mustUnderstand=\"1\">"
                                                "<wsse:UsernameToken "
                                                "u:Id=\"uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4\"><wsse:"
                                                "Username>CONTOSO\\alice</wsse:Username>"
                                                "<wsse:Password "
                                                "wsse:Type=\"http://docs.oasis-open.org/wss/2004/01/"
                                                "oasis-200401-wss-username-token-profile-1.0"
                                                "#PasswordText\">a&lt;b&amp;c&quot;d</wsse:Password></"
                                                "wsse:UsernameToken></wsse:Security>" BODY
                                                "<wst:RequestSecurityToken><wst:TokenType>http://"
                                                "schemas.microsoft.com/5.0.0.0/ConfigurationManager/"
                                                "Enrollment/"
                                                "DeviceEnrollmentToken</wst:TokenType><wst:RequestType>http:/"
                                                "/docs.oasis-open.org/ws-sx/ws-trust/200512/Issue"
                                                "</wst:RequestType><wsse:BinarySecurityToken "
                                                "ValueType=\"http://schemas.microsoft.com/windows/pki/2009/"
                                                "01/enrollment#PKCS10\""
                                                " EncodingType=\"" BASE64
                                                "\">MAEA/w==</wsse:BinarySecurityToken>"
                                                "<ac:AdditionalContext "
                                                "xmlns=\"http://schemas.xmlsoap.org/ws/2006/12/"
                                                "authorization\">"
                                                "<ac:ContextItem "
                                                "Name=\"UXInitiated\"><ac:Value>false</ac:Value></"
                                                "ac:ContextItem>"
                                                "<ac:ContextItem "
                                                "Name=\"OSEdition\"><ac:Value>4</ac:Value></ac:ContextItem>"
                                                "<ac:ContextItem "
                                                "Name=\"MAC\"><ac:Value>00-01</ac:Value></ac:ContextItem>"
                                                "<ac:ContextItem "
                                                "Name=\"MAC\"><ac:Value>00-02</ac:Value></ac:ContextItem>"
                                                "<ac:ContextItem "
                                                "Name=\"DeviceID\"><ac:Value>"
                                                "1E08C6E95D8BB843B1278FF45BC60CC6</ac:Value></ac:ContextItem>"
                                                "<ac:ContextItem "
                                                "Name=\"DeviceType\"><ac:Value>CIMClient_Windows</ac:Value></"
                                                "ac:ContextItem>"
                                                "<ac:ContextItem "
                                                "Name=\"ApplicationVersion\"><ac:Value>12.4.0.0</ac:Value></"
                                                "ac:ContextItem>"
                                                "</ac:AdditionalContext></wst:RequestSecurityToken>" END);
}

static void renewal_has_a_timestamp_and_fewer_items(void **state)
{
    const struct soap_security security = {.kind = SECURITY_USER,
                                           .username = "a@b.test",
                                           .password = "",
                                           .created = "2026-11-22T17:00:00.000Z",
                                           .expires = "2026-11-22T17:05:00.000Z"};
    const struct token_request request = {.type = TOKEN_REQUEST_RENEW,
                                          .request = (const uint8_t *)"x",
                                          .request_size = 1,
                                          .value_type = VALUE_TYPE_PKCS7,
                                          .items = &items};
    struct xml_text text = {0};

    (void)state;
    token_request_write(&text, ID, "https://e.test/E.svc", &security, &request);
    assert_non_null(strstr(
        text.data, "<wsse:Security s:mustUnderstand=\"1\"><u:Timestamp u:Id=\"_0\">"
                   "<u:Created>2026-11-22T17:00:00.000Z</u:Created>"
                   "<u:Expires>2026-11-22T17:05:00.000Z</u:Expires></u:Timestamp><wsse:UsernameToken"));
    assert_non_null(strstr(text.data, "#PasswordText\"></wsse:Password>"));
    assert_non_null(
        strstr(text.data, "<wst:RequestType>http://docs.oasis-open.org/ws-sx/ws-trust/200512/Renew<"));
    assert_non_null(strstr(text.data, "wssecurity-secext-1.0.xsd#PKCS7\""));
    assert_null(strstr(text.data, "UXInitiated"));
    assert_null(strstr(text.data, "\"MAC\""));
    assert_non_null(strstr(text.data, "\"DeviceID\""));
    xml_text_clear(&text);
}

static void query_names_the_request(void **state)
{
    const struct soap_security security = {.kind = SECURITY_NONE};
    const struct token_request request = {.type = TOKEN_REQUEST_QUERY, .request_id = "65", .items = &items};
    struct xml_text text = {0};

    (void)state;
    token_request_write(&text, ID, "https://e.test/E.svc", &security, &request);
    assert_non_null(
        strstr(text.data, "<wst:RequestType>http://schemas.microsoft.com/windows/pki/2009/01/enrollment/"
                          "QueryTokenStatus</wst:RequestType><RequestID xmlns=\"http://schemas.microsoft.com/"
                          "windows/pki/2009/01/enrollment\">65</RequestID>"));
    assert_null(strstr(text.data, "BinarySecurityToken"));
    xml_text_clear(&text);
}

static void base64_is_one_line_of_every_length(void **state)
{
    static const char *const expected[] = {"", "AA==", "AAE=", "AAEC", "AAECAw=="};
    static const uint8_t bytes[] = {0, 1, 2, 3};

    (void)state;
    for (size_t size = 1; size <= 4; size++) {
        struct xml_text text = {0};

        xml_text_append_base64(&text, bytes, size);
        expect_text(&text, expected[size]);
    }
}

static void character_that_xml_cannot_carry_is_noticed(void **state)
{
    struct xml_text text = {0};

    (void)state;
    xml_text_append_escaped(&text, "a\tb\nc\rd>");
    assert_false(text.failed);
    assert_string_equal(text.data, "a&#x9;b&#xA;c&#xD;d&gt;");
    xml_text_append_escaped(&text, "bell\a");
    assert_true(text.failed);
    xml_text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(discover_is_what_windows_sends),
        cmocka_unit_test(get_policies_carries_the_token),
        cmocka_unit_test(get_policies_names_the_tpm_when_told),
        cmocka_unit_test(request_carries_password_and_items_in_order),
        cmocka_unit_test(renewal_has_a_timestamp_and_fewer_items),
        cmocka_unit_test(query_names_the_request),
        cmocka_unit_test(base64_is_one_line_of_every_length),
        cmocka_unit_test(character_that_xml_cannot_carry_is_noticed),
    };

    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
