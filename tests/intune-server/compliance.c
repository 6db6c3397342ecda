/* IWService: the device's record, with its compliance, and its retirement. */
#include <string.h>
#include <time.h>

#include "answer.h"
#include "devices.h"
#include "members.h"

#define RECORD_END "')"
#define RETIRE_END "')/Retire"

/* The id in "ID')" or "ID')/Retire", and the device's record; NULL after an answer. */
static struct json_object *record_find(const struct call *call, const char *end, char ret_id[ID_SIZE],
                                       struct answer *answer)
{
    size_t length = strlen(call->rest);
    struct json_object *record = NULL;
    if (length == ID_SIZE - 1 + strlen(end) && strcmp(call->rest + ID_SIZE - 1, end) == 0) {
        (void)snprintf(ret_id, ID_SIZE, "%.36s", call->rest);
        record = device_read(call->service, ret_id, call->device);
    }
    if (record == NULL)
        answer_message_set(answer, 404, "ResourceNotFound", "the device does not exist");
    return record;
}

static struct json_object *rule_make(struct json_object *detail)
{
    struct json_object *rule = json_object_new_object();
    json_object_object_add(rule, "SettingID",
                           json_object_new_string(member_text(detail, "SettingDefinitionItemId")));
    json_object_object_add(rule, "ExpectedValue",
                           json_object_new_string(member_text(detail, "ExpectedValue")));
    json_object_object_add(rule, "Title",
                           json_object_new_string("A setting is not as your organization requires"));
    json_object_object_add(rule, "Description", json_object_new_string(member_text(detail, "ActualValue")));
    json_object_object_add(rule, "MoreInfoUri", json_object_new_string("https://help.example.test/"));
    json_object_object_add(rule, "RemediationOwner", json_object_new_int(0));
    return rule;
}

/* Every rule whose reported state is not Compliant. */
static struct json_object *rules_collect(struct json_object *statuses)
{
    struct json_object *rules = json_object_new_array();
    for (size_t i = 0; statuses != NULL && i < json_object_array_length(statuses); i++) {
        struct json_object *details = member_array(json_object_array_get_idx(statuses, i), "Details");
        for (size_t j = 0; details != NULL && j < json_object_array_length(details); j++) {
            struct json_object *detail = json_object_array_get_idx(details, j);
            if (strcmp(member_text(detail, "NewComplianceState"), "Compliant") != 0)
                json_object_array_add(rules, rule_make(detail));
        }
    }
    return rules;
}

static void retire_target_add(const struct call *call, const char *id, struct json_object *body)
{
    struct json_object *retire = json_object_new_object();
    struct text target = {0};
    text_format(&target, "https://%s/TrafficGateway/TrafficRoutingService/IWService/Devices(guid'%s')/Retire",
                call->host, id);
    bool offered = !behaviour_is(&call->service->behaviour, "retire", "not-offered");
    json_object_object_add(retire, "target", offered ? json_object_new_string(target.data) : NULL);
    json_object_object_add(body, "#CommonContainer.Retire", retire);
    text_clear(&target);
}

void compliance_answer(const struct call *call, struct answer *answer)
{
    char id[ID_SIZE];
    struct json_object *record = record_find(call, RECORD_END, id, answer);
    if (record == NULL)
        return;
    struct json_object *statuses = member_array(record, "PolicyStatuses");
    struct json_object *rules = rules_collect(statuses);
    bool compliant = statuses != NULL && json_object_array_length(rules) == 0;
    const char *state = statuses == NULL ? "Unknown" : compliant ? "Compliant" : "Noncompliant";
    char contact[32];
    time_t now = time(NULL);
    struct tm broken;
    (void)strftime(contact, sizeof(contact), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken));
    struct json_object *body = json_object_new_object();
    json_object_object_add(body, "Key", json_object_new_string(id));
    json_object_object_add(body, "OfficialName", json_object_new_string(member_text(record, "DeviceName")));
    json_object_object_add(body, "ComplianceState", json_object_new_string(state));
    json_object_object_add(body, "IsCompliantInGraph", json_object_new_boolean(compliant));
    json_object_object_add(body, "IsManagedInGraph", json_object_new_boolean(true));
    json_object_object_add(body, "LastContact", json_object_new_string(contact));
    json_object_object_add(body, "NoncompliantRules", rules);
    retire_target_add(call, id, body);
    answer_json_set(answer, body);
    json_object_put(record);
}

void retire_answer(const struct call *call, struct answer *answer)
{
    char id[ID_SIZE];
    struct json_object *record = record_find(call, RETIRE_END, id, answer);
    if (record == NULL)
        return;
    device_remove(call->service, id);
    json_object_put(record);
    answer_empty_set(answer, 204, "retired");
}
