#include "attempt_steps.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "names.h"

/* The report as it is now, with when it was made and how it ended. */
static bool outcome_set(struct record *report, enum enroll_exit status, const struct enroll_error *error)
{
    uint64_t now = (uint64_t)time(NULL);
    if (status == ENROLL_OK)
        return record_number_set(report, REPORT_CHECKED_AT, now) &&
               record_number_set(report, REPORT_FAILED_AT, 0) &&
               record_set(report, REPORT_EXIT_STATUS, NULL) && record_set(report, REPORT_MESSAGE, NULL);
    return record_number_set(report, REPORT_FAILED_AT, now) &&
           record_number_set(report, REPORT_EXIT_STATUS, (uint64_t)status) &&
           record_set(report, REPORT_MESSAGE, error->message);
}

enum enroll_exit attempt_report(struct attempt *attempt, struct record *report)
{
    const struct attempt_options *options = attempt->options;
    enum enroll_exit status = attempt->protocol->check_in(attempt->session, report, attempt->error);
    char *text = outcome_set(report, status, attempt->error) ? record_format(report) : NULL;
    if (text == NULL ||
        install_file_replace(attempt->directory.fd, NAME_CHECK_IN, text, strlen(text), 0600) != 0)
        options->warn(options->context, "the outcome could not be recorded in check-in.conf");
    free(text);
    return status;
}

static enum enroll_exit prepare(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    struct enrolled *now = &attempt->outcome->now;
    enum enroll_exit status = enrolled_read(options->token_directory, now, attempt->error);
    if (status == ENROLL_NOT_ENROLLED && options->if_due) {
        attempt->outcome->action = "nothing-to-do";
        return ENROLL_OK;
    }
    if (status != ENROLL_OK)
        return status;
    if (!now->has_record)
        return enroll_error_set(attempt->error, ENROLL_TOKEN_DIRECTORY,
                                "run as the user who enrolled, mostly root",
                                "the record of the enrolment cannot be read");
    const struct protocol *protocol = protocol_of(attempt->record);
    if (protocol != NULL && protocol->check_in == NULL) {
        attempt->outcome->action = "nothing-to-do";
        return options->if_due
                   ? ENROLL_OK
                   : enroll_error_set(attempt->error, ENROLL_USAGE, "",
                                      "the protocol of this enrolment, %s, has no check-in", protocol->name);
    }
    status = attempt_directory_open(attempt, false);
    if (status == ENROLL_OK)
        status = attempt_protocol_choose(attempt);
    attempt->reporting = true;
    return status == ENROLL_OK ? attempt_connect(attempt, NULL) : status;
}

enum enroll_exit attempt_check_in(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                  struct enroll_error *ret_error)
{
    struct attempt attempt;
    attempt_begin(&attempt, options, ret_outcome, &ret_outcome->now.record, ret_error);
    enum enroll_exit status = prepare(&attempt);
    if (status == ENROLL_OK && ret_outcome->action == NULL) {
        status = attempt_report(&attempt, &ret_outcome->now.check_in);
        ret_outcome->action = status == ENROLL_OK ? "checked-in" : NULL;
    }
    return attempt_end(&attempt, status);
}
