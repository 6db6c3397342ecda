/* The state of the enrolment in Prometheus' text format, for the textfile collector of its node exporter. */
#include <stdio.h>
#include <string.h>

#include "certificate.h"
#include "enrolled.h"
#include "report.h"

static void metric(const char *name, const char *help, double value)
{
    printf("# HELP intune_tpm_%s %s\n# TYPE intune_tpm_%s gauge\nintune_tpm_%s %.0f\n", name, help, name,
           name, value);
}

static void certificate_metrics(const struct report *report)
{
    struct certificate_facts facts;
    const struct token_certificate *certificate = &report->generation->certificate;
    if (!report->generation->has_certificate ||
        !certificate_facts_read(certificate->value.data, certificate->value.size, &facts))
        return;
    metric("certificate_not_before_seconds", "Begin of the certificate's validity.",
           (double)facts.not_before);
    metric("certificate_not_after_seconds", "End of the certificate's validity.", (double)facts.not_after);
    metric("renewal_due_seconds", "When the certificate is to be renewed.",
           (double)enrolled_renewal_due(report->generation, report->record));
    certificate_facts_free(&facts);
}

static void renewal_metrics(const struct report *report)
{
    const struct enrollment_state *state = report->state;
    if (state == NULL)
        return;
    metric("renewal_attempted_seconds", "Last attempt to renew, 0 for none.", (double)state->attempted_at);
    metric("renewal_failed_seconds", "Last attempt to renew, if it failed; else 0.",
           (double)state->failed_at);
    metric("renewal_exit_status", "Exit status of the last attempt to renew.", (double)state->exit_status);
}

static void check_in_metrics(const struct report *report)
{
    const struct record *check_in = report->check_in;
    const char *state = check_in != NULL ? record_get(check_in, REPORT_STATE) : NULL;
    if (check_in == NULL)
        return;
    metric("check_in_seconds", "Last check-in that succeeded, 0 for none.",
           (double)record_number(check_in, REPORT_CHECKED_AT, 0));
    metric("check_in_failed_seconds", "Last check-in, if it failed; else 0.",
           (double)record_number(check_in, REPORT_FAILED_AT, 0));
    metric("compliant", "Whether the service calls this device compliant.",
           state != NULL && strcmp(state, "Compliant") == 0);
}

bool report_metrics_print(const struct report *report)
{
    metric("enrolled", "Whether there is a token.", report->generation != NULL);
    if (report->generation != NULL) {
        metric("generation", "Number of the token's generation.", (double)report->generation->number);
        certificate_metrics(report);
        renewal_metrics(report);
        check_in_metrics(report);
    }
    metric("tpm_ready", "Whether the TPM answers.",
           report->tpm_state != NULL && strcmp(report->tpm_state, "ready") == 0);
    if (report->has_key_state)
        metric("key_present", "Whether the TPM has the key of the token.", !report->key_lost);
    return fflush(stdout) == 0 && ferror(stdout) == 0;
}
