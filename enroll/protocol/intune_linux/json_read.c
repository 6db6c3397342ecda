#include "json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "constants.h"
#include "json_text.h"

#define CERTIFICATE_MAX 65536 /* bytes */
#define RENEW_DAYS_MAX  3650

static enum enroll_exit refuse(struct enroll_error *error, const char *what, const char *member,
                               const char *why)
{
    return enroll_error_set(error, ENROLL_PROTOCOL, "report this to the administrator of the service",
                            "unexpected answer of the service to %s: %s%s%s", what, member,
                            member[0] != '\0' ? " " : "", why);
}

static struct json_object *answer_parse(const char *json, size_t size, const char *what,
                                        struct enroll_error *error)
{
    struct json_object *object = json_text_parse(json, size);
    if (object == NULL)
        refuse(error, what, "", "not one whole JSON object");
    return object;
}

/* NULL and false unless it is an array. */
static bool array_get(struct json_object *object, const char *name, struct json_object **ret_array)
{
    return json_object_object_get_ex(object, name, ret_array) &&
           json_object_is_type(*ret_array, json_type_array);
}

/* ---- services ---- */

static void service_take(struct json_object *endpoint, struct intune_services *services)
{
    const struct {
        const char *name;
        char *url;
    } wanted[] = {{SERVICE_ENROLLMENT, services->enrollment},
                  {SERVICE_CHECK_IN, services->check_in},
                  {SERVICE_IWSERVICE, services->iwservice}};
    struct json_object *deleted = NULL;
    char *name = json_text_string(endpoint, "providerName"), *uri = json_text_string(endpoint, "uri");
    bool is_deleted = json_object_is_type(endpoint, json_type_object) &&
                      json_object_object_get_ex(endpoint, "deletedDateTime", &deleted) && deleted != NULL;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!is_deleted && name != NULL && uri != NULL && strcmp(name, wanted[i].name) == 0 &&
            wanted[i].url[0] == '\0' && strlen(uri) < INTUNE_URL_MAX)
            snprintf(wanted[i].url, INTUNE_URL_MAX, "%s", uri);
    free(name);
    free(uri);
}

enum enroll_exit intune_services_read(const char *json, size_t size, struct intune_services *ret_services,
                                      struct enroll_error *ret_error)
{
    struct intune_services services = {0};
    struct json_object *object = answer_parse(json, size, "the search for its addresses", ret_error), *list;
    if (object == NULL)
        return ENROLL_PROTOCOL;
    enum enroll_exit status = ENROLL_OK;
    if (array_get(object, "value", &list)) {
        for (size_t i = 0; i < json_object_array_length(list); i++)
            service_take(json_object_array_get_idx(list, i), &services);
    } else {
        status = refuse(ret_error, "the search for its addresses", "value", "is no array");
    }
    json_text_free(object);
    if (status == ENROLL_OK)
        *ret_services = services;
    return status;
}

/* ---- enrolment ---- */

#define ENROLMENT "the enrolment"

static bool uuid_take(char *text, char ret_uuid[INTUNE_UUID_SIZE])
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool good = text != NULL && strlen(text) == sizeof(form) - 1;
    for (size_t i = 0; good && form[i] != '\0'; i++)
        good = form[i] == '-' ? text[i] == '-' : strchr("0123456789abcdefABCDEF", text[i]) != NULL;
    if (good)
        memcpy(ret_uuid, text, sizeof(form));
    free(text);
    return good;
}

static bool bytes_of_array(struct json_object *array, struct intune_enrolled *enrolled)
{
    size_t count = json_object_array_length(array);
    if (count == 0 || count > CERTIFICATE_MAX)
        return false;
    enrolled->certificate = malloc(count);
    for (size_t i = 0; enrolled->certificate != NULL && i < count; i++) {
        struct json_object *byte = json_object_array_get_idx(array, i);
        int64_t value = json_object_get_int64(byte);
        if (!json_object_is_type(byte, json_type_int) || value < 0 || value > 255)
            return false;
        enrolled->certificate[i] = (uint8_t)value;
    }
    enrolled->certificate_size = count;
    return enrolled->certificate != NULL;
}

static bool bytes_of_base64(const char *text, struct intune_enrolled *enrolled)
{
    size_t length = strlen(text);
    if (length == 0 || length % 4 != 0 || length > 2 * CERTIFICATE_MAX)
        return false;
    enrolled->certificate = malloc(length / 4 * 3);
    int size = enrolled->certificate != NULL
                   ? EVP_DecodeBlock(enrolled->certificate, (const unsigned char *)text, (int)length)
                   : -1;
    if (size < 0)
        return false;
    enrolled->certificate_size = (size_t)size - (text[length - 1] == '=') - (text[length - 2] == '=');
    return true;
}

