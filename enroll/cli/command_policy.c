#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "conversation.h"
#include "run.h"

/* Discover, token and GetPolicies, and no further: nothing is made, nothing is written. */
static enum enroll_exit look(struct run *run, struct conversation *conversation,
                             struct flow_result *ret_result)
{
    struct tpm_facts facts;
    bool has_tpm = tpm_facts_read(run->tpm, &facts) == TPM_OK;
    enum enroll_exit status =
        conversation_begin(conversation, run, NULL, NULL, NULL, has_tpm ? &facts : NULL);
    if (status != ENROLL_OK)
        return status;
    if (run->line.operand && strstr(run->line.operand, "://"))
        conversation->options.discovery_url = run->line.operand;
    else
        conversation->options.address = run->line.operand;
    if (!conversation->options.address && !conversation->options.discovery_url)
        return enroll_error_set(
            &run->error, ENROLL_USAGE, STEP_PREPARE, "Try intune-enroll policy user@example.com.",
            "it was not said which server: a user's address, a domain or a URL is needed");
    conversation->options.stop_after_policy = true;
    return flow_enroll(&conversation->options, &conversation->callbacks, ret_result, &run->error);
}

int command_policy(int argc, char **argv)
{
    struct run run;
    struct conversation conversation = {0};
    struct flow_result result = {0};
    int exit_status;
    if (!run_begin(COMMAND_POLICY, argc, argv, false, &run, &exit_status))
        return exit_status;
    enum enroll_exit status = look(&run, &conversation, &result);
    bool has_result = status == ENROLL_OK;
    conversation.run = &run;
    conversation_end(&conversation, status, has_result ? &result : NULL, NULL);
    if (has_result) {
        run.report.action = "policy";
        run.report.requirements = &result.requirements;
        if (!enrollment_fill(&run.enrollment, &result))
            status = enroll_error_memory(&run.error, STEP_POLICY);
        run.report.enrollment = &run.enrollment;
    }
    exit_status = run_end(&run, status);
    if (has_result)
        flow_result_free(&result);
    return exit_status;
}
