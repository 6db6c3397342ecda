#include "enrollment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "keyfile.h"
#include "names.h"
#include "url.h"

#define DAY                  86400
#define DEFAULT_RENEW_PERIOD 42 /* days; MS-MDE2 2.2.9.1 */

struct field {
    const char *section, *key;
    size_t offset;
};
#define FIELD(section, key, member)                                                                          \
    {                                                                                                        \
        section, key, offsetof(struct enrollment, member)                                                    \
    }

static const struct field fields[] = {
    FIELD("enrollment", "address", address),
    FIELD("enrollment", "user", user),
    FIELD("enrollment", "enrolled_at", enrolled_at),
    FIELD("enrollment", "auth_policy", auth_policy),
    FIELD("enrollment", "enrollment_version", enrollment_version),
    FIELD("enrollment", "request_version", request_version),
    FIELD("enrollment", "ca_file", ca_file),
    FIELD("enrollment", "profile", profile),
    FIELD("enrollment", "persistent", persistent),
    FIELD("enrollment", "device_id", device_id_sent),
    FIELD("enrollment", "hw_device_id", hw_device_id_sent),
    FIELD("server", "discovery_url", discovery_url),
    FIELD("server", "policy_url", policy_url),
    FIELD("server", "enrollment_url", enrollment_url),
    FIELD("server", "accepted_hosts", hosts),
    FIELD("server", "provider_id", provider_id),
    FIELD("server", "name", server_name),
    FIELD("server", "management_url", management_url),
    FIELD("server", "device_id", device_id),
    FIELD("renewal", "url", renew_url),
    FIELD("renewal", "period_days", renew_period_days),
    FIELD("renewal", "retry_interval_days", retry_interval_days),
    FIELD("renewal", "renewed_at", renewed_at),
    FIELD("pending", "request_id", request_id),
    FIELD("pending", "disposition", disposition),
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

static char **field_of(struct enrollment *enrollment, size_t index)
{
    return (char **)((char *)enrollment + fields[index].offset);
}

bool enrollment_string_set(char **string, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy)
        return false;
    /* The file is lines: no control character gets in. */
    for (char *c = copy; c && *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
    free(*string);
    *string = copy;
    return true;
}

bool enrollment_number_set(char **string, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    return enrollment_string_set(string, text);
}

uint64_t enrollment_number(const char *string, uint64_t default_number)
{
    char *end;
    if (!string || *string < '0' || *string > '9')
        return default_number;
    errno = 0;
    unsigned long long number = strtoull(string, &end, 10);
    return errno || *end ? default_number : number;
}

static bool host_add(struct enrollment *enrollment, const char *host)
{
    char *storage, *joined;
    const char *hosts[ENROLLMENT_HOSTS_MAX + 1];
    bool there = false;
    if (!enrollment_hosts(enrollment, &storage, hosts))
        return false;
    for (size_t i = 0; hosts[i]; i++)
        there = there || strcasecmp(hosts[i], host) == 0;
    free(storage);
    if (there)
        return true;
    if (asprintf(&joined, "%s%s%s", enrollment->hosts ? enrollment->hosts : "", enrollment->hosts ? " " : "",
                 host) < 0)
        return false;
    free(enrollment->hosts);
    enrollment->hosts = joined;
    return true;
}

bool enrollment_hosts_accept(struct enrollment *enrollment)
{
    const char *const urls[] = {enrollment->discovery_url, enrollment->policy_url, enrollment->enrollment_url,
                                enrollment->renew_url};
    char host[URL_HOST_MAX];
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        if (urls[i] && url_host(urls[i], host) && !host_add(enrollment, host))
            return false;
    }
    return true;
}

bool enrollment_hosts(const struct enrollment *enrollment, char **ret_storage,
                      const char *ret_hosts[ENROLLMENT_HOSTS_MAX + 1])
{
    size_t count = 0;
    char *state = NULL;
    char *storage = strdup(enrollment->hosts ? enrollment->hosts : "");
    if (!storage)
        return false;
    for (char *host = strtok_r(storage, " ", &state); host && count < ENROLLMENT_HOSTS_MAX;
         host = strtok_r(NULL, " ", &state))
        ret_hosts[count++] = host;
    ret_hosts[count] = NULL;
    *ret_storage = storage;
    return true;
}

const char *enrollment_renewal_url(const struct enrollment *enrollment, bool *ret_other_domain)
{
    *ret_other_domain = enrollment->renew_url && enrollment->enrollment_url &&
                        !url_same_domain(enrollment->renew_url, enrollment->enrollment_url);
    return enrollment->renew_url ? enrollment->renew_url : enrollment->enrollment_url;
}

