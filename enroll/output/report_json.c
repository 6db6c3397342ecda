#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "certificate.h"
#include "enrolled.h"
#include "public_key.h"
#include "url.h"
#include "report.h"

static void put(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, value && value[0] ? json_object_new_string(value) : NULL);
}

static void put_number(struct json_object *object, const char *key, int64_t value)
{
    json_object_object_add(object, key, json_object_new_int64(value));
}

static void put_time(struct json_object *object, const char *key, time_t when)
{
    char text[32] = "";
    if (when)
        report_time(when, text, sizeof(text));
    put(object, key, text);
}

static struct json_object *error_json(const struct report *report)
{
    char hresult[16] = "";
    const struct enroll_error *error = report->error;
    struct json_object *object = json_object_new_object();
    put(object, "step", protocol_step_name(report->protocol, error->step));
    put(object, "message", error->message);
    put(object, "advice", error->advice);
    if (error->hresult)
        snprintf(hresult, sizeof(hresult), "0x%08x", (unsigned)error->hresult);
    put(object, "hresult", hresult);
    put(object, "server_text", error->server_text);
    put(object, "trace_id", error->trace_id);
    put(object, "activity_id", error->activity_id);
    return object;
}

static struct json_object *certificate_json(const struct token_certificate *certificate)
{
    struct certificate_facts facts;
    if (!certificate_facts_read(certificate->value.data, certificate->value.size, &facts))
        return NULL;
    struct json_object *object = json_object_new_object();
    put(object, "subject", facts.subject);
    put(object, "issuer", facts.issuer);
    put(object, "serial_number", facts.serial_number);
    put(object, "sha256", facts.fingerprint);
    put_time(object, "not_before", facts.not_before);
    put_time(object, "not_after", facts.not_after);
    put_number(object, "days_left", (facts.not_after - time(NULL)) / 86400);
    certificate_facts_free(&facts);
    return object;
}

static struct json_object *key_json(const struct token_generation *generation)
{
    char text[16];
    struct json_object *object = json_object_new_object();
    public_key_name(&generation->key.public_key, text, sizeof(text));
    put(object, "type", text);
    text[0] = '\0';
    if (generation->key.persistent_handle)
        snprintf(text, sizeof(text), "0x%08x", (unsigned)generation->key.persistent_handle);
    put(object, "persistent_handle", text);
    snprintf(text, sizeof(text), "0x%08x", (unsigned)generation->key.parent);
    put(object, "parent", text);
    json_object_object_add(object, "pin", json_object_new_boolean(generation->key.has_pin));
    put(object, "tpm_manufacturer", generation->manufacturer);
    put(object, "tpm_model", generation->model);
    return object;
}

static struct json_object *token_json(const struct report *report)
{
    const struct token_generation *generation = report->generation;
    char id[2 * TOKEN_ID_MAX + 1] = "";
    struct json_object *object = json_object_new_object();
    put(object, "directory", report->token_directory);
    put_number(object, "generation", (int64_t)generation->number);
    put(object, "label", generation->label);
    put(object, "serial", generation->serial);
    put(object, "object_label", generation->object_label);
    for (size_t i = 0; i < generation->id_size; i++)
        snprintf(id + 2 * i, 3, "%02x", generation->id[i]);
    put(object, "id", id);
    char *uri = report_uri(generation);
    put(object, "uri", uri);
    free(uri);
    return object;
}

static void put_record(struct json_object *object, const struct record *record, const char *section,
                       const char *key)
{
    put(object, key, record_get(record, section, key));
}

static struct json_object *server_json(const struct report *report)
{
    struct json_object *object = json_object_new_object();
    if (report->protocol != NULL) {
        put(object, "protocol", report->protocol->name);
        for (const struct protocol_fact *fact = report->protocol->facts; fact->section != NULL; fact++)
            put_record(object, report->record, fact->section, fact->key);
    }
    put_record(object, report->record, RECORD_SERVICE_URL);
    put_record(object, report->record, RECORD_SERVICE_NAME);
    put_record(object, report->record, RECORD_USER);
    put_record(object, report->record, RECORD_REQUEST_ID);
    put_record(object, report->record, RECORD_DISPOSITION);
    return object;
}

static void renewal_host_put(struct json_object *object, const struct record *record)
{
    char host[URL_HOST_MAX] = "";
    bool other;
    const char *url = enrollment_renewal_url(record, &other);
    if (url && !url_host(url, host))
        host[0] = '\0';
    put(object, "host", host);
    json_object_object_add(object, "other_domain", json_object_new_boolean(other));
}

static struct json_object *renewal_json(const struct report *report)
{
    struct json_object *object = json_object_new_object();
    time_t due = enrolled_renewal_due(report->generation, report->record);
    put_time(object, "due", due);
    json_object_object_add(object, "is_due", json_object_new_boolean(due && due <= time(NULL)));
    if (report->record) {
        put_number(object, "period_days", (int64_t)record_number(report->record, RECORD_PERIOD, 42));
        put_number(object, "retry_interval_days", (int64_t)record_number(report->record, RECORD_RETRY, 7));
        renewal_host_put(object, report->record);
    }
    if (report->state) {
        put_time(object, "attempted", report->state->attempted_at);
        put_time(object, "failed", report->state->failed_at);
        put_number(object, "failed_exit_status", report->state->exit_status);
        put(object, "failed_message", report->state->message);
    }
    return object;
}

/* The sections of one kind as an array of objects. */
static struct json_object *sections_json(const struct record *record, const char *prefix)
{
    struct json_object *array = json_object_new_array(), *object = NULL;
    const char *section = NULL;
    for (size_t i = 0; i < record->count; i++) {
        const struct record_entry *entry = &record->entries[i];
        if (strncmp(entry->section, prefix, strlen(prefix)) != 0)
            continue;
        if (section == NULL || strcmp(section, entry->section) != 0) {
            section = entry->section;
            object = json_object_new_object();
            json_object_array_add(array, object);
        }
        put(object, entry->key, entry->value);
    }
    return array;
}

