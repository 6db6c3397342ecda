#include "profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "keyfile.h"
#include "profile_facts.h"

#define PROFILE_MAX    65536 /* bytes */
#define SEND_TPM_FACTS "SendTPMFacts"

static const struct profile_sources this_machine = {.os_release = "/etc/os-release",
                                                    .machine_id = "/etc/machine-id"};

/*
 * MDE2 has no device type for Linux; CIMClient_Windows (a full computer, not a phone) is the one that servers
 * take, and OSEdition 4 is the number they expect with it. Everything else is this machine's.
 */
static bool defaults_set(struct device_profile *profile, const struct profile_facts *facts)
{
    const struct {
        enum context_item item;
        const char *value;
    } defaults[] = {
        {ITEM_UX_INITIATED, "false"},
        {ITEM_HW_DEVICE_ID, facts->has_machine_id ? facts->hw_device_id : NULL},
        {ITEM_LOCALE, facts->locale},
        {ITEM_TARGETED_USER_LOGGED_IN, "true"},
        {ITEM_OS_EDITION, "4"},
        {ITEM_DEVICE_NAME, facts->device_name},
        {ITEM_DEVICE_ID, facts->has_machine_id ? facts->device_id : NULL},
        {ITEM_ENROLLMENT_TYPE, "Device"},
        {ITEM_DEVICE_TYPE, "CIMClient_Windows"},
        {ITEM_OS_VERSION, facts->os_version},
        {ITEM_APPLICATION_VERSION, facts->os_version},
        {ITEM_NOT_IN_OOBE, "true"},
    };

    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (defaults[i].value == NULL)
            continue;
        profile->values[defaults[i].item] = strdup(defaults[i].value);
        if (profile->values[defaults[i].item] == NULL)
            return false;
    }
    return true;
}

static enum enroll_exit boolean_read(const char *name, const char *key, const char *value, bool *ret_value,
                                     struct enroll_error *ret_error)
{
    if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "it is true or false",
                                "in %s, the value of %s is not valid", name, key);
    *ret_value = strcasecmp(value, "true") == 0;
    return ENROLL_OK;
}

/* A value from the file; an empty one means that the item is not sent. */
static enum enroll_exit value_set(struct device_profile *profile, const char *name, const char *key,
                                  const char *value, struct enroll_error *ret_error)
{
    enum context_item item = 0;

    if (strcmp(key, SEND_TPM_FACTS) == 0)
        return boolean_read(name, key, value, &profile->send_tpm_facts, ret_error);
    while (item < CONTEXT_ITEM_COUNT && strcmp(key, context_item_descriptions[item].name) != 0)
        item++;
    if (item == CONTEXT_ITEM_COUNT)
        return enroll_error_set(
            ret_error, ENROLL_CONFIGURATION,
            "the keys are the names of the context items, as the installed device-profile.conf lists them",
            "in %s, the key %s is not known", name, key);
    free(profile->values[item]);
    profile->values[item] = NULL;
    if (*value == '\0')
        return ENROLL_OK;
    if (!context_item_valid(item, value))
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION,
                                "the installed device-profile.conf says what each key takes",
                                "in %s, the value of %s is not valid", name, key);
    profile->values[item] = strdup(value);
    return profile->values[item] != NULL ? ENROLL_OK : enroll_error_memory(ret_error);
}

static enum enroll_exit file_apply(struct device_profile *profile, const char *name,
                                   const struct keyfile *file, struct enroll_error *ret_error)
{
    const char *section, *key, *value;
    enum enroll_exit status = ENROLL_OK;

    for (size_t i = 0; status == ENROLL_OK && keyfile_entry(file, i, &section, &key, &value) != 0; i++) {
        if (*section != '\0' && strcmp(section, "device") != 0)
            status = enroll_error_set(ret_error, ENROLL_CONFIGURATION, "the only section is [device]",
                                      "in %s, the section [%s] is not known", name, section);
        else
            status = value_set(profile, name, key, value, ret_error);
    }
    return status;
}

static enum enroll_exit mandatory_check(const struct device_profile *profile, const char *name,
                                        struct enroll_error *ret_error)
{
    static const enum context_item mandatory[] = {
        ITEM_DEVICE_ID,  ITEM_ENROLLMENT_TYPE, ITEM_DEVICE_TYPE,        ITEM_OS_EDITION,
        ITEM_OS_VERSION, ITEM_DEVICE_NAME,     ITEM_APPLICATION_VERSION};

