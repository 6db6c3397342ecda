#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compliance.h"
#include "constants.h"
#include "json_write.h"
#include "service.h"

#define SCRIPT          "linux_customconfig_script"
#define REPORT_TEXT_MAX 512

/* What one check-in holds. */
struct check_in {
    struct intune *intune;
    struct enroll_error *error;
    const char *device_id;
    struct intune_policies policies;
    struct rule_verdict verdicts[INTUNE_RULES_MAX];
    struct intune_device device;
};

static void path_format(const struct intune *intune, const char *name, const char *id, char *ret_path,
                        size_t size)
{
    snprintf(ret_path, size, "/%s%s%s?api-version=1.0&client-version=%s", name, id != NULL ? "/" : "",
             id != NULL ? id : "", intune->client_version);
}

/* Sends a message whose answer only has to be a success. */
static enum enroll_exit message_send(struct check_in *check_in, const char *name, const char *path_name,
                                     char *body)
{
    char path[256];
    struct https_response response;
    path_format(check_in->intune, path_name, NULL, path, sizeof(path));
    const struct intune_call call = {.name = name,
                                     .audience = AUDIENCE_INTUNE,
                                     .service = check_in->intune->services.check_in,
                                     .path = path,
                                     .body = body};
    enum enroll_exit status = body != NULL ? intune_call(check_in->intune, &call, &response, check_in->error)
                                           : enroll_error_memory(check_in->error);
    if (status == ENROLL_OK)
        https_response_free(&response);
    free(body);
    return status;
}

static enum enroll_exit policies_get(struct check_in *check_in)
{
    char path[256];
    struct https_response response;
    path_format(check_in->intune, "policies", check_in->device_id, path, sizeof(path));
    const struct intune_call call = {.name = "Policies",
                                     .audience = AUDIENCE_INTUNE,
                                     .service = check_in->intune->services.check_in,
                                     .path = path};
    enum enroll_exit status = intune_call(check_in->intune, &call, &response, check_in->error);
    if (status != ENROLL_OK)
        return status;
    status = intune_policies_read((const char *)response.body, response.body_size, &check_in->policies,
                                  check_in->error);
    https_response_free(&response);
    return status;
}

static void iwservice_query(const struct intune *intune, char *ret_query, size_t size)
{
    snprintf(ret_query, size, "?api-version=16.4&ssp=LinuxCP&ssp-version=%s&os=Linux&mgmt-agent=mdm",
             intune->client_version);
}

static enum enroll_exit device_get(struct check_in *check_in)
{
    char path[256];
    struct https_response response;
    char query[128];
    iwservice_query(check_in->intune, query, sizeof(query));
    snprintf(path, sizeof(path), "/Devices(guid'%s')%s", check_in->device_id, query);
    const struct intune_call call = {.name = "Compliance",
                                     .audience = AUDIENCE_IWSERVICE,
                                     .service = check_in->intune->services.iwservice,
                                     .path = path};
    enum enroll_exit status = intune_call(check_in->intune, &call, &response, check_in->error);
    if (status != ENROLL_OK)
        return status;
    status = intune_device_read((const char *)response.body, response.body_size, &check_in->device,
                                check_in->error);
    https_response_free(&response);
    return status;
}

/* ---- the report ---- */

static void rule_key(const struct intune_rule *rule, char ret_key[256])
{
    snprintf(ret_key, 256, "%.80s:%.160s", rule->rule_id, rule->item);
    for (char *c = ret_key; *c != '\0'; c++)
        if (*c == '=' || *c == '[' || *c == '#' || (unsigned char)*c <= ' ')
            *c = '_';
}

/* What was reported of each rule the last time. */
static void states_before(struct check_in *check_in, const struct record *report)
{
    char key[256];
    for (size_t i = 0; i < check_in->policies.count; i++) {
        rule_key(&check_in->policies.rules[i], key);
        check_in->verdicts[i].before = compliance_of(record_get(report, REPORT_RULE_STATES, key));
    }
}

/* A server's text for the report: printable, and of a length that a file of many rules has room for. */
static bool text_report(struct record *report, const char *section, const char *key, const char *text)
{
    char printable[REPORT_TEXT_MAX];
    if (text == NULL)
        return record_set(report, section, key, NULL);
    enroll_text_print(text, strlen(text), printable, sizeof(printable));
    return record_set(report, section, key, printable);
}

static bool rule_report(const struct intune_rule *rule, const struct rule_verdict *verdict, size_t number,
                        struct record *report)
{
    char section[32], key[256];
    bool script = strcmp(rule->item, SCRIPT) == 0;
    snprintf(section, sizeof(section), REPORT_RULE_SECTION "%zu", number);
    rule_key(rule, key);
    return record_set(report, REPORT_RULE_STATES, key, compliance_name(verdict->state)) &&
           text_report(report, section, "setting", rule->item) &&
           text_report(report, section, "expected", rule->value) &&
           record_set(report, section, "actual",
                      script ? "a script, which is not run here" : verdict->actual) &&
           record_set(report, section, "state", compliance_name(verdict->state)) &&
           record_set(report, section, "remedy", verdict->remedy);
}

