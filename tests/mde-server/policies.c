/* GetPolicies (MS-XCEP 3.1.4.1.1 in the profile of MS-MDE2 3.3). */
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "faults.h"
#include "policies.h"
#include "server.h"
#include "soap.h"

#define GET_POLICIES_ACTION POLICY_NAMESPACE "/IPolicy/GetPolicies"
#define RESPONSE_ACTION     POLICY_NAMESPACE "/IPolicy/GetPoliciesResponse"
#define MANY_OIDS           100000

enum { REFERENCE_HASH = 0, REFERENCE_KEY = 1, REFERENCE_EXTENSION = 2, REFERENCE_NOWHERE = 77 };

struct hash_row {
    const char *deviation;
    const char *oid;
    const char *name;
};

static const struct hash_row hash_rows[] = {
    {"sha1", "1.3.14.3.2.26", "szOID_OIWSEC_sha1"},
    {"sha1-named-sha256", "1.3.14.3.2.29", "szOID_NIST_sha256"},
    {"sha384", "2.16.840.1.101.3.4.2.2", "szOID_NIST_sha384"},
    {"sha512", "2.16.840.1.101.3.4.2.3", "szOID_NIST_sha512"},
    {NULL, "2.16.840.1.101.3.4.2.1", "szOID_NIST_sha256"},
};

static bool element_require(xmlNode *parent, const char *name, xmlNode **ret_node, struct fault *ret_fault)
{
    *ret_node = soap_child_require(parent, POLICY_NAMESPACE, name, ret_fault);
    return *ret_node != NULL;
}

static bool get_policies_check(const struct request *request, const struct soap_message *message,
                               struct fault *ret_fault)
{
    static const char *const firmware[] = {"TPMManufacturer", "TPMFirmwareVersion"};
    xmlNode *client = NULL;
    xmlNode *node = NULL;
    if (!soap_name_is(message->body, POLICY_NAMESPACE, "GetPolicies"))
        return fault_set(ret_fault, "MessageFormat", "Body holds %s, not GetPolicies in " POLICY_NAMESPACE,
                         (const char *)message->body->name);
    if (!element_require(message->body, "client", &client, ret_fault) ||
        !element_require(client, "lastUpdate", &node, ret_fault) ||
        !element_require(client, "preferredLanguage", &node, ret_fault) ||
        !element_require(message->body, "requestFilter", &node, ret_fault))
        return false;
    bool tpm = modes_has(&request->server->options.modes, "strict", "tpm");
    for (size_t i = 0; tpm && i < sizeof firmware / sizeof *firmware; i++) {
        char *text = soap_child_text(client, POLICY_NAMESPACE, firmware[i], ret_fault);
        free(text);
        if (!text)
            return false;
    }
    return credentials_check(request, message, CREDENTIALS_POLICY, ret_fault);
}

static long minimal_key_length(const struct options *options)
{
    const struct modes *modes = &options->modes;
    if (modes_deviate(modes, "minimal-key-length-zero"))
        return 0;
    if (modes_deviate(modes, "minimal-key-length-negative"))
        return -1;
    if (modes_deviate(modes, "minimal-key-length-1024"))
        return 1024;
    if (modes_deviate(modes, "minimal-key-length-huge"))
        return 4294967295L;
    return modes_number(modes, "minimal-key-length", options->key->bits);
}

static void key_attributes_write(const struct options *options, struct text *out)
{
    const struct modes *modes = &options->modes;
    const char *provider = modes_deviate(modes, "software-provider")
                               ? "Microsoft Software Key Storage Provider"
                               : "Microsoft Platform Crypto Provider";
    text_format(out, "<privateKeyAttributes><minimalKeyLength>%ld</minimalKeyLength>",
                minimal_key_length(options));
    text_append(
        out,
        "<keySpec xsi:nil=\"true\"/><keyUsageProperty xsi:nil=\"true\"/><permissions xsi:nil=\"true\"/>");
    if (modes_deviate(modes, "algorithm-dangling"))
        text_format(out, "<algorithmOIDReference>%d</algorithmOIDReference>", REFERENCE_NOWHERE);
    else if (options->key->elliptic || modes_deviate(modes, "algorithm-unknown"))
        text_format(out, "<algorithmOIDReference>%d</algorithmOIDReference>", REFERENCE_KEY);
    else
        text_append(out, "<algorithmOIDReference xsi:nil=\"true\"/>");
    if (modes_deviate(modes, "provider-direct") || modes_deviate(modes, "fleet"))
        text_format(out, "<provider>%s</provider>", provider);
    else
        text_format(out, "<cryptoProviders><provider>%s</provider></cryptoProviders>", provider);
    text_append(out, "</privateKeyAttributes>");
}