static struct json_object *check_in_json(const struct record *check_in)
{
    struct json_object *object = json_object_new_object();
    put_record(object, check_in, REPORT_STATE);
    put_record(object, check_in, REPORT_LAST_CONTACT);
    put_time(object, "checked", (time_t)record_number(check_in, REPORT_CHECKED_AT, 0));
    put_time(object, "failed", (time_t)record_number(check_in, REPORT_FAILED_AT, 0));
    put_number(object, "failed_exit_status", (int64_t)record_number(check_in, REPORT_EXIT_STATUS, 0));
    put(object, "failed_message", record_get(check_in, REPORT_MESSAGE));
    json_object_object_add(object, "not_met", sections_json(check_in, REPORT_VIOLATION_SECTION));
    json_object_object_add(object, "rules", sections_json(check_in, REPORT_RULE_SECTION));
    return object;
}

static struct json_object *policy_json(const struct certificate_requirements *requirements)
{
    static const char *const hashes[] = {"sha256", "sha1", "sha256", "sha384", "sha512"};
    static const char *const curves[] = {"", "P-256", "P-384", "P-521"};
    struct json_object *object = json_object_new_object();
    struct json_object *extensions = json_object_new_array(), *warnings = json_object_new_array();
    json_object_object_add(object, "from_server", json_object_new_boolean(requirements->from_policy));
    put(object, "id", requirements->policy_id);
    put(object, "name", requirements->policy_name);
    put(object, "key_type", requirements->key_type == TPM_KEY_EC ? "EC" : "RSA");
    put(object, "curve", curves[requirements->curve]);
    put_number(object, "minimum_bits", requirements->minimum_bits);
    put(object, "hash", hashes[requirements->hash]);
    put_number(object, "validity_seconds", (int64_t)requirements->validity_seconds);
    put_number(object, "renewal_seconds", (int64_t)requirements->renewal_seconds);
    for (size_t i = 0; i < requirements->extension_count; i++)
        json_object_array_add(extensions, json_object_new_string(requirements->extensions[i].oid));
    for (size_t i = 0; i < requirements->warning_count; i++)
        json_object_array_add(warnings, json_object_new_string(requirements->warnings[i]));
    json_object_object_add(object, "extensions", extensions);
    json_object_object_add(object, "warnings", warnings);
    return object;
}

static struct json_object *tpm_json(const struct report *report)
{
    struct json_object *object = json_object_new_object();
    put(object, "state", report->tpm_state);
    if (report->has_key_state)
        put(object, "key", report->key_lost ? "lost" : "present");
    if (report->tpm_lockout) {
        put_number(object, "failed_authorizations", report->tpm_lockout->failures);
        put_number(object, "max_failed_authorizations", report->tpm_lockout->max_failures);
        json_object_object_add(object, "locked_out", json_object_new_boolean(report->tpm_lockout->locked));
    }
    return object;
}

static struct json_object *checks_json(const struct report *report)
{
    static const char *const outcomes[] = {"ok", "warning", "failed", "skipped"};
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < report->check_count; i++) {
        struct json_object *object = json_object_new_object();
        put(object, "name", report->checks[i].name);
        put(object, "outcome", outcomes[report->checks[i].outcome]);
        put(object, "text", report->checks[i].text);
        put(object, "advice", report->checks[i].advice);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *chain_json(const struct token_generation *generation)
{
    struct json_object *array = json_object_new_array();
    for (size_t i = 0; i < generation->chain_count; i++)
        json_object_array_add(array, certificate_json(&generation->chain[i]));
    return array;
}

bool report_json_print(const struct report *report)
{
    struct json_object *object = json_object_new_object();
    put_number(object, "schema", REPORT_SCHEMA);
    put(object, "command", report->command);
    put(object, "result", report->error ? "error" : report->action ? report->action : "ok");
    put_number(object, "exit_status", report->exit_status);
    if (report->error)
        json_object_object_add(object, "error", error_json(report));
    if (report->record)
        json_object_object_add(object, "server", server_json(report));
    if (report->generation) {
        json_object_object_add(object, "token", token_json(report));
        json_object_object_add(object, "key", key_json(report->generation));
        if (report->generation->has_certificate) {
            json_object_object_add(object, "certificate", certificate_json(&report->generation->certificate));
            json_object_object_add(object, "chain", chain_json(report->generation));
            json_object_object_add(object, "renewal", renewal_json(report));
        }
    }
    if (report->check_in)
        json_object_object_add(object, "check_in", check_in_json(report->check_in));
    if (report->requirements)
        json_object_object_add(object, "policy", policy_json(report->requirements));
    if (report->tpm_state)
        json_object_object_add(object, "tpm", tpm_json(report));
    if (report->pem)
        put(object, "pem", report->pem);
    if (report->check_count)
        json_object_object_add(object, "checks", checks_json(report));
    if (report->next_step_count > 0) {
        struct json_object *steps = json_object_new_array();
        for (size_t i = 0; i < report->next_step_count; i++)
            json_object_array_add(steps, json_object_new_string(report->next_steps[i]));
        json_object_object_add(object, "next", steps);
    }
    if (report->has_removed) {
        struct json_object *removed = json_object_new_object();
        put_number(removed, "keys", (int64_t)report->removed_keys);
        put_number(removed, "files", (int64_t)report->removed_files);
        json_object_object_add(object, "removed", removed);
    }
    const char *text =
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
    bool printed = text && puts(text) >= 0 && fflush(stdout) == 0;
    json_object_put(object);
    return printed;
}