static bool certificate_take(struct json_object *certificate, struct intune_enrolled *enrolled)
{
    struct json_object *blob;
    if (!json_object_object_get_ex(certificate, "certBlob", &blob))
        return false;
    if (json_object_is_type(blob, json_type_array))
        return bytes_of_array(blob, enrolled);
    return json_object_is_type(blob, json_type_string) &&
           bytes_of_base64(json_object_get_string(blob), enrolled);
}

/* SHA-1, in hex. */
static bool thumbprint_is(const struct intune_enrolled *enrolled, const char *thumbprint)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    unsigned size = 0;
    if (thumbprint == NULL ||
        EVP_Digest(enrolled->certificate, enrolled->certificate_size, digest, &size, EVP_sha1(), NULL) != 1)
        return false;
    for (unsigned i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return strcasecmp(hex, thumbprint) == 0;
}

/* renewPeriod stands in the certificate or beside it; false when it is no number of days. */
static bool renew_days_take(struct json_object *object, struct json_object *certificate, unsigned *ret_days)
{
    struct json_object *days = NULL;
    *ret_days = 0;
    if (!json_object_object_get_ex(certificate, "renewPeriod", &days) &&
        !json_object_object_get_ex(object, "renewPeriod", &days))
        return true;
    int64_t value = json_object_get_int64(days);
    if (!json_object_is_type(days, json_type_int) || value < 1 || value > RENEW_DAYS_MAX)
        return false;
    *ret_days = (unsigned)value;
    return true;
}

static enum enroll_exit enrolled_take(struct json_object *object, struct intune_enrolled *enrolled,
                                      struct enroll_error *error)
{
    struct json_object *certificate = NULL;
    if (!uuid_take(json_text_string(object, "deviceId"), enrolled->device_id))
        return refuse(error, ENROLMENT, "deviceId", "is no UUID");
    if (!json_object_object_get_ex(object, "certificate", &certificate) ||
        !json_object_is_type(certificate, json_type_object))
        return refuse(error, ENROLMENT, "certificate", "is no object");
    if (!certificate_take(certificate, enrolled))
        return refuse(error, ENROLMENT, "certificate.certBlob", "is no certificate");
    if (!renew_days_take(object, certificate, &enrolled->renew_days))
        return refuse(error, ENROLMENT, "renewPeriod", "is no number of days");
    char *thumbprint = json_text_string(certificate, "thumbprint");
    bool matches = thumbprint_is(enrolled, thumbprint);
    free(thumbprint);
    if (!matches)
        return enroll_error_set(error, ENROLL_CERTIFICATE, "report this to the administrator of the service",
                                "the certificate's thumbprint is not the one that the service named");
    return ENROLL_OK;
}

enum enroll_exit intune_enrolled_read(const char *json, size_t size, struct intune_enrolled *ret_enrolled,
                                      struct enroll_error *ret_error)
{
    struct intune_enrolled enrolled = {0};
    struct json_object *object = answer_parse(json, size, ENROLMENT, ret_error);
    if (object == NULL)
        return ENROLL_PROTOCOL;
    enum enroll_exit status = enrolled_take(object, &enrolled, ret_error);
    json_text_free(object);
    if (status == ENROLL_OK)
        *ret_enrolled = enrolled;
    else
        intune_enrolled_clear(&enrolled);
    return status;
}

void intune_enrolled_clear(struct intune_enrolled *enrolled)
{
    free(enrolled->certificate);
    *enrolled = (struct intune_enrolled){0};
}

/* ---- policies ---- */

#define POLICIES "the question for policies"

static bool rule_take(struct json_object *setting, const char *policy_id, struct intune_policies *policies)
{
    if (policies->count == INTUNE_RULES_MAX)
        return false;
    struct intune_rule *rule = &policies->rules[policies->count++];
    *rule = (struct intune_rule){
        .policy_id = strdup(policy_id),
        .rule_id = json_text_string(setting, "ruleId"),
        .item = json_text_string(setting, "settingDefinitionItemId"),
        .value = json_text_string(setting, "value"),
        .name = json_text_printable(setting, "ruleName"),
    };
    return rule->policy_id != NULL && rule->rule_id != NULL && rule->item != NULL && rule->value != NULL;
}

static enum enroll_exit policy_take(struct json_object *policy, struct intune_policies *policies,
                                    struct enroll_error *error)
{
    struct json_object *settings;
    char *id = json_text_string(policy, "policyId");
    enum enroll_exit status = ENROLL_OK;
    if (id == NULL || !array_get(policy, "policySettings", &settings)) {
        free(id);
        return refuse(error, POLICIES, "policies", "has a policy without policyId or policySettings");
    }
    for (size_t i = 0; status == ENROLL_OK && i < json_object_array_length(settings); i++)
        if (!rule_take(json_object_array_get_idx(settings, i), id, policies))
            status =
                refuse(error, POLICIES, "policySettings",
                       policies->count == INTUNE_RULES_MAX ? "are too many"
                                                           : "lack ruleId, settingDefinitionItemId or value");
    free(id);
    return status;
}

