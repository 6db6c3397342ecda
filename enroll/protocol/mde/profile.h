/*
 * The device profile: what this device says about itself. MDE2 knows no Linux device type, so that is the
 * operator's choice (conf/device-profile.conf); what the file leaves out is taken from this machine and true.
 */
#ifndef ENROLL_PROFILE_H
#define ENROLL_PROFILE_H

#include <stdbool.h>

#include "error.h"
#include "context_items.h"
#include "profile_facts.h"

#define PROFILE_DEFAULT_PATH "/etc/intune-tpm/device-profile.conf"

struct device_profile {
    char *values[CONTEXT_ITEM_COUNT]; /* NULL: not sent; ITEM_DEVICE_ID, for the request's subject, is always
                                         there */
    bool send_tpm_facts; /* TPMManufacturer and TPMFirmwareVersion in GetPolicies; off by default */
};

/* The device that was enrolled: what a renewal names, whatever this machine's facts are today. Either may be
 * NULL. */
struct device_identity {
    const char *device_id;    /* DeviceID */
    const char *hw_device_id; /* HWDevID */
};

/*
 * Reads the profile at path; NULL: the default path if there is such a file, else this machine's facts alone.
 * identity (may be NULL) comes before both. The result is freed with device_profile_free(). Errors:
 * ENROLL_CONFIGURATION with file and key named.
 */
enum enroll_exit device_profile_read(const char *path, const struct device_identity *identity,
                                     struct device_profile **ret_profile, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* The same of `size` bytes of text, with the facts from `sources` (NULL: this machine). `name` is for
 * messages. */
enum enroll_exit device_profile_parse(const char *text, size_t size, const char *name,
                                      const struct profile_sources *sources,
                                      struct device_profile **ret_profile, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

void device_profile_free(struct device_profile *profile);

#endif
