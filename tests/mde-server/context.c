#include "context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "faults.h"
#include "modes.h"
#include "soap.h"

enum form { FORM_TEXT, FORM_NUMBER, FORM_BOOLEAN, FORM_VERSION, FORM_ENROLLMENT_TYPE, FORM_DEVICE_TYPE };

struct item {
    const char *name;
    enum form form;
    bool must;
    bool repeats;
};

static const struct item items[] = {
    {"DeviceID", FORM_TEXT, true, false},
    {"EnrollmentType", FORM_ENROLLMENT_TYPE, true, false},
    {"OSEdition", FORM_NUMBER, true, false},
    {"OSVersion", FORM_VERSION, true, false},
    {"DeviceType", FORM_DEVICE_TYPE, true, false},
    {"DeviceName", FORM_TEXT, true, false},
    {"ApplicationVersion", FORM_VERSION, true, false},
    {"TargetedUserLoggedIn", FORM_BOOLEAN, true, false},
    {"HWDevID", FORM_TEXT, false, false},
    {"UXInitiated", FORM_BOOLEAN, false, false},
    {"NotInOobe", FORM_BOOLEAN, false, false},
    {"Locale", FORM_TEXT, false, false},
    {"RequestVersion", FORM_VERSION, false, false},
    {"MAC", FORM_TEXT, false, true},
    {"IMEI", FORM_TEXT, false, true},
};

static const struct item *item_find(const char *name)
{
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    return NULL;
}

static bool form_check(const struct item *item, const char *value, bool windows_only, struct fault *ret_fault)
{
    static const char *const device_types[] = {"WindowsPhone", "CIMClient_Windows", "WindowsHandheld"};
    bool good = true;
    switch (item->form) {
    case FORM_TEXT:
        break;
    case FORM_NUMBER:
        good = strspn(value, "0123456789") == strlen(value);
        break;
    case FORM_BOOLEAN:
        good = strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0;
        break;
    case FORM_VERSION:
        good = strspn(value, "0123456789.") == strlen(value) && value[0] != '.';
        break;
    case FORM_ENROLLMENT_TYPE:
        good = strcmp(value, "Full") == 0 || strcmp(value, "Device") == 0;
        break;
    case FORM_DEVICE_TYPE:
        good = !windows_only;
        for (size_t i = 0; i < sizeof device_types / sizeof *device_types; i++)
            good = good || strcmp(value, device_types[i]) == 0;
        if (!good)
            return fault_set(ret_fault, "DeviceNotSupported", "DeviceType %.100s is not supported", value);
        break;
    }
    return good || fault_set(ret_fault, "InvalidEnrollmentData", "the context item %s is \"%.100s\"",
                             item->name, value);
}

/* The value of an item: its one Value child. The caller frees it. */
static char *value_get(xmlNode *node, const char *name, struct fault *ret_fault)
{
    struct fault why = {0};
    char *value = soap_child_text(node, AUTHORIZATION_CONTEXT, "Value", &why);
    if (!value)
        fault_set(ret_fault, "MessageFormat", "the context item %.100s: %.300s", name, why.text);
    return value;
}

static void context_take(const char *name, const char *value, struct context *context)
{
    if (strcmp(name, "DeviceID") == 0)
        (void)snprintf(context->device, sizeof context->device, "%s", value);
    else if (strcmp(name, "EnrollmentType") == 0)
        context->full = strcmp(value, "Full") == 0;
}

static bool item_named(xmlNode *node, const char *name)
{
    char *found = soap_attribute_text(node, NULL, "Name");
    bool same = found && strcmp(found, name) == 0;
    free(found);
    return same;
}

static unsigned item_count(xmlNode *additional, const char *name)
{
    unsigned count = 0;
    for (xmlNode *node = soap_child_find(additional, NULL, NULL); node;
         node = soap_sibling_find(node, NULL, NULL))
        count += item_named(node, name);
    return count;
}

static bool item_check(xmlNode *additional, xmlNode *node, bool windows_only, struct context *context,
                       struct fault *ret_fault)
{
    if (!soap_name_is(node, AUTHORIZATION_CONTEXT, "ContextItem"))
        return fault_set(ret_fault, "MessageFormat",
                         "AdditionalContext holds %s, not ContextItem in " AUTHORIZATION_CONTEXT,
                         (const char *)node->name);
    char *name = soap_attribute_text(node, NULL, "Name");
    if (!name || !*name) {
        free(name);
        return fault_set(ret_fault, "MessageFormat", "a ContextItem has no attribute Name");
    }
    char *value = value_get(node, name, ret_fault);
    const struct item *item = item_find(name);
    bool good = value != NULL;
    if (good && item && !item->repeats && item_count(additional, name) > 1)
        good = fault_set(ret_fault, "MessageFormat", "the context item %s is there more than once", name);
    if (good && item)
        good = form_check(item, value, windows_only, ret_fault);
    if (good)
        context_take(name, value, context);
    free(value);
    free(name);
    return good;
}

static bool presence_check(xmlNode *additional, const struct modes *modes, struct fault *ret_fault)
{
    for (size_t i = 0; i < sizeof items / sizeof *items; i++)
        if (items[i].must && item_count(additional, items[i].name) == 0)
            return fault_set(ret_fault, "MessageFormat", "the context item %s is missing", items[i].name);
    for (unsigned i = 0; i < modes->count; i++)
        if (strcmp(modes->list[i].name, "require") == 0 && item_count(additional, modes->list[i].value) == 0)
            return fault_set(ret_fault, "MessageFormat", "the context item %s is missing",
                             modes->list[i].value);
    const char *version = modes_value(modes, "enrollment-version");
    if (version && strtod(version, NULL) >= 5.0 && item_count(additional, "RequestVersion") == 0)
        return fault_set(ret_fault, "MessageFormat",
                         "the context item RequestVersion is missing, which EnrollmentVersion %s demands",
                         version);
    return true;
}

bool context_check(xmlNode *token_request, const struct modes *modes, bool renewal,
                   struct context *ret_context, struct fault *ret_fault)
{
    struct context context = {.full = true};
    bool windows_only = modes_has(modes, "strict", "device-type");
    if (renewal && !soap_child_find(token_request, AUTHORIZATION_CONTEXT, "AdditionalContext")) {
        *ret_context = context;
        return true;
    }
    xmlNode *additional =
        soap_child_require(token_request, AUTHORIZATION_CONTEXT, "AdditionalContext", ret_fault);
    if (!additional || (!renewal && !presence_check(additional, modes, ret_fault)))
        return false;
    for (xmlNode *node = soap_child_find(additional, NULL, NULL); node;
         node = soap_sibling_find(node, NULL, NULL))
        if (!item_check(additional, node, windows_only, &context, ret_fault))
            return false;
    *ret_context = context;
    return true;
}
