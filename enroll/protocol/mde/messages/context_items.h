/*
 * enroll/mde: the messages of MS-MDE2 as pure functions, bytes to struct and struct to bytes, one file for
 * each. No I/O, no clock, no TPM in here, so that every message can be tested on captured bytes and fuzzed.
 * Called by the flow.
 *
 * This header: the context items of RequestSecurityToken (MS-MDE2 3.4.4.1.1.1), what the device says about
 * itself.
 */
#ifndef ENROLL_MDE_CONTEXT_ITEMS_H
#define ENROLL_MDE_CONTEXT_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

/* In the order in which Windows puts them on the wire; those it does not send follow. */
enum context_item {
    ITEM_UX_INITIATED,
    ITEM_HW_DEVICE_ID,
    ITEM_LOCALE,
    ITEM_TARGETED_USER_LOGGED_IN,
    ITEM_OS_EDITION,
    ITEM_DEVICE_NAME,
    ITEM_MAC,
    ITEM_DEVICE_ID,
    ITEM_ENROLLMENT_TYPE,
    ITEM_DEVICE_TYPE,
    ITEM_OS_VERSION,
    ITEM_APPLICATION_VERSION,
    ITEM_NOT_IN_OOBE,
    ITEM_REQUEST_VERSION,
    ITEM_IMEI,
    ITEM_ENROLLMENT_DATA,
    ITEM_DOMAIN_NAME,
    ITEM_MANUFACTURER,
    ITEM_DEVICE_MODEL,
    ITEM_SERIAL_NUMBER,
    ITEM_EMM_DEVICE_ID,
    ITEM_AZ_VM_IAM_EXTENSION_JOIN,
    CONTEXT_ITEM_COUNT
};

/* What a value must look like; checked before it is sent. */
enum context_item_form {
    FORM_TEXT,    /* 1 to 512 bytes of UTF-8 without control characters */
    FORM_BOOLEAN, /* true or false, in any case */
    FORM_NUMBER,  /* unsigned decimal, 32 bits */
    FORM_VERSION, /* numbers with dots */
    FORM_TYPE,    /* Full or Device */
    FORM_ID,      /* 1 to 64 of A-Z a-z 0-9 and hyphen */
};

struct context_item_description {
    const char *name; /* on the wire, and the key in device-profile.conf */
    enum context_item_form form;
    bool repeats; /* several values, separated by blanks in device-profile.conf */
    bool renewal; /* also sent when renewing */
};

extern const struct context_item_description context_item_descriptions[CONTEXT_ITEM_COUNT];

/* The values; NULL: not sent. Not owned. */
struct context_items {
    const char *values[CONTEXT_ITEM_COUNT];
};

/* Whether a value has the form of its item. */
bool context_item_valid(enum context_item item, const char *value);

#endif
