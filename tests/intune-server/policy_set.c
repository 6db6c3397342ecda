#include "policy_set.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define ACCOUNT "00000000-0000-0000-0000-000000000002"

struct setting {
    const char *item;
    const char *rule;
    const char *value;
};

static const struct setting system_settings[] = {
    {"linux_distribution_alloweddistros_item_$type", "b1c06a2e-0001-4000-8000-000000000001", "debian"},
    {"linux_distribution_alloweddistros_item_minimumversion", "b1c06a2e-0001-4000-8000-000000000001", "12"},
    {"linux_distribution_alloweddistros_item_maximumversion", "b1c06a2e-0001-4000-8000-000000000001", "13"},
    {"linux_distribution_alloweddistros_item_$type", "b1c06a2e-0001-4000-8000-000000000002", "ubuntu"},
    {"linux_distribution_alloweddistros_item_minimumversion", "b1c06a2e-0001-4000-8000-000000000002",
     "22.04"},
    {"linux_deviceencryption_required", "b1c06a2e-0001-4000-8000-000000000003", "True"},
};

static const struct setting password_settings[] = {
    {"linux_passwordpolicy_minimumlength", "b1c06a2e-0002-4000-8000-000000000001", "12"},
    {"linux_passwordpolicy_minimumdigits", "b1c06a2e-0002-4000-8000-000000000002", "1"},
    {"linux_passwordpolicy_minimumlowercase", "b1c06a2e-0002-4000-8000-000000000003", "1"},
    {"linux_passwordpolicy_minimumuppercase", "b1c06a2e-0002-4000-8000-000000000004", "1"},
    {"linux_passwordpolicy_minimumsymbols", "b1c06a2e-0002-4000-8000-000000000005", "1"},
};

static const struct setting unknown_settings[] = {
    {"linux_quantumflux_required", "b1c06a2e-0003-4000-8000-000000000001", "True"},
};

/* #!/bin/sh, touch /tmp/intune-server-script-ran */
static const struct setting script_settings[] = {
    {"linux_customconfig_script", "b1c06a2e-0004-4000-8000-000000000001",
     "IyEvYmluL3NoCnRvdWNoIC90bXAvaW50dW5lLXNlcnZlci1zY3JpcHQtcmFuCg=="},
};

static void string_add(struct json_object *object, const char *name, const char *value)
{
    json_object_object_add(object, name, json_object_new_string(value));
}

static struct json_object *setting_make(const struct setting *setting)
{
    struct json_object *object = json_object_new_object();
    string_add(object, "cspPath", "");
    string_add(object, "cspPathId", "");
    string_add(object, "ruleId", setting->rule);
    string_add(object, "ruleName", setting->item);
    string_add(object, "settingDefinitionItemId", setting->item);
    string_add(object, "settingDefinitionReportingId", setting->item);
    string_add(object, "value", setting->value);
    return object;
}

static void policy_add(struct json_object *policies, const char *id, const char *description,
                       const struct setting *settings, size_t count)
{
    struct json_object *policy = json_object_new_object();
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(list, setting_make(&settings[i]));
    string_add(policy, "accountId", ACCOUNT);
    string_add(policy, "policyId", id);
    string_add(policy, "description", description);
    json_object_object_add(policy, "version", json_object_new_int(1));
    string_add(policy, "policyType", "CompliancePolicy");
    json_object_object_add(policy, "policySettings", list);
    json_object_array_add(policies, policy);
}

#define POLICY_ADD(policies, id, description, settings)                                                      \
    policy_add(policies, id, description, settings, sizeof(settings) / sizeof((settings)[0]))

static struct json_object *file_read(const char *path)
{
    char *text = text_file_read(path, NULL);
    struct json_object *policies = text != NULL ? json_tokener_parse(text) : NULL;
    free(text);
    if (json_object_is_type(policies, json_type_array))
        return policies;
    (void)fprintf(stderr, "intune-server: %s: no JSON array of policies\n", path);
    json_object_put(policies);
    return NULL;
}

struct json_object *policy_set_make(const char *path, const struct behaviour *behaviour)
{
    if (path != NULL)
        return file_read(path);
    struct json_object *policies = json_object_new_array();
    if (behaviour_is(behaviour, "policies", "none"))
        return policies;
    POLICY_ADD(policies, "7d3b1f5a-0000-4000-8000-000000000001", "System", system_settings);
    POLICY_ADD(policies, "7d3b1f5a-0000-4000-8000-000000000002", "Password", password_settings);
    if (behaviour_is(behaviour, "policies", "unknown"))
        POLICY_ADD(policies, "7d3b1f5a-0000-4000-8000-000000000003", "Unknown", unknown_settings);
    if (behaviour_is(behaviour, "policies", "script"))
        POLICY_ADD(policies, "7d3b1f5a-0000-4000-8000-000000000004", "Script", script_settings);
    return policies;
}
