#include "json_write.h"

#include <stdbool.h>
#include <string.h>

#include "json_text.h"

char *intune_enroll_write(const char *request_pem, const char *version, const char *device_name)
{
    struct json_object *object = json_object_new_object();
    return json_text_take(object, object != NULL &&
                                      json_text_put(object, "CertificateSigningRequest", request_pem) &&
                                      json_text_put(object, "AppVersion", version) &&
                                      json_text_put(object, "DeviceName", device_name));
}

char *intune_details_write(const char *device_id, const struct machine_facts *facts)
{
    struct json_object *object = json_object_new_object();
    return json_text_take(object, object != NULL && json_text_put(object, "DeviceId", device_id) &&
                                      json_text_put(object, "DeviceName", facts->device_name) &&
                                      json_text_put(object, "Manufacturer", facts->manufacturer) &&
                                      json_text_put(object, "OSDistribution", facts->distribution) &&
                                      json_text_put(object, "OSVersion", facts->version));
}

static bool detail_add(struct json_object *details, const struct intune_rule *rule,
                       const struct rule_verdict *verdict)
{
    struct json_object *detail = json_object_new_object();
    bool complete = detail != NULL && json_text_put(detail, "RuleId", rule->rule_id) &&
                    json_text_put(detail, "SettingDefinitionItemId", rule->item) &&
                    json_text_put(detail, "ExpectedValue", rule->value) &&
                    json_text_put(detail, "ActualValue", verdict->actual) &&
                    json_text_put(detail, "NewComplianceState", compliance_name(verdict->state)) &&
                    json_text_put(detail, "OldComplianceState", compliance_name(verdict->before));
    if (complete && json_object_array_add(details, detail) == 0)
        return true;
    json_object_put(detail);
    return false;
}

/* The statuses of the policy that begins with this rule; NULL: out of memory. */
static struct json_object *policy_status(const struct intune_policies *policies, size_t first,
                                         const struct rule_verdict *verdicts, const char *when)
{
    const char *policy_id = policies->rules[first].policy_id;
    struct json_object *status = json_object_new_object(), *details = json_object_new_array();
    bool complete = status != NULL && details != NULL && json_text_put(status, "PolicyId", policy_id) &&
                    json_text_put(status, "LastStatusDateTime", when);
    for (size_t i = first; complete && i < policies->count; i++)
        if (strcmp(policies->rules[i].policy_id, policy_id) == 0)
            complete = detail_add(details, &policies->rules[i], &verdicts[i]);
    if (complete && json_object_object_add(status, "Details", details) == 0)
        return status;
    json_object_put(details);
    json_object_put(status);
    return NULL;
}

/* Whether an earlier rule is of the same policy. */
static bool policy_seen(const struct intune_policies *policies, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(policies->rules[i].policy_id, policies->rules[index].policy_id) == 0)
            return true;
    return false;
}

char *intune_status_write(const char *device_id, const struct intune_policies *policies,
                          const struct rule_verdict *verdicts, time_t now)
{
    struct json_object *object = json_object_new_object(), *statuses = json_object_new_array();
    char when[32];
    struct tm tm;
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S+00:00", gmtime_r(&now, &tm));
    bool complete = object != NULL && statuses != NULL && json_text_put(object, "DeviceId", device_id);
    for (size_t i = 0; complete && i < policies->count; i++) {
        if (policy_seen(policies, i))
            continue;
        struct json_object *status = policy_status(policies, i, verdicts, when);
        complete = status != NULL && json_object_array_add(statuses, status) == 0;
    }
    if (complete && json_object_object_add(object, "PolicyStatuses", statuses) == 0)
        return json_text_take(object, true);
    json_object_put(statuses);
    return json_text_take(object, false);
}
