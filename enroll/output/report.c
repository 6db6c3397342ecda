#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
#include <string.h>

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "certificate.h"
#include "enrolled.h"
#include "public_key.h"
#include "url.h"

#define DAY 86400

void report_time(time_t when, char *ret_text, size_t size)
{
    struct tm tm;
    if (!gmtime_r(&when, &tm) || !strftime(ret_text, size, "%Y-%m-%dT%H:%M:%SZ", &tm))
        snprintf(ret_text, size, "?");
}

/* A pkcs11: URI of the token, and of an object on it unless object is NULL. free() it; NULL: no memory. */
static char *uri_format(const char *token, const char *object)
{
    P11KitUri *uri = p11_kit_uri_new();
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t)object, object != NULL ? strlen(object) : 0};
    char *text = NULL, *copy = NULL;
    CK_TOKEN_INFO *info = uri != NULL ? p11_kit_uri_get_token_info(uri) : NULL;
    if (info == NULL)
        return NULL;
    /* Blanks fill the field, as in CK_TOKEN_INFO. */
    memset(info->label, ' ', sizeof(info->label));
    memcpy(info->label, token, strnlen(token, sizeof(info->label)));
    if ((object == NULL || p11_kit_uri_set_attribute(uri, &label) == P11_KIT_URI_OK) &&
        p11_kit_uri_format(uri, P11_KIT_URI_FOR_OBJECT_ON_TOKEN, &text) == P11_KIT_URI_OK)
        copy = strdup(text);
    free(text);
    p11_kit_uri_free(uri);
    return copy;
}

char *report_uri(const struct token_generation *generation)
{
    return uri_format(generation->label, generation->object_label);
}

static bool facts_of(const struct report *report, struct certificate_facts *ret_facts)
{
    return report->generation && report->generation->has_certificate &&
           certificate_facts_read(report->generation->certificate.value.data,
                                  report->generation->certificate.value.size, ret_facts);
}

static void row(const char *name, const char *value)
{
    if (value && value[0])
        printf("  %-13s %s\n", name, value);
}

static void print_dates(const struct certificate_facts *facts, time_t due)
{
    char from[32], until[32], text[128];
    time_t now = time(NULL);
    long days = (long)((facts->not_after - now) / DAY);
    report_time(facts->not_before, from, sizeof(from));
    report_time(facts->not_after, until, sizeof(until));
    if (facts->not_after <= now)
        snprintf(text, sizeof(text), "%s to %s (expired)", from, until);
    else
        snprintf(text, sizeof(text), "%s to %s (%ld days left)", from, until, days);
    row("Valid", text);
    report_time(due, until, sizeof(until));
    snprintf(text, sizeof(text), "%s%s", until, due <= now ? " (due)" : "");
    row("Renewal from", text);
}

/* Whom this machine will show its certificate to. */
static void print_renewal_host(const struct record *record)
{
    char host[URL_HOST_MAX], text[URL_HOST_MAX + 64];
    bool other;
    const char *url = enrollment_renewal_url(record, &other);
    if (!url || !url_host(url, host))
        return;
    snprintf(text, sizeof(text), "%s%s", host, other ? " (in another domain than the server)" : "");
    row("Renewal host", text);
}

static void print_key(const struct report *report)
{
    char name[16], text[160];
    const struct tpm_key *key = &report->generation->key;
    public_key_name(&key->public_key, name, sizeof(name));
    if (key->persistent_handle)
        snprintf(text, sizeof(text), "%s in the TPM (%s %s), resident at 0x%08x%s", name,
                 report->generation->manufacturer, report->generation->model,
                 (unsigned)key->persistent_handle, key->has_pin ? ", with a PIN" : "");
    else
        snprintf(text, sizeof(text), "%s in the TPM (%s %s), wrapped in device.key%s", name,
                 report->generation->manufacturer, report->generation->model,
                 key->has_pin ? ", with a PIN" : "");
    row("Key", text);
}

static void print_try(const struct report *report)
{
    char *uri = uri_format(report->generation->label, NULL);
    printf("  %-13s ", "Try");
    if (!report->default_directory)
        printf("INTUNE_TPM_TOKEN_DIR=%s ", report->token_directory);
    printf("p11tool --list-all '%s'\n", uri != NULL ? uri : "pkcs11:");
    free(uri);
}

