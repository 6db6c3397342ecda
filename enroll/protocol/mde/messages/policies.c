#include "policies.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xml_document.h"

#define POLICY_2009 "http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy"

void policies_request_write(struct xml_text *text, const char *message_id, const char *to,
                            const struct soap_security *security, const char *tpm_manufacturer,
                            const char *tpm_firmware)
{
    const struct soap_request header = {
        .action = GET_POLICIES_ACTION, .message_id = message_id, .to = to, .security = *security};

    soap_envelope_begin(text, &header, true);
    xml_text_append(text, "<GetPolicies xmlns=\"" POLICY_2009 "\"><client><lastUpdate xsi:nil=\"true\"/>"
                          "<preferredLanguage xsi:nil=\"true\"/>");
    if (tpm_manufacturer != NULL && tpm_firmware != NULL) {
        xml_text_append_element(text, "TPMManufacturer", tpm_manufacturer);
        xml_text_append_element(text, "TPMFirmwareVersion", tpm_firmware);
    }
    xml_text_append(text, "</client><requestFilter xsi:nil=\"true\"/></GetPolicies>");
    soap_envelope_end(text);
}

static void warn(struct certificate_requirements *requirements, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct certificate_requirements *requirements, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    if (requirements->warning_count == REQUIREMENTS_WARNINGS_MAX)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (text != NULL)
        requirements->warnings[requirements->warning_count++] = text;
}

/* A child's text fit for people; NULL if there is none. */
static char *printable_child(const xmlNode *parent, const char *name)
{
    char *text = xml_child_text(parent, name);

    if (text != NULL)
        enroll_text_print(text, strlen(text), text, strlen(text) + 1);
    return text;
}

static bool child_is(const xmlNode *parent, const char *name, const char *value)
{
    char *text = xml_child_text(parent, name);
    bool result = text != NULL && strcasecmp(text, value) == 0;

    free(text);
    return result;
}

static bool absent(const xmlNode *parent, const char *name)
{
    const xmlNode *child = xml_child(parent, name);

    return child == NULL || xml_element_nil(child) || child->children == NULL;
}

/*
 * The OID that an ...OIDReference element names, by its number in oIDs, which stands beside response. Its
 * group is not looked at: Microsoft's own sample has a hash in the group for signatures. NULL if there is
 * none; free() it.
 */
static char *oid_resolve(const xmlNode *oids, const xmlNode *parent, const char *reference_name)
{
    uint64_t wanted, id;

    if (!xml_child_number(parent, reference_name, INT32_MAX, &wanted))
        return NULL;
    for (const xmlNode *oid = xml_child(oids, "oID"); oid != NULL; oid = xml_sibling_find(oid->next, "oID"))
        if (xml_child_number(oid, "oIDReferenceID", INT32_MAX, &id) && id == wanted)
            return printable_child(oid, "value");
    return NULL;
}

static const struct {
    const char *oid;
    enum tpm_hash hash; /* TPM_HASH_SHA1: asked for, never used */
} hashes[] = {
    {"2.16.840.1.101.3.4.2.1", TPM_HASH_SHA256},
    {"2.16.840.1.101.3.4.2.2", TPM_HASH_SHA384},
    {"2.16.840.1.101.3.4.2.3", TPM_HASH_SHA512},
    {"1.3.14.3.2.26", TPM_HASH_SHA1},
    {"1.3.14.3.2.29", TPM_HASH_SHA1},
    {"1.2.840.113549.1.1.5", TPM_HASH_SHA1},
    {"1.2.840.113549.1.1.11", TPM_HASH_SHA256},
    {"1.2.840.113549.1.1.12", TPM_HASH_SHA384},
    {"1.2.840.113549.1.1.13", TPM_HASH_SHA512},
    {"1.2.840.10045.4.3.2", TPM_HASH_SHA256},
    {"1.2.840.10045.4.3.3", TPM_HASH_SHA384},
    {"1.2.840.10045.4.3.4", TPM_HASH_SHA512},
};

static void hash_read(const xmlNode *oids, const xmlNode *attributes,
                      struct certificate_requirements *requirements)
{
    char *oid;
    uint64_t schema;

    /* MS-XCEP 3.1.4.1.3.1: the hash reference has a meaning from schema 3 on. */
    if (xml_child_number(attributes, "policySchema", INT32_MAX, &schema) && schema < 3) {
        warn(requirements, "the policy is of schema %u, MDE2 wants 3; its hash is not read",
             (unsigned)schema);
        return;
    }
    oid = oid_resolve(oids, attributes, "hashAlgorithmOIDReference");
    if (oid == NULL)
        return;
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        if (strcmp(oid, hashes[i].oid) != 0)
            continue;
        if (hashes[i].hash == TPM_HASH_SHA1)
            warn(requirements, "the policy asks for SHA-1 (%s); SHA-256 is used", oid);
        else
            requirements->hash = hashes[i].hash;
        free(oid);
        return;
    }
    warn(requirements, "the policy asks for the hash %s, which is not known; SHA-256 is used", oid);
    free(oid);
}

