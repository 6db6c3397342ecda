#include "attempt_steps.h"

#include <stdio.h>

#include "generation.h"

/* A service that goes on counting this device would count a machine that has no key. What cannot be done is
 * said; the key is removed all the same. */
static void retire(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    struct enroll_error failure = {0}, *error = attempt->error;
    char text[1536];
    attempt->error = &failure;
    attempt->reporting = true;
    const struct protocol *protocol = protocol_of(attempt->record);
    if (protocol != NULL && protocol->retire != NULL && attempt_protocol_choose(attempt) == ENROLL_OK &&
        attempt_connect(attempt, NULL) == ENROLL_OK)
        (void)!protocol->retire(attempt->session, &failure);
    attempt->error = error;
    if (failure.message[0] == '\0')
        return;
    snprintf(text, sizeof(text), "the service still lists this device: %s%s%s", failure.message,
             failure.advice[0] != '\0' ? "; " : "", failure.advice);
    options->warn(options->context, text);
}

static enum enroll_exit take_away(struct attempt *attempt)
{
    const struct attempt_options *options = attempt->options;
    struct install_recovery recovery;
    struct record undecided;
    struct enroll_error ignored;
    enum enroll_exit status = attempt_directory_open(attempt, false);
    if (status != ENROLL_OK)
        return status;
    bool pending = install_pending_undecided(&attempt->directory, &undecided);
    if (pending)
        record_clear(&undecided);
    if (install_generation_current(&attempt->directory) == 0 && !pending)
        return enroll_error_set(attempt->error, ENROLL_NOT_ENROLLED, "", "there is no enrolment in %s",
                                options->token_directory);
    status = options->remove_confirm(options->context, attempt->error);
    if (status != ENROLL_OK)
        return status;
    bool read = enrollment_read(attempt->directory.fd, options->token_directory, attempt->record, &ignored) ==
                ENROLL_OK;
    status = install_remove_all(&attempt->directory, options->force ? NULL : options->tpm, &recovery,
                                attempt->error);
    if (status == ENROLL_TPM)
        snprintf(attempt->error->advice, sizeof(attempt->error->advice),
                 "nothing was removed; if that TPM is gone for good, --force removes the files alone");
    if (status != ENROLL_OK)
        return status;
    if (read)
        retire(attempt);
    attempt->outcome->action = "removed";
    attempt->outcome->removed_keys = recovery.evicted;
    attempt->outcome->removed_files = recovery.removed;
    return ENROLL_OK;
}

enum enroll_exit attempt_remove(const struct attempt_options *options, struct attempt_outcome *ret_outcome,
                                struct enroll_error *ret_error)
{
    struct attempt attempt;
    struct record record = {0};
    attempt_begin(&attempt, options, ret_outcome, &record, ret_error);
    enum enroll_exit status = attempt_end(&attempt, take_away(&attempt));
    record_clear(&record);
    return status;
}
