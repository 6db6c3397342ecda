#include "attempt_steps.h"

enum enroll_exit attempt_describe(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                  struct enroll_error *ret_error)
{
    struct attempt attempt;
    attempt_begin(&attempt, options, ret_outcome, &ret_outcome->now.record, ret_error);
    if (tpm_facts_read(options->tpm, &attempt.facts) != TPM_OK)
        attempt.facts = (struct tpm_facts){0};
    enum enroll_exit status = attempt_protocol_choose(&attempt);
    if (status == ENROLL_OK)
        status = attempt_connect(&attempt, NULL);
    if (status == ENROLL_OK && attempt.protocol->describe == NULL)
        status = enroll_error_set(ret_error, ENROLL_USAGE, "",
                                  "a service of the protocol %s does not say what it requires",
                                  attempt.protocol->name);
    if (status == ENROLL_OK)
        status = attempt.protocol->describe(attempt.session, &attempt.answer, ret_error);
    if (status == ENROLL_OK) {
        ret_outcome->action = "policy";
        ret_outcome->now.has_record = true;
        ret_outcome->described = true;
        ret_outcome->requirements = attempt.answer.requirements;
        certificate_requirements_default(&attempt.answer.requirements);
    }
    return attempt_end(&attempt, status);
}
