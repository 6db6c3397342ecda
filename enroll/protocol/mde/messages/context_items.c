#include "context_items.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

const struct context_item_description context_item_descriptions[CONTEXT_ITEM_COUNT] = {
    [ITEM_UX_INITIATED] = {"UXInitiated", FORM_BOOLEAN, false, false},
    [ITEM_HW_DEVICE_ID] = {"HWDevID", FORM_ID, false, true},
    [ITEM_LOCALE] = {"Locale", FORM_TEXT, false, true},
    [ITEM_TARGETED_USER_LOGGED_IN] = {"TargetedUserLoggedIn", FORM_BOOLEAN, false, false},
    [ITEM_OS_EDITION] = {"OSEdition", FORM_NUMBER, false, true},
    [ITEM_DEVICE_NAME] = {"DeviceName", FORM_TEXT, false, true},
    [ITEM_MAC] = {"MAC", FORM_TEXT, true, false},
    [ITEM_DEVICE_ID] = {"DeviceID", FORM_ID, false, true},
    [ITEM_ENROLLMENT_TYPE] = {"EnrollmentType", FORM_TYPE, false, true},
    [ITEM_DEVICE_TYPE] = {"DeviceType", FORM_TEXT, false, true},
    [ITEM_OS_VERSION] = {"OSVersion", FORM_VERSION, false, true},
    [ITEM_APPLICATION_VERSION] = {"ApplicationVersion", FORM_VERSION, false, true},
    [ITEM_NOT_IN_OOBE] = {"NotInOobe", FORM_BOOLEAN, false, false},
    [ITEM_REQUEST_VERSION] = {"RequestVersion", FORM_VERSION, false, true},
    [ITEM_IMEI] = {"IMEI", FORM_TEXT, true, false},
    [ITEM_ENROLLMENT_DATA] = {"EnrollmentData", FORM_TEXT, false, false},
    [ITEM_DOMAIN_NAME] = {"DomainName", FORM_TEXT, false, false},
    [ITEM_MANUFACTURER] = {"Manufacturer", FORM_TEXT, false, false},
    [ITEM_DEVICE_MODEL] = {"DeviceModel", FORM_TEXT, false, false},
    [ITEM_SERIAL_NUMBER] = {"SerialNumber", FORM_TEXT, false, false},
    [ITEM_EMM_DEVICE_ID] = {"EmmDeviceId", FORM_TEXT, false, false},
    [ITEM_AZ_VM_IAM_EXTENSION_JOIN] = {"AzVMIAMExtensionJoin", FORM_BOOLEAN, false, false},
};

static bool number_valid(const char *value)
{
    uint64_t number = 0;

    for (const char *c = value; *c != '\0'; c++) {
        if (!isdigit((unsigned char)*c) || c - value >= 10)
            return false;
        number = number * 10 + (uint64_t)(*c - '0');
    }
    return *value != '\0' && number <= UINT32_MAX;
}

static bool text_valid(const char *value)
{
    size_t size = strlen(value);

    for (const char *c = value; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return size >= 1 && size <= 512;
}

bool context_item_valid(enum context_item item, const char *value)
{
    size_t size = strlen(value);

    switch (context_item_descriptions[item].form) {
    case FORM_TEXT:
        return text_valid(value);
    case FORM_BOOLEAN:
        return strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0;
    case FORM_NUMBER:
        return number_valid(value);
    case FORM_VERSION:
        return size >= 1 && size <= 64 && strspn(value, "0123456789.") == size && value[0] != '.' &&
               value[size - 1] != '.' && strstr(value, "..") == NULL;
    case FORM_TYPE:
        return strcmp(value, "Full") == 0 || strcmp(value, "Device") == 0;
    case FORM_ID:
        return size >= 1 && size <= 64 &&
               strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == size;
    }
    return false;
}