    for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++)
        if (profile->values[mandatory[i]] == NULL)
            return enroll_error_set(ret_error, ENROLL_CONFIGURATION,
                                    "write it into the device profile, or set up /etc/machine-id "
                                    "(systemd-machine-id-setup) that ids are derived from",
                                    "the device profile (%s) has no %s, which MDE2 demands", name,
                                    context_item_descriptions[mandatory[i]].name);
    return ENROLL_OK;
}

static enum enroll_exit identity_apply(struct device_profile *profile, const struct device_identity *identity,
                                       struct enroll_error *ret_error)
{
    const struct {
        enum context_item item;
        const char *value;
    } values[] = {{ITEM_DEVICE_ID, identity->device_id}, {ITEM_HW_DEVICE_ID, identity->hw_device_id}};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (values[i].value == NULL)
            continue;
        free(profile->values[values[i].item]);
        profile->values[values[i].item] = strdup(values[i].value);
        if (profile->values[values[i].item] == NULL)
            return enroll_error_memory(ret_error);
    }
    return ENROLL_OK;
}

static enum enroll_exit profile_make(const struct keyfile *file, const char *name,
                                     const struct profile_sources *sources,
                                     const struct device_identity *identity,
                                     struct device_profile **ret_profile, struct enroll_error *ret_error)
{
    struct device_profile *profile = calloc(1, sizeof(*profile));
    struct profile_facts facts;
    enum enroll_exit status = ENROLL_OK;

    profile_facts_read(sources != NULL ? sources : &this_machine, &facts);
    if (profile == NULL || !defaults_set(profile, &facts))
        status = enroll_error_memory(ret_error);
    if (status == ENROLL_OK && file != NULL)
        status = file_apply(profile, name, file, ret_error);
    if (status == ENROLL_OK && identity != NULL)
        status = identity_apply(profile, identity, ret_error);
    if (status == ENROLL_OK)
        status = mandatory_check(profile, name, ret_error);
    if (status == ENROLL_OK)
        *ret_profile = profile;
    else
        device_profile_free(profile);
    return status;
}

static enum enroll_exit form_refuse(const char *name, size_t line, struct enroll_error *ret_error)
{
    return enroll_error_set(ret_error, ENROLL_CONFIGURATION,
                            "each line is KEY = VALUE, and each key stands once",
                            "the device profile %s cannot be read: line %zu is not of its form", name, line);
}

enum enroll_exit device_profile_parse(const char *text, size_t size, const char *name,
                                      const struct profile_sources *sources,
                                      struct device_profile **ret_profile, struct enroll_error *ret_error)
{
    size_t line = 0;
    struct keyfile *file = keyfile_parse(text, size, &line);
    enum enroll_exit status;

    if (file == NULL)
        return line == 0 ? enroll_error_memory(ret_error) : form_refuse(name, line, ret_error);
    status = profile_make(file, name, sources, NULL, ret_profile, ret_error);
    keyfile_free(file);
    return status;
}

enum enroll_exit device_profile_read(const char *path, const struct device_identity *identity,
                                     struct device_profile **ret_profile, struct enroll_error *ret_error)
{
    const char *name = path != NULL ? path : PROFILE_DEFAULT_PATH;
    size_t line = 0;
    struct keyfile *file;
    enum enroll_exit status;

    if (path == NULL && access(PROFILE_DEFAULT_PATH, F_OK) != 0)
        return profile_make(NULL, "this machine's facts", NULL, identity, ret_profile, ret_error);
    file = keyfile_read(name, PROFILE_MAX, &line);
    if (file == NULL && errno == EINVAL)
        return form_refuse(name, line, ret_error);
    if (file == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --profile",
                                "the device profile %s cannot be read: %s", name, strerrordesc_np(errno));
    status = profile_make(file, name, NULL, identity, ret_profile, ret_error);
    keyfile_free(file);
    return status;
}

void device_profile_free(struct device_profile *profile)
{
    if (profile == NULL)
        return;
    for (size_t i = 0; i < CONTEXT_ITEM_COUNT; i++)
        free(profile->values[i]);
    free(profile);
}
