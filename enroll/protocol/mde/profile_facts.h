/* What this machine is, for the device profile's defaults. Private to profile.c. */
#ifndef ENROLL_PROFILE_FACTS_H
#define ENROLL_PROFILE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

struct profile_facts {
    char os_version[65]; /* of os-release's VERSION_ID, four numbers as MDE2 wants: "12.0.0.0" */
    char device_name[65];
    char device_id[33];    /* 32 upper-case hexadecimal digits */
    char hw_device_id[65]; /* 64 */
    char locale[33];       /* "en-US" */
    bool has_machine_id;   /* false: device_id and hw_device_id are empty */
};

/* Where this machine's facts are read; tests give other places. All paths. */
struct profile_sources {
    const char *os_release; /* "/etc/os-release" */
    const char *machine_id; /* "/etc/machine-id" */
    const char *host_name;  /* NULL: gethostname(2) */
    const char *locale;     /* NULL: LC_ALL, LC_MESSAGES, LANG */
};

void profile_facts_read(const struct profile_sources *sources, struct profile_facts *ret_facts);

#endif
