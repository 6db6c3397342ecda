/* LinuxDeviceCheckinService: the device's details, the policies that apply, and their status. */
#include <string.h>

#include "answer.h"
#include "devices.h"
#include "members.h"

static void unknown_set(struct answer *answer, unsigned status)
{
    if (status == 401)
        answer_empty_set(answer, status, "unknown device");
    else
        answer_message_set(answer, status, "BadRequest", "Device validation failed");
}

void details_answer(const struct call *call, struct answer *answer)
{
    static const char *const names[] = {"DeviceId",       "DeviceName", "Manufacturer",
                                        "OSDistribution", "OSVersion",  NULL};
    const char *missing = members_check(call->body, names);
    if (missing != NULL) {
        answer_problem_set(answer, 400, missing, "The field is required.");
        return;
    }
    const char *id = member_text(call->body, "DeviceId");
    struct json_object *record = device_read(call->service, id, call->device);
    if (record == NULL) {
        unknown_set(answer, 401);
        return;
    }
    json_object_object_add(record, "details", json_object_get(call->body));
    if (!device_write(call->service, id, record)) {
        answer_message_set(answer, 500, "InternalError", "the device cannot be stored");
    } else {
        struct json_object *body = json_object_new_object();
        json_object_object_add(body, "deviceFriendlyName", json_object_new_string(""));
        answer_json_set(answer, body);
    }
    json_object_put(record);
}

void applicable_policies_answer(const struct call *call, struct answer *answer)
{
    struct json_object *record = device_read(call->service, call->rest, call->device);
    if (record == NULL) {
        unknown_set(answer, 400);
        return;
    }
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "policies", json_object_get(call->service->policies));
    answer_json_set(answer, body);
    json_object_put(record);
}

static struct json_object *member_find(struct json_object *array, const char *name, const char *value)
{
    for (size_t i = 0; array != NULL && i < json_object_array_length(array); i++) {
        struct json_object *object = json_object_array_get_idx(array, i);
        if (strcmp(member_text(object, name), value) == 0)
            return object;
    }
    return NULL;
}

static bool state_is_known(const char *state)
{
    static const char *const states[] = {"Compliant", "NonCompliant", "Unknown", "Error"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcmp(states[i], state) == 0)
            return true;
    return false;
}

/* 2025-05-12T15:52:31+00:00 */
static bool time_is_whole(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd+00:00";
    size_t i = 0;
    for (; form[i] != '\0' && text[i] != '\0'; i++)
        if (form[i] == 'd' ? strchr("0123456789", text[i]) == NULL : form[i] != text[i])
            return false;
    return form[i] == text[i];
}

/* One rule's status against the policy; NULL or what is wrong. */
static const char *detail_check(struct json_object *policy, struct json_object *detail)
{
    static const char *const names[] = {"RuleId",      "SettingDefinitionItemId", "ExpectedValue",
                                        "ActualValue", "NewComplianceState",      "OldComplianceState"};
    if (!json_object_is_type(detail, json_type_object))
        return "Details";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!json_object_is_type(json_object_object_get(detail, names[i]), json_type_string))
            return names[i];
    if (!state_is_known(member_text(detail, "NewComplianceState")))
        return "NewComplianceState";
    if (!state_is_known(member_text(detail, "OldComplianceState")))
        return "OldComplianceState";
    struct json_object *settings = member_array(policy, "policySettings");
    const char *item = member_text(detail, "SettingDefinitionItemId");
    for (size_t i = 0; settings != NULL && i < json_object_array_length(settings); i++) {
        struct json_object *setting = json_object_array_get_idx(settings, i);
        if (strcmp(member_text(setting, "ruleId"), member_text(detail, "RuleId")) != 0 ||
            strcmp(member_text(setting, "settingDefinitionItemId"), item) != 0)
            continue;
        bool same = strcmp(member_text(setting, "value"), member_text(detail, "ExpectedValue")) == 0;
        return same ? NULL : "ExpectedValue";
    }
    return "RuleId";
}

static const char *policy_status_check(struct json_object *policies, struct json_object *status)
{
    if (!json_object_is_type(status, json_type_object))
        return "PolicyStatuses";
    struct json_object *policy = member_find(policies, "policyId", member_text(status, "PolicyId"));
    if (policy == NULL)
        return "PolicyId";
    if (!time_is_whole(member_text(status, "LastStatusDateTime")))
        return "LastStatusDateTime";
    struct json_object *details = member_array(status, "Details");
    if (details == NULL)
        return "Details";
    const char *wrong = NULL;
    for (size_t i = 0; wrong == NULL && i < json_object_array_length(details); i++)
        wrong = detail_check(policy, json_object_array_get_idx(details, i));
    return wrong;
}

void status_answer(const struct call *call, struct answer *answer)
{
    const char *id = member_text(call->body, "DeviceId");
    struct json_object *statuses = member_array(call->body, "PolicyStatuses");
    struct json_object *record = device_read(call->service, id, call->device);
    const char *wrong = NULL;
    if (statuses == NULL) {
        answer_problem_set(answer, 400, "PolicyStatuses", "The field is required.");
        goto out;
    }
    if (record == NULL) {
        unknown_set(answer, 400);
        goto out;
    }
    for (size_t i = 0; wrong == NULL && i < json_object_array_length(statuses); i++)
        wrong = policy_status_check(call->service->policies, json_object_array_get_idx(statuses, i));
    if (wrong != NULL) {
        answer_problem_set(answer, 400, wrong, "The value is not valid.");
        goto out;
    }
    json_object_object_add(record, "PolicyStatuses", json_object_get(statuses));
    if (!device_write(call->service, id, record)) {
        answer_message_set(answer, 500, "InternalError", "the status cannot be stored");
        goto out;
    }
    answer_json_set(answer, json_object_get(call->body));
out:
    json_object_put(record);
}
