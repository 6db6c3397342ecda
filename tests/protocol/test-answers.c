/* Answers as bytes: what is read from them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discover.h"
#include "fault.h"
#include "policies.h"
#include "provisioning_document.h"
#include "token_request.h"
#include "xml_document.h"

#define SOAP12   "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\">"
#define IN(body) SOAP12 "<s:Body>" body "</s:Body></s:Envelope>"

static enum enroll_exit reply_read(const char *xml, struct soap_reply *ret_reply,
                                   struct enroll_error *ret_error)
{
    return soap_reply_parse(xml, strlen(xml), "Discover", ret_reply, ret_error);
}

/* ---- envelopes ---- */

static void envelope_of_no_known_kind_is_refused(void **state)
{
    static const struct {
        const char *xml;
        const char *words;
    } rows[] = {
        {"", "empty"},
        {"hello", "not well-formed"},
        {"<html/>", "not a SOAP envelope"},
        {"<Envelope><Body/></Envelope>", "no SOAP version"},
        {SOAP12 "</s:Envelope>", "not exactly one Body"},
        {SOAP12 "<s:Body/><s:Body/></s:Envelope>", "not exactly one Body"},
        {SOAP12 "<s:Header/><s:Header/><s:Body/></s:Envelope>", "more than one Header"},
        {IN("<a/><b/>"), "more than one answer"},
        {IN("<a><x:Envelope xmlns:x='y'/></a>"), "more than one Envelope"},
        {"<!DOCTYPE a>" IN(""), "document type"},
        {"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>" IN("&b;"), "document type"},
        {IN("&b;"), "not well-formed"},
        {IN("") "<more/>", "not well-formed"},
        {IN("\xff\xfe"), "not well-formed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct soap_reply reply = {0};
        struct enroll_error error = {0};

        assert_int_equal(reply_read(rows[i].xml, &reply, &error), ENROLL_PROTOCOL);
        if (strstr(error.message, rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].xml, error.message);
    }
}

static void size_and_depth_have_an_end(void **state)
{
    char *xml = malloc(2 * XML_DOCUMENT_MAX);
    char why[128];
    size_t size = 0;

    (void)state;
    assert_non_null(xml);
    memset(xml, ' ', 2 * XML_DOCUMENT_MAX);
    memcpy(xml, "<a/>", 4);
    assert_null(xml_document_parse(xml, XML_DOCUMENT_MAX + 1, NULL, why, sizeof(why)));
    assert_non_null(strstr(why, "larger than"));
    for (int i = 0; i < 300; i++)
        size += (size_t)sprintf(xml + size, "<a>");
    for (int i = 0; i < 300; i++)
        size += (size_t)sprintf(xml + size, "</a>");
    assert_null(xml_document_parse(xml, size, NULL, why, sizeof(why)));
    assert_non_null(strstr(why, "deeper than 256"));
    free(xml);
}

/* ---- base64 ---- */

static void base64_is_strict_but_for_blanks(void **state)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
        const char *why;
    } rows[] = {
        {"YQ==", "a", NULL},
        {"YWI=", "ab", NULL},
        {"YWJj", "abc", NULL},
        {" Y W\r\nJ\tj ", "abc", NULL},
        {"", NULL, "empty"},
        {"YQ", NULL, "cut"},
        {"YQ=", NULL, "cut"},
        {"Y", NULL, "cut"},
        {"YQ==YQ==", NULL, "after its end"},
        {"\"YQ==\"", NULL, "quote"},
        {"'YQ=='", NULL, "quote"},
        {"Y-_=", NULL, "not base64"},
        {"====", NULL, "empty"},
        {"YWJj=", NULL, "cut"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *bytes = NULL;
        size_t size = 0;
        const char *why = "";
        bool good = xml_base64_decode(rows[i].text, &bytes, &size, &why);

        if (good != (rows[i].bytes != NULL))
            fail_msg("%s: %s", rows[i].text, why);
        if (good) {
            assert_int_equal(size, strlen(rows[i].bytes));
            assert_memory_equal(bytes, rows[i].bytes, size);
            free(bytes);
        } else if (strstr(why, rows[i].why) == NULL) {
            fail_msg("%s: %s", rows[i].text, why);
        }
    }
}

/* ---- faults ---- */