/* The remedy that was found for a setting that the service names. */
static const char *remedy_find(const struct check_in *check_in, const char *item)
{
    for (size_t i = 0; i < check_in->policies.count; i++)
        if (item != NULL && strcmp(check_in->policies.rules[i].item, item) == 0)
            return check_in->verdicts[i].remedy;
    return NULL;
}

static bool violation_report(const struct check_in *check_in, size_t index, struct record *report)
{
    char section[32];
    const struct intune_violation *violation = &check_in->device.violations[index];
    snprintf(section, sizeof(section), REPORT_VIOLATION_SECTION "%zu", index + 1);
    return text_report(report, section, "setting", violation->item) &&
           text_report(report, section, "title", violation->title) &&
           text_report(report, section, "expected", violation->expected) &&
           text_report(report, section, "description", violation->description) &&
           record_set(report, section, "remedy", remedy_find(check_in, violation->item));
}

static enum enroll_exit report_fill(const struct check_in *check_in, struct record *report)
{
    record_clear(report);
    bool set = record_set(report, REPORT_STATE, check_in->device.state) &&
               record_set(report, REPORT_LAST_CONTACT, check_in->device.last_contact);
    for (size_t i = 0; set && i < check_in->policies.count; i++)
        set = rule_report(&check_in->policies.rules[i], &check_in->verdicts[i], i + 1, report);
    for (size_t i = 0; set && i < check_in->device.violation_count; i++)
        set = violation_report(check_in, i, report);
    return set ? ENROLL_OK : enroll_error_memory(check_in->error);
}

static enum enroll_exit conversation(struct check_in *check_in, struct record *report)
{
    struct intune *intune = check_in->intune;
    enum enroll_exit status = intune_services_find(intune, check_in->error);
    if (status == ENROLL_OK)
        status = message_send(check_in, "Details", "details",
                              intune_details_write(check_in->device_id, &intune->facts));
    if (status == ENROLL_OK)
        status = policies_get(check_in);
    if (status != ENROLL_OK)
        return status;
    compliance_evaluate(&check_in->policies, &intune->facts, check_in->verdicts);
    states_before(check_in, report);
    if (check_in->policies.count > 0)
        status = message_send(
            check_in, "Status", "status",
            intune_status_write(check_in->device_id, &check_in->policies, check_in->verdicts, time(NULL)));
    if (status == ENROLL_OK)
        status = device_get(check_in);
    return status == ENROLL_OK ? report_fill(check_in, report) : status;
}

static enum enroll_exit begin(struct check_in **ret_check_in, void *session, struct enroll_error *error)
{
    struct intune *intune = session;
    struct check_in *check_in = calloc(1, sizeof(*check_in));
    if (check_in == NULL)
        return enroll_error_memory(error);
    *check_in = (struct check_in){.intune = intune, .error = error};
    check_in->device_id = record_get(intune->request->record, RECORD_DEVICE_ID);
    *ret_check_in = check_in;
    if (check_in->device_id != NULL)
        return ENROLL_OK;
    return enroll_error_set(error, ENROLL_TOKEN_DIRECTORY, "enrol again with intune-enroll enroll --replace",
                            "the record of the enrolment has no device id");
}

static void end(struct check_in *check_in)
{
    if (check_in == NULL)
        return;
    intune_policies_clear(&check_in->policies);
    intune_device_clear(&check_in->device);
    free(check_in);
}

enum enroll_exit intune_check_in(void *session, struct record *report, struct enroll_error *ret_error)
{
    struct intune *intune = session;
    struct check_in *check_in = NULL;
    intune_step(intune, STEP_CHECK_IN, "Reporting this device");
    enum enroll_exit status = begin(&check_in, session, ret_error);
    if (status == ENROLL_OK)
        status = conversation(check_in, report);
    if (status == ENROLL_OK)
        intune_tell(intune, PROGRESS_DONE, "%s, %zu rules", check_in->device.state, check_in->policies.count);
    else
        intune_tell(intune, PROGRESS_FAILED, "%s", ret_error->message);
    ret_error->step = intune->step;
    end(check_in);
    return status;
}

enum enroll_exit intune_retire(void *session, struct enroll_error *ret_error)
{
    struct check_in *check_in = NULL;
    struct intune *intune = session;
    struct https_response response;
    intune->step = STEP_CHECK_IN;
    enum enroll_exit status = begin(&check_in, session, ret_error);
    if (status == ENROLL_OK)
        status = intune_services_find(intune, ret_error);
    if (status == ENROLL_OK)
        status = device_get(check_in);
    if (status == ENROLL_OK)
        status = intune_retire_check(intune, check_in->device.retire_url, ret_error);
    if (status == ENROLL_OK) {
        char query[128];
        iwservice_query(intune, query, sizeof(query));
        const struct intune_call call = {.name = "Retire",
                                         .audience = AUDIENCE_IWSERVICE,
                                         .service = check_in->device.retire_url,
                                         .path =
                                             strchr(check_in->device.retire_url, '?') == NULL ? query : NULL,
                                         .post = true};
        status = intune_call(intune, &call, &response, ret_error);
        if (status == ENROLL_OK)
            https_response_free(&response);
    }
    end(check_in);
    return status;
}
