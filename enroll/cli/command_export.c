#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "directory.h"
#include "run.h"

/* Device certificate first, then its chain: as servers and TLS tools take it. */
static char *certificates_format(const struct token_generation *generation, bool chain)
{
    char *all = NULL;
    char *own = install_certificates_format(&generation->certificate, 1);
    char *issuers = install_certificates_format(generation->chain, chain ? generation->chain_count : 0);
    if (own && issuers && asprintf(&all, "%s%s", own, issuers) < 0)
        all = NULL;
    free(issuers);
    free(own);
    return all;
}

/* Beside the name, then renamed over it: a program that reads the file finds the old or the new. */
static enum enroll_exit file_write(struct run *run, const char *path, const char *text)
{
    enum enroll_exit status = ENROLL_OK;
    char *for_directory = strdup(path), *for_name = strdup(path);
    int fd =
        for_directory && for_name ? open(dirname(for_directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0 || install_file_replace(fd, basename(for_name), text, strlen(text), 0644))
        status =
            enroll_error_set(&run->error, ENROLL_FAILED, "", "cannot write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(for_name);
    free(for_directory);
    return status;
}

static enum enroll_exit certificates_export(struct run *run)
{
    enum enroll_exit status = run_token_read(run);
    if (status != ENROLL_OK)
        return status;
    if (!run->enrolled.generation->has_certificate)
        return enroll_error_set(&run->error, ENROLL_NOT_ENROLLED, "",
                                "the token in %s has no certificate yet", run->token_directory);
    char *text = certificates_format(run->enrolled.generation, !run->line.given[OPTION_NO_CHAIN]);
    if (!text)
        return enroll_error_memory(&run->error);
    const char *path = run->line.values[OPTION_OUTPUT];
    if (path)
        status = file_write(run, path, text);
    else if (!run->line.given[OPTION_JSON] && fputs(text, stdout) < 0)
        status = enroll_error_set(&run->error, ENROLL_FAILED, "", "cannot write: %s", strerror(errno));
    run->report.pem = text;
    return status;
}

int command_export(int argc, char **argv)
{
    struct run run;
    int exit_status;
    if (!run_begin(COMMAND_EXPORT, argc, argv, false, &run, &exit_status))
        return exit_status;
    enum enroll_exit status = certificates_export(&run);
    char *pem = run.report.pem;
    /* In text the certificates are the whole answer. */
    if (!run.line.given[OPTION_JSON])
        run.report.generation = NULL;
    run.report.record = run.line.given[OPTION_JSON] ? run.report.record : NULL;
    run.report.state = NULL;
    exit_status = run_end(&run, status);
    free(pem);
    return exit_status;
}