static void fault_expect(const char *xml, uint32_t hresult, const char *server_text, const char *trace_id)
{
    struct soap_reply reply = {0};
    struct enroll_error error = {0};

    assert_int_equal(reply_read(xml, &reply, &error), ENROLL_OK);
    assert_true(fault_read(&reply, "GetPolicies", &error));
    if (error.hresult != hresult || strstr(error.server_text, server_text) == NULL ||
        strcmp(error.trace_id, trace_id) != 0)
        fail_msg("%08x %s [%s] %s", error.hresult, error.message, error.server_text, error.trace_id);
    soap_reply_clear(&reply);
}

static void faults_are_read_in_every_spelling(void **state)
{
    (void)state;
    fault_expect(IN("<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>s:Authorization</"
                    "s:Value></s:Subcode></s:Code>"
                    "<s:Reason><s:Text xml:lang='en-US'>not you</s:Text></s:Reason></s:Fault>"),
                 0x80180003, "not you", "");
    fault_expect(IN("<s:fault><s:code><s:value>s:receiver</s:value><s:subcode><s:value>s:messageformat</"
                    "s:value></s:subcode></s:code>"
                    "<s:reason><s:text>bad</s:text></s:reason></s:fault>"),
                 0x80180001, "bad", "");
    /* The detail wins over the subcode. */
    fault_expect(IN("<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>s:Authorization</"
                    "s:Value></s:Subcode></s:Code>"
                    "<s:Reason><s:Text>x</s:Text></s:Reason><s:Detail><DeviceEnrollmentServiceError "
                    "xmlns='http://schemas.microsoft.com/"
                    "windows/pki/2009/01/enrollment'><ErrorType>DeviceCapReached</ErrorType><Message>at most "
                    "5</Message>"
                    "<TraceId>t-1</TraceId></DeviceEnrollmentServiceError></s:Detail></s:Fault>"),
                 0x80180013, "x (at most 5)", "t-1");
    /* "NotSupported" is part of "DeviceNotSupported". */
    fault_expect(
        IN("<s:Fault><s:Detail><e><DeviceEnrollmentServiceError><ErrorType>DeviceNotSupported</ErrorType>"
           "</DeviceEnrollmentServiceError></e></s:Detail></s:Fault>"),
        0x80180014, "", "");
    fault_expect(IN("<s:Fault><s:Detail>NotEligibleToRenew</s:Detail></s:Fault>"), 0x80180016, "", "");
    /* SOAP 1.1. */
    fault_expect("<Envelope "
                 "xmlns='http://schemas.xmlsoap.org/soap/envelope/"
                 "'><Body><Fault><faultcode>a:InternalServiceFault</faultcode>"
                 "<faultstring>oops</faultstring></Fault></Body></Envelope>",
                 0x80180006, "oops", "");
    fault_expect(IN("<s:Fault/>"), 0x80180008, "", "");
}

static void names_of_hresults_are_known(void **state)
{
    (void)state;
    assert_string_equal(fault_hresult_name(0x80180013), "DEVICE_CAP_REACHED");
    assert_string_equal(fault_hresult_name(0x80180010), "CONNECTIVITY");
    assert_string_equal(fault_hresult_name(0x80181234), "UNKNOWN");
}

static void ids_of_the_header_are_read(void **state)
{
    struct soap_reply reply = {0};
    struct enroll_error error = {0};

    (void)state;
    assert_int_equal(
        reply_read(SOAP12
                   "<s:Header><ActivityId CorrelationId='c-1'>a-1</ActivityId><RelatesTo> urn:x </RelatesTo>"
                   "</s:Header><s:Body><s:Fault/></s:Body></s:Envelope>",
                   &reply, &error),
        ENROLL_OK);
    assert_string_equal(reply.relates_to, "urn:x");
    assert_true(fault_read(&reply, "x", &error));
    assert_string_equal(error.activity_id, "a-1 (correlation c-1)");
    soap_reply_clear(&reply);
}

/* ---- policies ---- */

#define POLICY(attributes, oids)                                                                             \
    IN("<GetPoliciesResponse xmlns='http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy'"      \
       " xmlns:xsi='http://www.w3.org/2001/"                                                                 \
       "XMLSchema-instance'><response><policies><policy><attributes>" attributes                             \
       "</attributes></policy></policies></response><oIDs>" oids "</oIDs></GetPoliciesResponse>")
#define OID(id, value)                                                                                       \
    "<oID><value>" value "</value><group>3</group><oIDReferenceID>" id "</oIDReferenceID></oID>"

