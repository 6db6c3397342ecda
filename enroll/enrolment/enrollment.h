/*
 * enrollment.conf: what the helper itself has to remember of an enrolment, mode 0600, no secrets. state.conf
 * beside it: the last attempt to renew and what came of it.
 */
#ifndef ENROLL_INSTALL_ENROLLMENT_H
#define ENROLL_INSTALL_ENROLLMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "directory.h"
#include "error.h"
#include "flow.h"

#define ENROLLMENT_FILE      "enrollment.conf"
#define ENROLLMENT_FILE_MAX  65536
#define ENROLLMENT_HOSTS_MAX 8

/* Strings are owned and may be NULL. Times are seconds since the epoch, 0: never. */
struct enrollment {
    char *address; /* as the operator typed it */
    char *user;
    char *discovery_url; /* as finally answered */
    char *policy_url;
    char *enrollment_url;
    char *auth_policy;
    char *enrollment_version;
    char *request_version;
    char *provider_id;
    char *server_name;
    char *management_url;
    char *device_id; /* that the server gave */
    char *ca_file;   /* for renewal: the operator's --ca-file and --profile, as absolute paths */
    char *profile;
    char *persistent; /* "auto", "yes", "no" */
    char *device_id_sent,
        *hw_device_id_sent; /* DeviceID and HWDevID of the enrolment; NULL in older records */
    char *hosts;            /* accepted at enrolment, separated by blanks */
    char *renew_url;
    char *renew_period_days; /* before the certificate's end */
    char *retry_interval_days;
    char *enrolled_at; /* of the first certificate */
    char *renewed_at;
    char *request_id; /* of a pending request */
    char *disposition;
};

/* Takes what the flow brought; what it left out stays as it was. False when memory is out. */
bool enrollment_fill(struct enrollment *enrollment, const struct flow_result *result)
    __attribute__((warn_unused_result));

/* Sets a string, and a decimal number. False when memory is out. NULL clears it. */
bool enrollment_string_set(char **string, const char *value) __attribute__((warn_unused_result));
bool enrollment_number_set(char **string, uint64_t number) __attribute__((warn_unused_result));
/* The number in a string, or the default where there is none. */
uint64_t enrollment_number(const char *string, uint64_t default_number);

/* Where a renewal goes: the address that the server gave for it, else the enrolment service; NULL when
 * neither is known. *ret_other_domain: that host is in another registrable domain than the enrolment
 * service's. */
const char *enrollment_renewal_url(const struct enrollment *enrollment, bool *ret_other_domain);

/*
 * Makes the hosts of its addresses the accepted ones: renewal speaks to no other. Called once, at enrolment.
 * False when memory is out.
 */
bool enrollment_hosts_accept(struct enrollment *enrollment) __attribute__((warn_unused_result));
/* The accepted hosts as a NULL-terminated list over a copy in `storage` (freed by the caller with free()). */
bool enrollment_hosts(const struct enrollment *enrollment, char **ret_storage,
                      const char *ret_hosts[ENROLLMENT_HOSTS_MAX + 1]) __attribute__((warn_unused_result));

/* The text of the file, malloc()ed; NULL when memory is out. Control characters become blanks. */
char *enrollment_format(const struct enrollment *enrollment) __attribute__((warn_unused_result));
/* False when the text is not of the form. */
bool enrollment_parse(const char *text, size_t size, struct enrollment *ret_enrollment)
    __attribute__((warn_unused_result));

/* Reads ENROLLMENT_FILE of a directory; ENROLL_NOT_ENROLLED when there is none. */
enum enroll_exit enrollment_read(int directory_fd, const char *path, struct enrollment *ret_enrollment,
                                 struct enroll_error *ret_error) __attribute__((warn_unused_result));
void enrollment_free(struct enrollment *enrollment);

/* The last attempt to renew, and the last error; kept apart because it changes when nothing else does. */
struct enrollment_state {
    time_t attempted_at;
    time_t failed_at; /* 0 when the last attempt went well */
    unsigned exit_status;
    char message[768];
};
/* What is not there or not readable is a state of zeros. */
void enrollment_state_read(int directory_fd, struct enrollment_state *ret_state);
/* 0, or -1 with errno. */
int enrollment_state_write(int directory_fd, const struct enrollment_state *state)
    __attribute__((warn_unused_result));

/*
 * When a certificate is to be renewed: `period` days before its end, but not before half of the life that was
 * left when it was issued (issued_at; 0: not known), and up to a day later by a jitter that follows from the
 * token's serial, so that a fleet does not come at one time. MS-MDE2 2.2.9.1.
 */
time_t enrollment_renewal_time(time_t not_before, time_t not_after, time_t issued_at, unsigned period_days,
                               const char *serial);

/* When the present certificate came: seconds since the epoch, 0 where the record does not say. */
time_t enrollment_issued_at(const struct enrollment *enrollment);

#endif