static void last_attributes_write(const struct modes *modes, struct text *out)
{
    if (modes_deviate(modes, "nil-values"))
        text_append(out, "<hashAlgorithmOIDReference xsi:nil=\"true\"/>");
    else
        text_format(out, "<hashAlgorithmOIDReference>%d</hashAlgorithmOIDReference>", REFERENCE_HASH);
    if (modes_deviate(modes, "ra-requirements"))
        text_append(out, "<rARequirements><rASignatures>1</rASignatures><rAEKUs xsi:nil=\"true\"/>"
                         "<rAPolicies xsi:nil=\"true\"/></rARequirements>");
    else
        text_append(out, "<rARequirements xsi:nil=\"true\"/>");
    if (modes_deviate(modes, "key-archival"))
        text_format(
            out,
            "<keyArchivalAttributes><symmetricAlgorithmOIDReference>%d</symmetricAlgorithmOIDReference>"
            "<symmetricAlgorithmKeyLength>256</symmetricAlgorithmKeyLength></keyArchivalAttributes>",
            REFERENCE_HASH);
    else
        text_append(out, "<keyArchivalAttributes xsi:nil=\"true\"/>");
    if (modes_deviate(modes, "extensions")) {
        text_format(out,
                    "<extensions><extension><oIDReference>%d</oIDReference><critical>false</critical><value>",
                    REFERENCE_EXTENSION);
        text_base64_append(out, policies_extension_value, POLICIES_EXTENSION_SIZE);
        text_append(out, "</value></extension></extensions>");
    } else {
        text_append(out, "<extensions xsi:nil=\"true\"/>");
    }
    if (modes_deviate(modes, "attestation"))
        text_append(
            out, "<attestation><azureAttestation><nonce>bm9uY2U=</nonce><relyingPartyId>https://attest.test"
                 "</relyingPartyId><endpointUri>https://attest.test</endpointUri></azureAttestation></"
                 "attestation>");
}

static void policy_write(const struct options *options, bool enroll, struct text *out)
{
    const struct modes *modes = &options->modes;
    const char *cas = modes_deviate(modes, "case-cas") ? "cAS" : "cAs";
    text_format(out, "<policy><policyOIDReference>0</policyOIDReference><%s xsi:nil=\"true\"/><attributes>",
                cas);
    if (modes_deviate(modes, "nil-values"))
        text_append(out, "<commonName xsi:nil=\"true\"/>");
    else
        text_append(out, "<commonName>Device</commonName>");
    text_format(out, "<policySchema>%d</policySchema>", modes_deviate(modes, "schema-2") ? 2 : 3);
    if (modes_deviate(modes, "nil-values"))
        text_append(out, "<certificateValidity xsi:nil=\"true\"/><permission xsi:nil=\"true\"/>"
                         "<privateKeyAttributes xsi:nil=\"true\"/>");
    else
        text_format(out,
                    "<certificateValidity><validityPeriodSeconds>%lu</validityPeriodSeconds>"
                    "<renewalPeriodSeconds>%lu</renewalPeriodSeconds></certificateValidity>"
                    "<permission><enroll>%s</enroll><autoEnroll>false</autoEnroll></permission>",
                    options->validity * 86400UL, options->renew_period * 86400UL, enroll ? "true" : "false");
    if (!modes_deviate(modes, "nil-values"))
        key_attributes_write(options, out);
    text_append(out, "<revision><majorRevision>101</majorRevision><minorRevision>0</minorRevision></revision>"
                     "<supersededPolicies xsi:nil=\"true\"/><privateKeyFlags xsi:nil=\"true\"/>"
                     "<subjectNameFlags xsi:nil=\"true\"/><enrollmentFlags xsi:nil=\"true\"/>"
                     "<generalFlags xsi:nil=\"true\"/>");
    last_attributes_write(modes, out);
    text_append(out, "</attributes></policy>");
}

static void oid_write(const char *value, int group, int reference, const char *name, struct text *out)
{
    text_format(out,
                "<oID><value>%s</value><group>%d</group><oIDReferenceID>%d</oIDReferenceID>"
                "<defaultName>%s</defaultName></oID>",
                value, group, reference, name);
}