static enum enroll_exit policy_read(const char *xml, struct certificate_requirements *ret_requirements,
                                    struct enroll_error *ret_error)
{
    struct soap_reply reply = {0};
    enum enroll_exit status;

    assert_int_equal(reply_read(xml, &reply, ret_error), ENROLL_OK);
    status = policies_response_parse(&reply, ret_requirements, ret_error);
    soap_reply_clear(&reply);
    return status;
}

static void curves_follow_from_oid_and_length(void **state)
{
    static const struct {
        const char *xml;
        enum tpm_curve curve; /* TPM_CURVE_NONE: refused */
    } rows[] = {
        {POLICY(
             "<privateKeyAttributes><algorithmOIDReference>1</algorithmOIDReference></privateKeyAttributes>",
             OID("1", "1.2.840.10045.3.1.7")),
         TPM_CURVE_P256},
        {POLICY("<privateKeyAttributes><minimalKeyLength>384</minimalKeyLength><algorithmOIDReference>1</"
                "algorithmOIDReference>"
                "</privateKeyAttributes>",
                OID("1", "1.2.840.10045.2.1")),
         TPM_CURVE_P384},
        {POLICY("<privateKeyAttributes><minimalKeyLength>400</minimalKeyLength><algorithmOIDReference>1</"
                "algorithmOIDReference>"
                "</privateKeyAttributes>",
                OID("1", "1.2.840.10045.2.1")),
         TPM_CURVE_P521},
        {POLICY("<privateKeyAttributes><minimalKeyLength>384</minimalKeyLength><algorithmOIDReference>1</"
                "algorithmOIDReference>"
                "</privateKeyAttributes>",
                OID("1", "1.2.840.10045.3.1.7")),
         TPM_CURVE_NONE},
        {POLICY("<privateKeyAttributes><minimalKeyLength>2048</minimalKeyLength><algorithmOIDReference>1</"
                "algorithmOIDReference>"
                "</privateKeyAttributes>",
                OID("1", "1.2.840.10045.2.1")),
         TPM_CURVE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct certificate_requirements requirements;
        struct enroll_error error = {0};
        enum enroll_exit status = policy_read(rows[i].xml, &requirements, &error);

        assert_int_equal(status, rows[i].curve == TPM_CURVE_NONE ? ENROLL_POLICY : ENROLL_OK);
        if (status != ENROLL_OK)
            continue;
        assert_int_equal(requirements.key_type, TPM_KEY_EC);
        assert_int_equal(requirements.curve, rows[i].curve);
        certificate_requirements_free(&requirements);
    }
}

static void oids_inside_the_response_are_found_too(void **state)
{
    static const char xml[] =
        IN("<GetPoliciesResponse><response><policies><policy><attributes><hashAlgorithmOIDReference>7</"
           "hashAlgorithmOIDReference>"
           "</attributes></policy></policies><oIDs>" OID(
               "7", "2.16.840.1.101.3.4.2.2") "</oIDs></response></GetPoliciesResponse>");
    struct certificate_requirements requirements;
    struct enroll_error error;

    (void)state;
    assert_int_equal(policy_read(xml, &requirements, &error), ENROLL_OK);
    assert_int_equal(requirements.hash, TPM_HASH_SHA384);
    certificate_requirements_free(&requirements);
}

static void extension_without_value_or_oid_is_refused(void **state)
{
    static const char *const rows[] = {
        POLICY(
            "<extensions><extension><oIDReference>1</oIDReference><value>?</value></extension></extensions>",
            OID("1", "1.2.3")),
        POLICY("<extensions><extension><oIDReference>1</oIDReference></extension></extensions>",
               OID("1", "1.2.3")),
        POLICY("<extensions><extension><oIDReference>2</oIDReference><value>BQA=</value></extension></"
               "extensions>",
               OID("1", "1.2.3")),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct certificate_requirements requirements;
        struct enroll_error error;

        assert_int_equal(policy_read(rows[i], &requirements, &error), ENROLL_PROTOCOL);
    }
}

/* ---- provisioning documents ---- */

#define CERTIFICATE(base64)                                                                                  \
    "<characteristic type='00'><parm name='EncodedCertificate' value='" base64 "'/></characteristic>"
#define STORE(inside)                                                                                        \
    "<wap-provisioningdoc version='1.1'><characteristic type='CertificateStore'>" inside "</characteristic>"
#define MY "<characteristic type='My'><characteristic type='User'>" CERTIFICATE("YWJj") "</characteristic>"

static enum enroll_exit document_read(const char *xml, struct provisioning_document **ret_document)
{
    struct enroll_error error;

    return provisioning_document_parse(xml, strlen(xml), ret_document, &error);
}

static void document_is_read_with_its_management_server(void **state)
{
    static const char xml[] = STORE(
        MY "<characteristic type='WSTEP'><characteristic type='Renew'><parm name='RenewalPeriod' value='60'/>"
           "<parm name='RetryInterval' value='4'/><parm name='ServerURL' value='https://r.test/'/>"
           "</characteristic></characteristic></characteristic>") "<characteristic type='APPLICATION'><parm "
                                                                  "name='APPID' value='w7'/><parm "
                                                                  "name='PROVIDER-ID' value='P'/>"
                                                                  "<parm name='NAME' value='N&#10;x'/><parm "
                                                                  "name='ADDR' "
                                                                  "value='https://a.test/'/></characteristic>"
                                                                  "<characteristic "
                                                                  "type='DMClient'><characteristic "
                                                                  "type='Provider'><characteristic "
                                                                  "type='P'><parm name='UPN' value='u'/>"
                                                                  "<parm name='EntDMID' "
                                                                  "value='d'/></characteristic></"
                                                                  "characteristic></characteristic></"
                                                                  "wap-provisioningdoc>";
    struct provisioning_document *document = NULL;

    (void)state;
    assert_int_equal(document_read(xml, &document), ENROLL_OK);
    assert_int_equal(document->received.count, 1);
    assert_int_equal(document->received.list[0].role, RECEIVED_DEVICE);
    assert_int_equal(document->renew_period_days, 60);
    assert_int_equal(document->retry_interval_days, 4);
    assert_string_equal(document->renew_url, "https://r.test/");
    assert_string_equal(document->provider_id, "P");
    assert_string_equal(document->server_name, "N x");
    assert_string_equal(document->management_url, "https://a.test/");
    assert_string_equal(document->upn, "u");
    assert_string_equal(document->device_id, "d");
    provisioning_document_free(document);
}

static void certificate_that_is_repeated_counts_once(void **state)
{
    static const char xml[] = STORE(MY "<characteristic type='System'>" CERTIFICATE(
        "YW Jj") "</characteristic></characteristic>") "<characteristic type='CertificateStore'>" MY
                                                       "</characteristic></characteristic></"
                                                       "wap-provisioningdoc>";
    struct provisioning_document *document = NULL;

    (void)state;
    assert_int_equal(document_read(xml, &document), ENROLL_OK);
    assert_int_equal(document->received.count, 1);
    assert_int_equal(document->renew_period_days, 42);
    assert_int_equal(document->retry_interval_days, 7);
    provisioning_document_free(document);
}

static void document_that_is_none_is_refused(void **state)
{
    static const char *const rows[] = {
        "<wap-provisioningdoc/>",
        "<other/>",
        "<wap-provisioningdoc><characteristic type='My'/></wap-provisioningdoc>",
        STORE("<characteristic type='My'><characteristic type='User'>" CERTIFICATE(
            "?") "</characteristic></characteristic>") "</wap-provisioningdoc>",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct provisioning_document *document = NULL;

        assert_int_equal(document_read(rows[i], &document), ENROLL_PROTOCOL);
        assert_null(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelope_of_no_known_kind_is_refused),
        cmocka_unit_test(size_and_depth_have_an_end),
        cmocka_unit_test(base64_is_strict_but_for_blanks),
        cmocka_unit_test(faults_are_read_in_every_spelling),
        cmocka_unit_test(names_of_hresults_are_known),
        cmocka_unit_test(ids_of_the_header_are_read),
        cmocka_unit_test(curves_follow_from_oid_and_length),
        cmocka_unit_test(oids_inside_the_response_are_found_too),
        cmocka_unit_test(extension_without_value_or_oid_is_refused),
        cmocka_unit_test(document_is_read_with_its_management_server),
        cmocka_unit_test(certificate_that_is_repeated_counts_once),
        cmocka_unit_test(document_that_is_none_is_refused),
    };

    return cmocka_run_group_tests_name("answers", tests, NULL, NULL);
}
