/*
 * What is remembered of an enrolment: text by section and key, in the order in which it was set, as it stands
 * in enrollment.conf. No secrets. The names below are those that every protocol uses; a protocol adds its
 * own.
 */
#ifndef ENROLL_PROTOCOL_RECORD_H
#define ENROLL_PROTOCOL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_PROTOCOL "enrollment", "protocol" /* name of the protocol; missing: mde2 */
#define RECORD_ADDRESS  "enrollment", "address"  /* as the operator typed it */
#define RECORD_USER     "enrollment", "user"
#define RECORD_ENROLLED_AT                                                                                   \
    "enrollment", "enrolled_at"                        /* of the first certificate; seconds since the epoch  \
                                                        */
#define RECORD_CA_FILE      "enrollment", "ca_file"    /* absolute path */
#define RECORD_PERSISTENT   "enrollment", "persistent" /* "auto", "yes", "no" */
#define RECORD_SERVICE_URL  "server", "enrollment_url"
#define RECORD_SERVICE_NAME "server", "name"
#define RECORD_HOSTS        "server", "accepted_hosts" /* separated by blanks; a renewal speaks to no other */
#define RECORD_RENEWAL_URL  "renewal", "url"
#define RECORD_PERIOD       "renewal", "period_days" /* before the certificate's end */
#define RECORD_RETRY        "renewal", "retry_interval_days"
#define RECORD_RENEWED_AT   "renewal", "renewed_at"
#define RECORD_REQUEST_ID   "pending", "request_id" /* of a request that the service has not decided */
#define RECORD_DISPOSITION  "pending", "disposition"

#define RECORD_HOSTS_MAX 8

struct record_entry {
    char *section, *key, *value;
};

/* Zero is a valid, empty record. */
struct record {
    size_t count;
    struct record_entry *entries;
};

/* The value, owned by the record; NULL when there is none. */
const char *record_get(const struct record *record, const char *section, const char *key);
/* The value as a number, or `unset` when there is none. */
uint64_t record_number(const struct record *record, const char *section, const char *key, uint64_t unset);
/* Sets a value; control characters become blanks, NULL removes it. False: no memory, the record is as it was.
 */
bool record_set(struct record *record, const char *section, const char *key, const char *value)
    __attribute__((warn_unused_result));
bool record_number_set(struct record *record, const char *section, const char *key, uint64_t number)
    __attribute__((warn_unused_result));

/* Adds the host of a URL to RECORD_HOSTS; no URL (NULL) is none to add. False: no memory. */
bool record_host_accept(struct record *record, const char *url) __attribute__((warn_unused_result));
/* RECORD_HOSTS as a NULL-terminated list over *ret_storage, to be freed by the caller. False: no memory. */
bool record_hosts(const struct record *record, char **ret_storage,
                  const char *ret_hosts[RECORD_HOSTS_MAX + 1]) __attribute__((warn_unused_result));

/* The text of the file, malloc()ed; NULL: no memory. */
char *record_format(const struct record *record) __attribute__((warn_unused_result));
/* False when the text is not of the form. What stands before the first section is left out. */
bool record_parse(const char *text, size_t size, struct record *ret_record)
    __attribute__((warn_unused_result));
/* Frees what it holds and leaves it empty. */
void record_clear(struct record *record);

#endif