enum enroll_exit intune_policies_read(const char *json, size_t size, struct intune_policies *ret_policies,
                                      struct enroll_error *ret_error)
{
    struct json_object *object = answer_parse(json, size, POLICIES, ret_error), *list;
    if (object == NULL)
        return ENROLL_PROTOCOL;
    ret_policies->count = 0;
    enum enroll_exit status = array_get(object, "policies", &list)
                                  ? ENROLL_OK
                                  : refuse(ret_error, POLICIES, "policies", "is no array");
    for (size_t i = 0; status == ENROLL_OK && i < json_object_array_length(list); i++)
        status = policy_take(json_object_array_get_idx(list, i), ret_policies, ret_error);
    json_text_free(object);
    if (status != ENROLL_OK)
        intune_policies_clear(ret_policies);
    return status;
}

void intune_policies_clear(struct intune_policies *policies)
{
    for (size_t i = 0; i < policies->count; i++) {
        struct intune_rule *rule = &policies->rules[i];
        free(rule->policy_id);
        free(rule->rule_id);
        free(rule->item);
        free(rule->value);
        free(rule->name);
    }
    policies->count = 0;
}

/* ---- the device ---- */

#define DEVICE "the question for compliance"

static void text_take(struct json_object *object, const char *name, char *ret_text, size_t size)
{
    char *text = json_text_printable(object, name);
    snprintf(ret_text, size, "%s", text != NULL ? text : "");
    free(text);
}

static void retire_take(struct json_object *object, struct intune_device *device)
{
    struct json_object *retire;
    char *target = json_object_object_get_ex(object, "#CommonContainer.Retire", &retire)
                       ? json_text_string(retire, "target")
                       : NULL;
    if (target != NULL && strlen(target) < INTUNE_URL_MAX)
        snprintf(device->retire_url, INTUNE_URL_MAX, "%s", target);
    free(target);
}

enum enroll_exit intune_device_read(const char *json, size_t size, struct intune_device *ret_device,
                                    struct enroll_error *ret_error)
{
    struct json_object *object = answer_parse(json, size, DEVICE, ret_error), *rules;
    if (object == NULL)
        return ENROLL_PROTOCOL;
    *ret_device = (struct intune_device){0};
    text_take(object, "ComplianceState", ret_device->state, sizeof(ret_device->state));
    text_take(object, "LastContact", ret_device->last_contact, sizeof(ret_device->last_contact));
    retire_take(object, ret_device);
    bool has_rules = array_get(object, "NoncompliantRules", &rules);
    for (size_t i = 0; has_rules && i < json_object_array_length(rules) && i < INTUNE_RULES_MAX; i++) {
        struct json_object *rule = json_object_array_get_idx(rules, i);
        ret_device->violations[ret_device->violation_count++] =
            (struct intune_violation){.item = json_text_printable(rule, "SettingID"),
                                      .title = json_text_printable(rule, "Title"),
                                      .expected = json_text_printable(rule, "ExpectedValue"),
                                      .description = json_text_printable(rule, "Description")};
    }
    json_text_free(object);
    if (ret_device->state[0] != '\0')
        return ENROLL_OK;
    intune_device_clear(ret_device);
    return refuse(ret_error, DEVICE, "ComplianceState", "is missing");
}

void intune_device_clear(struct intune_device *device)
{
    for (size_t i = 0; i < device->violation_count; i++) {
        free(device->violations[i].item);
        free(device->violations[i].title);
        free(device->violations[i].expected);
        free(device->violations[i].description);
    }
    device->violation_count = 0;
}

/* ---- errors ---- */

/* The first text of {"FIELD": ["TEXT"]}, with its field. */
static void problem_take(struct json_object *errors, struct enroll_error *error)
{
    if (!json_object_is_type(errors, json_type_object) || json_object_object_length(errors) == 0)
        return;
    struct json_object_iterator first = json_object_iter_begin(errors);
    struct json_object *texts = json_object_iter_peek_value(&first);
    struct json_object *text =
        json_object_is_type(texts, json_type_array) ? json_object_array_get_idx(texts, 0) : texts;
    char line[sizeof(error->server_text)];
    if (!json_object_is_type(text, json_type_string))
        return;
    snprintf(line, sizeof(line), "%s: %s", json_object_iter_peek_name(&first), json_object_get_string(text));
    enroll_text_print(line, strlen(line), error->server_text, sizeof(error->server_text));
}

void intune_fault_read(const char *json, size_t size, struct enroll_error *error)
{
    struct json_object *object = json_text_parse(json, size), *errors;
    if (object == NULL)
        return;
    text_take(object, "title", error->server_text, sizeof(error->server_text));
    if (error->server_text[0] == '\0')
        text_take(object, "Message", error->server_text, sizeof(error->server_text));
    if (json_object_object_get_ex(object, "errors", &errors))
        problem_take(errors, error);
    text_take(object, "traceId", error->trace_id, sizeof(error->trace_id));
    text_take(object, "activityId", error->activity_id, sizeof(error->activity_id));
    json_text_free(object);
}