static void oids_write(const struct options *options, struct text *out)
{
    const struct modes *modes = &options->modes;
    const struct hash_row *hash = hash_rows;
    while (hash->deviation && !modes_deviate(modes, hash->deviation))
        hash++;
    bool misplaced = modes_deviate(modes, "hash-group-4") || modes_deviate(modes, "fleet");
    text_append(out, "<oIDs>");
    oid_write(hash->oid, misplaced ? 4 : 1, REFERENCE_HASH, hash->name, out);
    if (modes_deviate(modes, "algorithm-unknown"))
        oid_write("1.3.6.1.4.1.55555.1", 3, REFERENCE_KEY, "Enigma", out);
    else if (modes_deviate(modes, "algorithm-generic"))
        oid_write("1.2.840.10045.2.1", 3, REFERENCE_KEY, "ECC", out);
    else
        oid_write(options->key->oid, 3, REFERENCE_KEY, options->key->oid_name, out);
    if (modes_deviate(modes, "extensions"))
        oid_write(POLICIES_EXTENSION_OID, 6, REFERENCE_EXTENSION, "Device extension", out);
    bool many = modes_has(modes, "attack", "many-oids");
    for (int i = 0; many && i < MANY_OIDS; i++)
        oid_write("1.3.6.1.4.1.55555.2", 9, 1000 + i, "Many", out);
    text_append(out, "</oIDs>");
}

static void policy_list_write(const struct options *options, struct text *out)
{
    const struct modes *modes = &options->modes;
    text_append(out, "<policies>");
    if (modes_deviate(modes, "enroll-denied-first") || modes_deviate(modes, "enroll-denied"))
        policy_write(options, false, out);
    if (!modes_deviate(modes, "no-policies") && !modes_deviate(modes, "enroll-denied"))
        policy_write(options, true, out);
    text_append(out, "</policies>");
}

static void response_write(const struct options *options, const char *message_id, struct text *out)
{
    const struct modes *modes = &options->modes;
    const char *cas = modes_deviate(modes, "case-cas") ? "cAS" : "cAs";
    const char *xsi = modes_deviate(modes, "no-xsi") ? "" : " xmlns:xsi=\"" SCHEMA_INSTANCE "\"";
    soap_envelope_begin(modes, RESPONSE_ACTION, message_id, out);
    if (modes_deviate(modes, "undeclared-prefix")) {
        text_append(
            out, "<xcep:GetPoliciesResponse><xcep:response><xcep:policyID>1</xcep:policyID></xcep:response>"
                 "</xcep:GetPoliciesResponse>");
        soap_envelope_end(out);
        return;
    }
    text_format(out, "<GetPoliciesResponse xmlns=\"" POLICY_NAMESPACE "\"%s>", xsi);
    if (modes_deviate(modes, "nil-response")) {
        text_append(out, "<response xsi:nil=\"true\"/>");
    } else {
        text_append(out,
                    "<response><policyID>mde2-test-policy</policyID><policyFriendlyName xsi:nil=\"true\"/>"
                    "<nextUpdateHours>12</nextUpdateHours>");
        if (modes_deviate(modes, "policies-not-changed")) {
            text_append(out, "<policiesNotChanged>true</policiesNotChanged><policies xsi:nil=\"true\"/>");
        } else {
            text_append(out, "<policiesNotChanged xsi:nil=\"true\"/>");
            policy_list_write(options, out);
        }
        text_append(out, "</response>");
    }
    text_format(out, "<%s xsi:nil=\"true\"/>", cas);
    oids_write(options, out);
    text_append(out, "</GetPoliciesResponse>");
    soap_envelope_end(out);
}

void policies_answer(const struct request *request, struct reply *reply)
{
    struct modes *modes = &request->server->options.modes;
    struct soap_message message;
    struct fault fault = {0};
    struct mode *planned = NULL;
    if (!soap_message_read(request, GET_POLICIES_ACTION, &message, &fault) ||
        !get_policies_check(request, &message, &fault)) {
        fault_write(modes, &fault, message.message_id ? message.message_id : "", NULL, reply);
    } else if ((planned = modes_take(modes, "fault", reply->step, "issue"))) {
        (void)fault_set(&fault, planned->value, "asked for by --mode fault");
        fault_write(modes, &fault, message.message_id, planned, reply);
    } else {
        response_write(&request->server->options, message.message_id, &reply->body);
        reply->content_type = soap_content_type(modes);
        (void)snprintf(reply->outcome, sizeof reply->outcome, "policies given");
    }
    soap_message_clear(&message);
}
