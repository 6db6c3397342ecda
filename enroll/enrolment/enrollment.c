#include "enrollment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "names.h"
#include "url.h"

#define DAY                  86400
#define DEFAULT_RENEW_PERIOD 42 /* days; MS-MDE2 2.2.9.1 */

/* state.conf */
#define STATE_ATTEMPTED_AT "last", "attempted_at"
#define STATE_FAILED_AT    "last", "failed_at"
#define STATE_EXIT_STATUS  "last", "exit_status"
#define STATE_MESSAGE      "last", "message"

const char *enrollment_renewal_url(const struct record *record, bool *ret_other_domain)
{
    const char *renewal = record_get(record, RECORD_RENEWAL_URL),
               *service = record_get(record, RECORD_SERVICE_URL);
    *ret_other_domain = renewal != NULL && service != NULL && !url_same_domain(renewal, service);
    return renewal != NULL ? renewal : service;
}

enum enroll_exit enrollment_read(int directory_fd, const char *path, struct record *ret_record,
                                 struct enroll_error *ret_error)
{
    size_t size;
    char *text = install_file_read(directory_fd, ENROLLMENT_FILE, ENROLLMENT_FILE_MAX, &size);
    if (!text && errno == ENOENT)
        return enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, "run intune-enroll enroll USER@DOMAIN",
                                "there is no enrolment in %s", path);
    if (!text)
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY,
                                errno == EACCES ? "run as the user that enrolled, mostly root" : "",
                                "cannot read %s/" ENROLLMENT_FILE ": %s", path, strerror(errno));
    bool parsed = record_parse(text, size, ret_record);
    free(text);
    if (!parsed)
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY,
                                "enrol again with intune-enroll enroll --replace",
                                "%s/" ENROLLMENT_FILE " is not of the form that this program writes", path);
    return ENROLL_OK;
}

void enrollment_state_read(int directory_fd, struct enrollment_state *ret_state)
{
    size_t size;
    struct record record;
    *ret_state = (struct enrollment_state){0};
    char *text = install_file_read(directory_fd, NAME_STATE, ENROLLMENT_FILE_MAX, &size);
    bool parsed = text != NULL && record_parse(text, size, &record);
    free(text);
    if (!parsed)
        return;
    const char *message = record_get(&record, STATE_MESSAGE);
    ret_state->attempted_at = (time_t)record_number(&record, STATE_ATTEMPTED_AT, 0);
    ret_state->failed_at = (time_t)record_number(&record, STATE_FAILED_AT, 0);
    ret_state->exit_status = (unsigned)record_number(&record, STATE_EXIT_STATUS, 0);
    snprintf(ret_state->message, sizeof(ret_state->message), "%s", message != NULL ? message : "");
    record_clear(&record);
}

int enrollment_state_write(int directory_fd, const struct enrollment_state *state)
{
    struct record record = {0};
    bool set = record_number_set(&record, STATE_ATTEMPTED_AT, (uint64_t)state->attempted_at) &&
               record_number_set(&record, STATE_FAILED_AT, (uint64_t)state->failed_at) &&
               record_number_set(&record, STATE_EXIT_STATUS, state->exit_status) &&
               record_set(&record, STATE_MESSAGE, state->message);
    char *text = set ? record_format(&record) : NULL;
    int result = -1;
    if (text != NULL)
        result = install_file_replace(directory_fd, NAME_STATE, text, strlen(text), 0600);
    else
        errno = ENOMEM;
    free(text);
    record_clear(&record);
    return result;
}

time_t enrollment_issued_at(const struct record *record)
{
    return (time_t)record_number(record, RECORD_RENEWED_AT, record_number(record, RECORD_ENROLLED_AT, 0));
}

time_t enrollment_renewal_time(time_t not_before, time_t not_after, time_t issued_at, unsigned period_days,
                               const char *serial)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    /* What counts is the life that was left when it came: some servers date certificates back by half a year.
     */
    time_t life = not_after - (issued_at > not_before && issued_at < not_after ? issued_at : not_before);
    time_t window = (time_t)(period_days ? period_days : DEFAULT_RENEW_PERIOD) * DAY;
    if (life <= 0)
        return not_after;
    /* Some servers give certificates that live shorter than the window: then half of the life. */
    if (window > life / 2)
        window = life / 2;
    SHA256((const unsigned char *)serial, strlen(serial), digest);
    time_t spread = window / 4 < DAY ? window / 4 : DAY;
    uint32_t random =
        (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 | digest[3];
    return not_after - window + (spread > 0 ? (time_t)(random % (uint64_t)spread) : 0);
}