/* What the protocol wants shown. */
static void print_facts(const struct report *report)
{
    if (report->record == NULL || report->protocol == NULL)
        return;
    for (const struct protocol_fact *fact = report->protocol->facts; fact->section != NULL; fact++)
        if (fact->in_status)
            row(fact->title, record_get(report->record, fact->section, fact->key));
}

static void print_token(const struct report *report)
{
    struct certificate_facts facts;
    if (!report->generation)
        return;
    if (report->record) {
        row("Server", record_get(report->record, RECORD_SERVICE_URL));
        row("Name", record_get(report->record, RECORD_SERVICE_NAME));
        row("User", record_get(report->record, RECORD_USER));
    }
    if (facts_of(report, &facts)) {
        row("Subject", facts.subject);
        row("Issuer", facts.issuer);
        print_dates(&facts, enrolled_renewal_due(report->generation, report->record));
        if (report->record)
            print_renewal_host(report->record);
        certificate_facts_free(&facts);
    }
    print_key(report);
    row("Token", report->token_directory);
    char *uri = report_uri(report->generation);
    row("URI", uri);
    free(uri);
    print_facts(report);
}

static void print_state(const struct report *report)
{
    char text[160], when[32];
    if (report->tpm_state)
        row("TPM", report->tpm_state);
    if (report->key_lost)
        row("", "the key of this token is NOT in this TPM: enrol again with intune-enroll enroll --replace");
    if (report->tpm_lockout) {
        snprintf(text, sizeof(text), "%u of %u failed authorizations%s",
                 (unsigned)report->tpm_lockout->failures, (unsigned)report->tpm_lockout->max_failures,
                 report->tpm_lockout->locked ? ", LOCKED" : "");
        if (report->tpm_lockout->failures || report->tpm_lockout->locked)
            row("Lock-out", text);
    }
    if (report->state && report->state->failed_at) {
        report_time(report->state->failed_at, when, sizeof(when));
        printf("  %-13s %s: %s\n", "Last error", when, report->state->message);
    }
}

static const char *section_get(const struct record *record, const char *prefix, size_t number,
                               const char *key)
{
    char section[32];
    snprintf(section, sizeof(section), "%s%zu", prefix, number);
    return record_get(record, section, key);
}

/* One rule: what is asked for, what was found, and what would meet it. */
static void print_rule(const struct record *check_in, const char *prefix, size_t number, const char *title)
{
    const char *const keys[][2] = {{"expected", "expected"},
                                   {"actual", "found"},
                                   {"state", "state"},
                                   {"description", "found"},
                                   {"remedy", "to do"}};
    printf("  %-13s %s\n", title, section_get(check_in, prefix, number, "setting"));
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        const char *value = section_get(check_in, prefix, number, keys[i][0]);
        if (value != NULL)
            printf("  %-13s   %s: %s\n", "", keys[i][1], value);
    }
}

static void print_check_in(const struct report *report)
{
    const struct record *check_in = report->check_in;
    char when[32], text[160];
    if (check_in == NULL)
        return;
    time_t checked = (time_t)record_number(check_in, REPORT_CHECKED_AT, 0);
    time_t failed = (time_t)record_number(check_in, REPORT_FAILED_AT, 0);
    if (checked != 0) {
        report_time(checked, when, sizeof(when));
        const char *state = record_get(check_in, REPORT_STATE);
        snprintf(text, sizeof(text), "%s (checked in %s)", state != NULL ? state : "not known", when);
        row("Compliance", text);
    }
    for (size_t i = 1; section_get(check_in, REPORT_VIOLATION_SECTION, i, "setting") != NULL; i++)
        print_rule(check_in, REPORT_VIOLATION_SECTION, i, "Not met");
    for (size_t i = 1; report->all_rules && section_get(check_in, REPORT_RULE_SECTION, i, "setting") != NULL;
         i++)
        print_rule(check_in, REPORT_RULE_SECTION, i, "Rule");
    if (failed != 0) {
        report_time(failed, when, sizeof(when));
        const char *message = record_get(check_in, REPORT_MESSAGE);
        printf("  %-13s %s: %s\n", "Check-in", when, message != NULL ? message : "failed");
    }
}

