#include "behaviour.h"

#include <stdlib.h>
#include <string.h>

struct known_mode {
    const char *name;
    const char *value;
    const char *meaning;
};

static const struct known_mode known_modes[] = {
    {"error", "problem", "a problem of RFC 9110's kind: title, errors, traceId, activityId (status 400)"},
    {"error", "message", "ErrorCode, Message and RetryAfter (status 500)"},
    {"error", "empty", "an empty body (status 403)"},
    {"error", "page", "an HTML page, as a gateway answers (status 503)"},
    {"error", "control", "a problem whose text holds terminal control characters (status 400)"},
    {"attack", "megabytes", "an answer of 16 MiB"},
    {"attack", "nested", "100000 arrays in each other"},
    {"attack", "duplicate-keys", "each member a second time, with another value"},
    {"attack", "wrong-types", "numbers for strings, strings for everything else"},
    {"attack", "null", "each member null"},
    {"attack", "array", "the answer inside an array"},
    {"attack", "truncated", "half of the answer"},
    {"attack", "trailing", "a second object behind the first"},
    {"attack", "not-json", "an HTML page with status 200"},
    {"attack", "nothing", "an empty body with status 200"},
    {"services", "deleted", "each endpoint with a deletedDateTime"},
    {"services", "replaced", "a deleted endpoint of each name in front of the valid one"},
    {"services", "missing", "no LinuxEnrollmentService"},
    {"services", "foreign-host", "endpoints on another host"},
    {"services", "plain-http", "endpoints with http:"},
    {"services", "credentials", "endpoints with a user and password in them"},
    {"services", "mixed-case", "LinuxMdm in place of LinuxMDM"},
    {"certificate", "other-key", "for another key than that of the request"},
    {"certificate", "ca", "of a certification authority"},
    {"certificate", "expired", "no longer valid"},
    {"certificate", "not-yet-valid", "valid from tomorrow"},
    {"certificate", "wrong-thumbprint", "another thumbprint than that of the certificate"},
    {"certificate", "trailing-bytes", "a byte behind the certificate"},
    {"certificate", "out-of-range", "a byte value of 256"},
    {"encoding", "base64", "certBlob is base64 text, not an array of numbers"},
    {"renew-period", "outside", "renewPeriod beside certificate, not in it"},
    {"renew-period", "both", "in both"},
    {"renew-period", "none", "in neither"},
    {"renew-period", "negative", "-1"},
    {"device", "new-id", "enrolling again gives another device id"},
    {"policies", "none", "no policy applies"},
    {"policies", "unknown", "a setting that nobody knows is among them"},
    {"policies", "script", "a script is among them"},
    {"retire", "not-offered", "the device's record has no address for Retire"},
};

#define KNOWN_COUNT (sizeof(known_modes) / sizeof(known_modes[0]))

void behaviour_modes_print(FILE *out)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        (void)fprintf(out, "%s=%-18s %s\n", known_modes[i].name, known_modes[i].value,
                      known_modes[i].meaning);
}

static bool mode_known(const struct departure *departure)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strcmp(known_modes[i].name, departure->name) == 0 &&
            strcmp(known_modes[i].value, departure->value) == 0)
            return true;
    return false;
}

static bool word_read(struct departure *departure, const char *word)
{
    const char *value = strchr(word, '=');
    if (value == NULL)
        return false;
    size_t size = (size_t)(value - word);
    value++;
    if (size == 2 && strncmp(word, "at", size) == 0) {
        int written = snprintf(departure->at, sizeof(departure->at), "%s", value);
        return written > 0 && (size_t)written < sizeof(departure->at);
    }
    char *end = NULL;
    unsigned long number = strtoul(value, &end, 10);
    if (end == value || *end != '\0' || number > 100000)
        return false;
    if (size == 6 && strncmp(word, "status", size) == 0)
        departure->status = (unsigned)number;
    else if (size == 5 && strncmp(word, "times", size) == 0)
        departure->times = (unsigned)number;
    else if (size == 7 && strncmp(word, "seconds", size) == 0)
        departure->seconds = (unsigned)number;
    else
        return false;
    return true;
}

bool behaviour_mode_add(struct behaviour *behaviour, const char *argument)
{
    struct departure departure = {0};
    char *copy = strdup(argument);
    if (copy == NULL)
        abort();
    char *rest = copy;
    const char *first = strsep(&rest, ",");
    bool good = behaviour->count < DEPARTURES_MAX &&
                sscanf(first, "%23[^=]=%23s", departure.name, departure.value) == 2 && mode_known(&departure);
    while (good && rest != NULL)
        good = word_read(&departure, strsep(&rest, ","));
    free(copy);
    if (good)
        behaviour->list[behaviour->count++] = departure;
    else
        (void)fprintf(stderr, "intune-server: unknown mode '%s'\n", argument);
    return good;
}

bool behaviour_is(const struct behaviour *behaviour, const char *name, const char *value)
{
    for (unsigned i = 0; i < behaviour->count; i++)
        if (strcmp(behaviour->list[i].name, name) == 0 && strcmp(behaviour->list[i].value, value) == 0)
            return true;
    return false;
}

const struct departure *behaviour_take(struct behaviour *behaviour, const char *name, const char *step)
{
    for (unsigned i = 0; i < behaviour->count; i++) {
        struct departure *departure = &behaviour->list[i];
        if (strcmp(departure->name, name) != 0 ||
            (*departure->at != '\0' && strcmp(departure->at, step) != 0) ||
            (departure->times != 0 && departure->done >= departure->times))
            continue;
        departure->done++;
        return departure;
    }
    return NULL;
}
