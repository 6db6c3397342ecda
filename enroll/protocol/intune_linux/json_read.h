/*
 * Messages that the service sends: JSON to struct. Pure, bounded and strict: a wrong type, a name that stands
 * twice and a member that is missing are refused, and the error says which member it was.
 */
#ifndef ENROLL_INTUNE_LINUX_JSON_READ_H
#define ENROLL_INTUNE_LINUX_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define INTUNE_URL_MAX   1024
#define INTUNE_RULES_MAX 256
#define INTUNE_UUID_SIZE 37

/* The services by their endpoint; "" for one that is not there. */
struct intune_services {
    char enrollment[INTUNE_URL_MAX];
    char check_in[INTUNE_URL_MAX];
    char iwservice[INTUNE_URL_MAX];
};

/* What an enrolment brings. */
struct intune_enrolled {
    char device_id[INTUNE_UUID_SIZE];
    uint8_t *certificate; /* DER, owned */
    size_t certificate_size;
    unsigned renew_days; /* after the day of issue; 0: not said */
};

/* One setting of a policy. Strings are owned. */
struct intune_rule {
    char *policy_id, *rule_id, *item, *value;
    char *name; /* for people; may be NULL */
};
struct intune_policies {
    size_t count;
    struct intune_rule rules[INTUNE_RULES_MAX];
};

/* A rule that the service holds against the device; strings are owned, printable, and may be NULL. */
struct intune_violation {
    char *item, *title, *expected, *description;
};
/* The device as the service sees it. */
struct intune_device {
    char state[32]; /* "Compliant", "Noncompliant", "Unknown"; printable */
    char last_contact[40];
    char retire_url[INTUNE_URL_MAX]; /* "": not offered */
    size_t violation_count;
    struct intune_violation violations[INTUNE_RULES_MAX];
};

/* Errors of all: ENROLL_PROTOCOL, and ENROLL_CERTIFICATE for a thumbprint that is not the certificate's. */
enum enroll_exit intune_services_read(const char *json, size_t size, struct intune_services *ret_services,
                                      struct enroll_error *ret_error) __attribute__((warn_unused_result));
enum enroll_exit intune_enrolled_read(const char *json, size_t size, struct intune_enrolled *ret_enrolled,
                                      struct enroll_error *ret_error) __attribute__((warn_unused_result));
enum enroll_exit intune_policies_read(const char *json, size_t size, struct intune_policies *ret_policies,
                                      struct enroll_error *ret_error) __attribute__((warn_unused_result));
enum enroll_exit intune_device_read(const char *json, size_t size, struct intune_device *ret_device,
                                    struct enroll_error *ret_error) __attribute__((warn_unused_result));
void intune_enrolled_clear(struct intune_enrolled *enrolled);
void intune_policies_clear(struct intune_policies *policies);
void intune_device_clear(struct intune_device *device);

/* The text, trace id and activity id of an answer that is an error, in either of its two shapes, into *error;
 * nothing where there are none. */
void intune_fault_read(const char *json, size_t size, struct enroll_error *error);

#endif