static const struct {
    const char *oid;
    enum tpm_key_type type;
    enum tpm_curve curve; /* TPM_CURVE_NONE with EC: by length */
} algorithms[] = {
    {"1.2.840.113549.1.1.1", TPM_KEY_RSA, TPM_CURVE_NONE}, {"1.2.840.10045.2.1", TPM_KEY_EC, TPM_CURVE_NONE},
    {"1.2.840.10045.3.1.7", TPM_KEY_EC, TPM_CURVE_P256},   {"1.3.132.0.34", TPM_KEY_EC, TPM_CURVE_P384},
    {"1.3.132.0.35", TPM_KEY_EC, TPM_CURVE_P521},
};

static const struct {
    enum tpm_curve curve;
    unsigned bits;
} curves[] = {{TPM_CURVE_P256, 256}, {TPM_CURVE_P384, 384}, {TPM_CURVE_P521, 521}};

/* The smallest curve of at least `bits`, or exactly `curve`. */
static enum enroll_exit curve_choose(struct certificate_requirements *requirements, enum tpm_curve curve,
                                     unsigned bits, struct enroll_error *ret_error)
{
    requirements->key_type = TPM_KEY_EC;
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (curves[i].bits < bits || (curve != TPM_CURVE_NONE && curves[i].curve != curve))
            continue;
        requirements->curve = curves[i].curve;
        requirements->minimum_bits = curves[i].bits;
        return ENROLL_OK;
    }
    return enroll_error_set(
        ret_error, ENROLL_POLICY, "the policy on the server has to be changed",
        "the policy asks for an elliptic curve key of at least %u bits%s; there is no such curve", bits,
        curve != TPM_CURVE_NONE ? " on a smaller curve that it names" : "");
}

static enum enroll_exit key_read(const xmlNode *oids, const xmlNode *attributes,
                                 struct certificate_requirements *requirements,
                                 struct enroll_error *ret_error)
{
    const xmlNode *key = xml_child(attributes, "privateKeyAttributes");
    uint64_t length = 0;
    char *oid;

    if (!absent(key, "minimalKeyLength") &&
        (!xml_child_number(key, "minimalKeyLength", UINT32_MAX, &length) || length == 0))
        return enroll_error_set(
            ret_error, ENROLL_PROTOCOL, NULL,
            "the answer to GetPolicies was refused: minimalKeyLength is no positive number");
    if (length > 2048)
        requirements->minimum_bits = (unsigned)length;
    oid = oid_resolve(oids, key, "algorithmOIDReference");
    if (oid == NULL) {
        if (!absent(key, "algorithmOIDReference"))
            warn(requirements, "the policy names a key algorithm that it does not list; RSA is used");
        return ENROLL_OK;
    }
    for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++) {
        if (strcmp(oid, algorithms[i].oid) != 0)
            continue;
        free(oid);
        if (algorithms[i].type == TPM_KEY_RSA)
            return ENROLL_OK;
        return curve_choose(requirements, algorithms[i].curve, (unsigned)length, ret_error);
    }
    enroll_error_set(
        ret_error, ENROLL_POLICY, "the policy on the server has to be changed",
        "the policy asks for a key of the algorithm %s; RSA and the NIST curves are what is possible", oid);
    free(oid);
    return ENROLL_POLICY;
}

static enum enroll_exit archival_refuse(const xmlNode *attributes, struct enroll_error *ret_error)
{
    const char *asked = NULL;
    uint64_t signatures = 1;

    if (!absent(attributes, "keyArchivalAttributes"))
        asked = "that the private key be archived, and a key in a TPM cannot leave it";
    else if (!absent(attributes, "rARequirements") &&
             (!xml_child_number(xml_child(attributes, "rARequirements"), "rASignatures", UINT32_MAX,
                                &signatures) ||
              signatures != 0))
        asked = "that a registration authority sign the request, which MDE2 has no way for";
    if (asked == NULL)
        return ENROLL_OK;
    return enroll_error_set(ret_error, ENROLL_POLICY, "the policy on the server has to be changed",
                            "the policy asks %s", asked);
}

static enum enroll_exit extensions_read(const xmlNode *oids, const xmlNode *attributes,
                                        struct certificate_requirements *requirements,
                                        struct enroll_error *ret_error)
{
    const xmlNode *extensions = xml_child(attributes, "extensions");