static void print_requirements(const struct certificate_requirements *requirements)
{
    static const char *const hashes[] = {"SHA-256", "SHA-1", "SHA-256", "SHA-384", "SHA-512"};
    static const char *const curves[] = {"", "P-256", "P-384", "P-521"};
    char text[64];
    row("Policy", requirements->policy_name);
    row("Policy id", requirements->policy_id);
    if (requirements->key_type == TPM_KEY_EC)
        snprintf(text, sizeof(text), "EC %s", curves[requirements->curve]);
    else
        snprintf(text, sizeof(text), "RSA, at least %u bits", requirements->minimum_bits);
    row("Key", text);
    row("Hash", hashes[requirements->hash]);
    if (!requirements->from_policy)
        row("Note", "the server gave no usable policy; these are the defaults");
    if (requirements->validity_seconds) {
        snprintf(text, sizeof(text), "%llu days", (unsigned long long)requirements->validity_seconds / DAY);
        row("Validity", text);
    }
    if (requirements->renewal_seconds) {
        snprintf(text, sizeof(text), "%llu days before the end",
                 (unsigned long long)requirements->renewal_seconds / DAY);
        row("Renewal", text);
    }
    for (size_t i = 0; i < requirements->extension_count; i++)
        row("Extension", requirements->extensions[i].oid);
    for (size_t i = 0; i < requirements->warning_count; i++)
        row("Warning", requirements->warnings[i]);
}

static void print_checks(const struct report *report)
{
    static const char *const marks[] = {"OK", "warning", "FAILED", "skipped"};
    for (size_t i = 0; i < report->check_count; i++) {
        const struct report_check *check = &report->checks[i];
        printf("%-8s %s: %s\n", marks[check->outcome], check->name, check->text);
        if (check->advice[0])
            printf("         %s\n", check->advice);
    }
}

static const char *headline(const struct report *report)
{
    static const struct {
        const char *action, *text;
    } headlines[] = {
        {"enrolled", "This machine is enrolled."},
        {"renewed", "The certificate was renewed."},
        {"unchanged", "This machine is enrolled already; nothing was changed."},
        {"pending", "The server decides later. Ask again with: intune-enroll enroll --resume"},
        {"checked-in", "This machine has checked in."},
        {"nothing-to-do", "There is nothing to check in."},
        {"status", "This machine is enrolled."},
        {"policy", "The server would require:"},
        {"pin-changed", "The PIN was changed. A copy of the old files still signs with the old PIN:\n"
                        "intune-enroll renew --force replaces the key."},
        {"pin-removed", "The key has no PIN any more. A copy of the old files still signs with the old PIN."},
    };
    for (size_t i = 0; report->action && i < sizeof(headlines) / sizeof(headlines[0]); i++) {
        if (strcmp(report->action, headlines[i].action) == 0)
            return headlines[i].text;
    }
    return NULL;
}

/* The timer's usual answer, twice a day into the journal, is one line. */
static void print_not_due(const struct report *report)
{
    char when[32];
    report_time(enrolled_renewal_due(report->generation, report->record), when, sizeof(when));
    printf("The certificate is not yet due for renewal; it will be from %s.\n", when);
}

static void print_pending(const struct record *record)
{
    row("Request", record_get(record, RECORD_REQUEST_ID));
    row("Server message", record_get(record, RECORD_DISPOSITION));
}

bool report_print(const struct report *report, bool json)
{
    if (report->metrics)
        return report_metrics_print(report);
    if (json)
        return report_json_print(report);
    if (report->action && strcmp(report->action, "not-due") == 0) {
        print_not_due(report);
        return fflush(stdout) == 0 && !ferror(stdout);
    }
    const char *first = headline(report);
    if (first)
        puts(first);
    if (report->record && record_get(report->record, RECORD_REQUEST_ID))
        print_pending(report->record);
    print_token(report);
    if (report->requirements)
        print_requirements(report->requirements);
    print_check_in(report);
    print_state(report);
    print_checks(report);
    if (report->has_removed)
        printf("Removed: %zu key%s from the TPM, %zu item%s from %s.\n", report->removed_keys,
               report->removed_keys == 1 ? "" : "s", report->removed_files,
               report->removed_files == 1 ? "" : "s", report->token_directory);
    if (report->generation && report->action)
        print_try(report);
    for (size_t i = 0; i < report->next_step_count; i++)
        row(i == 0 ? "Next" : "", report->next_steps[i]);
    return fflush(stdout) == 0 && !ferror(stdout);
}
