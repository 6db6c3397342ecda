/* Messages that this device sends: struct to JSON. Pure. */
#ifndef ENROLL_INTUNE_LINUX_JSON_WRITE_H
#define ENROLL_INTUNE_LINUX_JSON_WRITE_H

#include <stddef.h>
#include <time.h>

#include "compliance.h"
#include "json_read.h"
#include "machine_facts.h"

/* malloc()ed text; NULL: out of memory. */
char *intune_enroll_write(const char *request_pem, const char *version, const char *device_name);
char *intune_details_write(const char *device_id, const struct machine_facts *facts);
/* The statuses of all rules of the policies, as evaluated; verdicts in their order. */
char *intune_status_write(const char *device_id, const struct intune_policies *policies,
                          const struct rule_verdict *verdicts, time_t now);

#endif