    for (const xmlNode *node = xml_child(extensions, "extension"); node != NULL;
         node = xml_sibling_find(node->next, "extension")) {
        struct requested_extension extension = {.critical = child_is(node, "critical", "true")};
        char *value = xml_child_text(node, "value");
        const char *why = "it has no value";
        bool decoded = value != NULL && xml_base64_decode(value, &extension.value, &extension.size, &why);

        free(value);
        extension.oid = oid_resolve(oids, node, "oIDReference");
        if (!decoded || extension.oid == NULL ||
            requirements->extension_count == REQUIREMENTS_EXTENSIONS_MAX) {
            free(extension.value);
            free(extension.oid);
            return enroll_error_set(ret_error, ENROLL_PROTOCOL, NULL,
                                    "the answer to GetPolicies was refused: an extension in it %s",
                                    !decoded                ? "is not base64"
                                    : extension.oid == NULL ? "names no OID"
                                                            : "is one too many");
        }
        requirements->extensions[requirements->extension_count++] = extension;
    }
    return ENROLL_OK;
}

/* The first policy under which this user may enrol. */
static const xmlNode *policy_choose(const xmlNode *policies)
{
    for (const xmlNode *policy = xml_child(policies, "policy"); policy != NULL;
         policy = xml_sibling_find(policy->next, "policy"))
        if (!child_is(xml_child(xml_child(policy, "attributes"), "permission"), "enroll", "false"))
            return policy;
    return NULL;
}

static enum enroll_exit policy_read(const xmlNode *oids, const xmlNode *policy,
                                    struct certificate_requirements *requirements,
                                    struct enroll_error *ret_error)
{
    const xmlNode *attributes = xml_child(policy, "attributes");
    const xmlNode *validity = xml_child(attributes, "certificateValidity");
    enum enroll_exit status;

    status = archival_refuse(attributes, ret_error);
    if (status == ENROLL_OK)
        status = key_read(oids, attributes, requirements, ret_error);
    if (status == ENROLL_OK)
        status = extensions_read(oids, attributes, requirements, ret_error);
    if (status != ENROLL_OK)
        return status;
    hash_read(oids, attributes, requirements);
    if (!xml_child_number(validity, "validityPeriodSeconds", INT64_MAX, &requirements->validity_seconds))
        requirements->validity_seconds = 0;
    if (!xml_child_number(validity, "renewalPeriodSeconds", INT64_MAX, &requirements->renewal_seconds))
        requirements->renewal_seconds = 0;
    requirements->from_policy = true;
    return ENROLL_OK;
}

enum enroll_exit policies_response_parse(const struct soap_reply *reply,
                                         struct certificate_requirements *ret_requirements,
                                         struct enroll_error *ret_error)
{
    const xmlNode *response = xml_child(reply->content, "response");
    const xmlNode *oids = xml_child(reply->content, "oIDs"); /* some servers have it inside response */
    const xmlNode *policies = xml_child(response, "policies");
    const xmlNode *policy = policy_choose(policies);
    struct certificate_requirements requirements;
    enum enroll_exit status = ENROLL_OK;

    if (!xml_element_is(reply->content, "GetPoliciesResponse"))
        return enroll_error_set(ret_error, ENROLL_PROTOCOL, NULL,
                                "the answer to GetPolicies was refused: it holds no GetPoliciesResponse");
    if (xml_child_count(reply->content, "response") > 1 || xml_child_count(response, "policies") > 1 ||
        xml_child_count(reply->content, "oIDs") > 1)
        return enroll_error_set(
            ret_error, ENROLL_PROTOCOL, NULL,
            "the answer to GetPolicies was refused: an element in it is there more than once");
    certificate_requirements_default(&requirements);
    requirements.policy_id = printable_child(response, "policyID");
    requirements.policy_name = printable_child(response, "policyFriendlyName");
    if (reply->odd_namespaces)
        warn(&requirements,
             "the policy is not well-formed (a prefix is not declared); the defaults are used");
    else if (response == NULL || xml_element_nil(response) ||
             child_is(response, "policiesNotChanged", "true") || xml_child_count(policies, "policy") == 0)
        warn(&requirements, "the server gave no policy; the defaults are used");
    else if (policy == NULL)
        status = enroll_error_set(ret_error, ENROLL_POLICY, "ask the administrator for the right to enrol",
                                  "no policy of this server lets this user enrol");
    else
        status =
            policy_read(oids != NULL ? oids : xml_child(response, "oIDs"), policy, &requirements, ret_error);
    if (status == ENROLL_OK)
        *ret_requirements = requirements;
    else
        certificate_requirements_free(&requirements);
    return status;
}