bool enrollment_fill(struct enrollment *enrollment, const struct flow_result *result)
{
    static const struct provisioning_document nothing;
    const struct provisioning_document *document = result->document ? result->document : &nothing;
    const struct {
        char **string;
        const char *value;
    } values[] = {
        {&enrollment->discovery_url, result->discovery_url},
        {&enrollment->policy_url, result->policy_url},
        {&enrollment->enrollment_url, result->enrollment_url},
        {&enrollment->enrollment_version, result->enrollment_version},
        {&enrollment->user, result->user       ? result->user
                            : enrollment->user ? NULL
                                               : document->upn},
        {&enrollment->auth_policy, result->auth_policy},
        {&enrollment->provider_id, document->provider_id},
        {&enrollment->server_name, document->server_name},
        {&enrollment->management_url, document->management_url},
        {&enrollment->device_id, document->device_id},
        {&enrollment->renew_url, document->renew_url},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (values[i].value && !enrollment_string_set(values[i].string, values[i].value))
            return false;
    }
    if (!enrollment_string_set(&enrollment->request_id, result->pending ? result->request_id : NULL) ||
        !enrollment_string_set(&enrollment->disposition, result->pending ? result->disposition : NULL))
        return false;
    return !result->document ||
           (enrollment_number_set(&enrollment->renew_period_days, document->renew_period_days) &&
            enrollment_number_set(&enrollment->retry_interval_days, document->retry_interval_days));
}

char *enrollment_format(const struct enrollment *enrollment)
{
    char *text = NULL;
    size_t size;
    const char *section = "";
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fputs("# Written by intune-enroll; what it remembers of the enrolment. No secrets.\n", out);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const char *value = *field_of((struct enrollment *)(uintptr_t)enrollment, i);
        if (!value || !value[0])
            continue;
        if (strcmp(section, fields[i].section) != 0)
            fprintf(out, "[%s]\n", fields[i].section);
        section = fields[i].section;
        fprintf(out, "%s = %s\n", fields[i].key, value);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) || failed) {
        free(text);
        return NULL;
    }
    return text;
}

bool enrollment_parse(const char *text, size_t size, struct enrollment *ret_enrollment)
{
    size_t line;
    struct enrollment enrollment = {0};
    struct keyfile *keyfile = keyfile_parse(text, size, &line);
    bool parsed = keyfile != NULL;
    for (size_t i = 0; parsed && i < FIELD_COUNT; i++)
        parsed = enrollment_string_set(field_of(&enrollment, i),
                                       keyfile_get(keyfile, fields[i].section, fields[i].key));
    keyfile_free(keyfile);
    if (parsed)
        *ret_enrollment = enrollment;
    else
        enrollment_free(&enrollment);
    return parsed;
}

enum enroll_exit enrollment_read(int directory_fd, const char *path, struct enrollment *ret_enrollment,
                                 struct enroll_error *ret_error)
{
    size_t size;
    char *text = install_file_read(directory_fd, ENROLLMENT_FILE, ENROLLMENT_FILE_MAX, &size);
    if (!text && errno == ENOENT)
        return enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, STEP_PREPARE,
                                "Run intune-enroll enroll USER@DOMAIN.", "there is no enrolment in %s", path);
    if (!text)
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, STEP_PREPARE,
                                errno == EACCES ? "Run as the user that enrolled, mostly root." : "",
                                "cannot read %s/" ENROLLMENT_FILE ": %s", path, strerror(errno));
    bool parsed = enrollment_parse(text, size, ret_enrollment);
    free(text);
    if (!parsed)
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, STEP_PREPARE,
                                "Enrol again with intune-enroll enroll --replace.",
                                "%s/" ENROLLMENT_FILE " is not of the form that this program writes", path);
    return ENROLL_OK;
}

void enrollment_free(struct enrollment *enrollment)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        free(*field_of(enrollment, i));
    *enrollment = (struct enrollment){0};
}

void enrollment_state_read(int directory_fd, struct enrollment_state *ret_state)
{
    size_t size, line;
    *ret_state = (struct enrollment_state){0};
    char *text = install_file_read(directory_fd, NAME_STATE, ENROLLMENT_FILE_MAX, &size);
    struct keyfile *keyfile = text ? keyfile_parse(text, size, &line) : NULL;
    free(text);
    if (!keyfile)
        return;
    ret_state->attempted_at = (time_t)enrollment_number(keyfile_get(keyfile, "last", "attempted_at"), 0);
    ret_state->failed_at = (time_t)enrollment_number(keyfile_get(keyfile, "last", "failed_at"), 0);
    ret_state->exit_status = (unsigned)enrollment_number(keyfile_get(keyfile, "last", "exit_status"), 0);
    const char *message = keyfile_get(keyfile, "last", "message");
    snprintf(ret_state->message, sizeof ret_state->message, "%s", message ? message : "");
    keyfile_free(keyfile);
}

int enrollment_state_write(int directory_fd, const struct enrollment_state *state)
{
    char message[sizeof state->message];
    enroll_text_print(state->message, strlen(state->message), message, sizeof message);
    char *text;
    int length =
        asprintf(&text, "[last]\nattempted_at = %lld\nfailed_at = %lld\nexit_status = %u\nmessage = %s\n",
                 (long long)state->attempted_at, (long long)state->failed_at, state->exit_status, message);
    if (length < 0) {
        errno = ENOMEM;
        return -1;
    }
    int result = install_file_replace(directory_fd, NAME_STATE, text, (size_t)length, 0600);
    free(text);
    return result;
}

time_t enrollment_issued_at(const struct enrollment *enrollment)
{
    return (time_t)enrollment_number(enrollment->renewed_at, enrollment_number(enrollment->enrolled_at, 0));
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
