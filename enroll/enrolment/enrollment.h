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
#include "record.h"

#define ENROLLMENT_FILE     "enrollment.conf"
#define ENROLLMENT_FILE_MAX 65536
/* Where a renewal goes: the address that the server gave for it, else the enrolment service; NULL when
 * neither is known. *ret_other_domain: that host is in another registrable domain than the enrolment
 * service's. */
const char *enrollment_renewal_url(const struct record *record, bool *ret_other_domain);

/* Reads ENROLLMENT_FILE of a directory; ENROLL_NOT_ENROLLED when there is none. */
enum enroll_exit enrollment_read(int directory_fd, const char *path, struct record *ret_record,
                                 struct enroll_error *ret_error) __attribute__((warn_unused_result));

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
time_t enrollment_issued_at(const struct record *record);

#endif
