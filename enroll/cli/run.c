#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "certificate.h"
#include "directory.h"
#include "generation.h"
#include "process.h"

#define CONFIGURATION_MAX 65536
#define SECRET_FILE_MAX   1024

const char *run_setting(const struct run *run, enum option_id option, const char *section, const char *key)
{
    if (run->line.values[option])
        return run->line.values[option];
    const char *value = run->configuration ? keyfile_get(run->configuration, section, key) : NULL;
    return value && value[0] ? value : NULL;
}

static enum enroll_exit configuration_read(struct run *run)
{
    size_t line;
    run->configuration = keyfile_read(configuration_path(), CONFIGURATION_MAX, &line);
    if (run->configuration || errno == ENOENT)
        return ENROLL_OK;
    if (errno == EINVAL)
        return enroll_error_set(&run->error, ENROLL_CONFIGURATION, "correct that line",
                                "%s is not of its form in line %zu", configuration_path(), line);
    return enroll_error_set(&run->error, ENROLL_CONFIGURATION, "", "cannot read %s: %s", configuration_path(),
                            strerror(errno));
}

/* Where a user who is not root keeps a token of his own, as token_directory_find() looks for it. */
static bool own_directory(char *ret_path, size_t size)
{
    const char *data = secure_getenv("XDG_DATA_HOME"), *home = secure_getenv("HOME");
    int length = -1;
    if (data && data[0] == '/')
        length = snprintf(ret_path, size, "%s/intune-tpm", data);
    else if (home && home[0] == '/')
        length = snprintf(ret_path, size, "%s/.local/share/intune-tpm", home);
    return length > 0 && (size_t)length < size;
}

static bool directory_choose(struct run *run, bool writes)
{
    const char *given = run->line.values[OPTION_TOKEN_DIR],
               *environment = secure_getenv("INTUNE_TPM_TOKEN_DIR");
    const size_t size = sizeof run->token_directory;
    if (given && given[0] == '/')
        return (size_t)snprintf(run->token_directory, size, "%s", given) < size;
    if (given) {
        /* A name below the working directory, so that typing one works. */
        char here[PATH_MAX];
        return getcwd(here, sizeof here) &&
               (size_t)snprintf(run->token_directory, size, "%s/%s", here, given) < size;
    }
    if (!writes || (environment && environment[0]))
        return token_directory_find(run->token_directory, size);
    if (geteuid() != 0)
        return own_directory(run->token_directory, size);
    return (size_t)snprintf(run->token_directory, size, "%s", TOKEN_SYSTEM_DIRECTORY) < size;
}

static enum enroll_exit resources_open(struct run *run, bool writes)
{
    char found[PATH_MAX];
    if (!directory_choose(run, writes))
        return enroll_error_set(&run->error, ENROLL_USAGE, "name one with --token-dir",
                                "no token directory can be told for this user, or its path is too long");
    const char *tcti = run->line.values[OPTION_TCTI];
    if (tcti ? (size_t)snprintf(run->tcti, sizeof run->tcti, "%s", tcti) >= sizeof run->tcti
             : !configuration_tcti(run->tcti, sizeof run->tcti))
        return enroll_error_set(&run->error, ENROLL_CONFIGURATION, "",
                                "the TCTI of --tcti, INTUNE_TPM_TCTI or %s is too long",
                                configuration_path());
    run->tpm = tpm_new(run->tcti);
    if (!run->tpm)
        return enroll_error_memory(&run->error);
    run->report.token_directory = run->token_directory;
    run->report.default_directory = token_directory_find(found, sizeof found) &&
                                    strcmp(found, run->token_directory) == 0 &&
                                    !secure_getenv("INTUNE_TPM_TOKEN_DIR");
    return ENROLL_OK;
}

bool run_begin(enum command_id command, int argc, char **argv, bool writes, struct run *ret_run,
               int *ret_exit)
{
    struct run *run = ret_run;
    memset(run, 0, sizeof *run);
    switch (command_line_parse(command, argc, argv, &run->line)) {
    case LINE_RUN:
        break;
    case LINE_HELP_SHOWN:
        *ret_exit = ENROLL_OK;
        return false;
    default:
        *ret_exit = ENROLL_USAGE;
        return false;
    }
    run->report.command = command_line_name(command);
    run->terminal = terminal_new(run->line.given[OPTION_VERBOSE]);
    if (!run->terminal) {
        fputs("intune-enroll: out of memory\n", stderr);
        *ret_exit = ENROLL_FAILED;
        return false;
    }
    enum enroll_exit status = configuration_read(run);
    if (status == ENROLL_OK)
        status = resources_open(run, writes);
    if (status != ENROLL_OK) {
        *ret_exit = run_end(run, status);
        return false;
    }
    return true;
}

/* There is always something to do next, also where the place that failed knows nothing particular. */
static void advice_complete(struct enroll_error *error)
{
    const char *advice = error->exit_status == ENROLL_CANCELLED ? "nothing was changed"
                         : error->step != STEP_PREPARE && error->step != STEP_INSTALL
                             ? "tell the server's administrator; --trace DIRECTORY keeps what was said"
                             : "See intune-enroll(8).";
    if (!error->advice[0])
        snprintf(error->advice, sizeof error->advice, "%s", advice);
}

int run_end(struct run *run, enum enroll_exit status)
{
    bool json = run->line.given[OPTION_JSON];
    /* Whatever failed after a signal failed because of it: a command that was waited for, an answer that did
     * not come. */
    if (status != ENROLL_OK && status != ENROLL_CANCELLED && process_cancelled(NULL))
        status = enroll_error_set(&run->error, ENROLL_CANCELLED, "", "cancelled by a signal");
    int exit_status = (int)status;
    run->report.exit_status = status;
    /* `verify` and a pending request end with a status of their own and a report, not with an error. */
    if (status != ENROLL_OK && run->error.message[0]) {
        run->report.error = &run->error;
        advice_complete(&run->error);
        terminal_error(run->terminal, &run->error);
    }
    terminal_free(run->terminal);
    if ((json || run->report.metrics || !run->report.error) && !report_print(&run->report, json)) {
        fprintf(stderr, "intune-enroll: the result cannot be written: %s\n", strerror(errno));
        if (exit_status == ENROLL_OK)
            exit_status = ENROLL_FAILED;
    }
    enrolled_clear(&run->enrolled);
    tpm_free(run->tpm);
    keyfile_free(run->configuration);
    return exit_status;
}

enum enroll_exit run_token_read(struct run *run)
{
    enum enroll_exit status = enrolled_read(run->token_directory, &run->enrolled, &run->error);
    if (status != ENROLL_OK)
        return status;
    run->report.generation = run->enrolled.generation;
    if (run->enrolled.has_record) {
        run->report.record = &run->enrolled.record;
        run->report.protocol = protocol_of(&run->enrolled.record);
        run->report.state = &run->enrolled.state;
        if (run->enrolled.check_in.count > 0)
            run->report.check_in = &run->enrolled.check_in;
    }
    return ENROLL_OK;
}

enum enroll_exit run_key_probe(struct run *run)
{
    enum tpm_status status = enrolled_key_probe(&run->enrolled, run->tpm, run->token_directory, &run->error);
    run->report.has_key_state = status == TPM_OK || status == TPM_WRONG_KEY;
    run->report.key_lost = status == TPM_WRONG_KEY;
    return status == TPM_WRONG_KEY ? ENROLL_KEY_LOST : ENROLL_OK;
}

static enum enroll_exit pin_asked(struct run *run, const char *prompt, bool twice, char **ret_pin)
{
    char *pin = terminal_ask_secret(run->terminal, prompt);
    if (!pin)
        return enroll_error_set(&run->error, ENROLL_CANCELLED, "give the PIN in a file",
                                "no PIN was given, and there is nobody to ask");
    if (twice) {
        char *again = terminal_ask_secret(run->terminal, "The same again");
        bool same = again && strcmp(pin, again) == 0;
        run_pin_free(again);
        if (!same) {
            run_pin_free(pin);
            return enroll_error_set(&run->error, ENROLL_CANCELLED, "", "the two PINs are not the same");
        }
    }
    *ret_pin = pin;
    return ENROLL_OK;
}

/* The first line of a file that others cannot read. */
static enum enroll_exit pin_from_file(struct run *run, const char *path, char **ret_pin)
{
    struct stat status;
    ssize_t got = -1;
    char *pin = calloc(1, SECRET_FILE_MAX + 1);
    if (!pin)
        return enroll_error_memory(&run->error);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    bool open_to_all = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
                       (status.st_mode & (S_IROTH | S_IWOTH));
    /* Only the opening must not wait, for a FIFO that nobody writes to; a pipe's writer may need a moment. */
    if (fd >= 0 && !open_to_all && fcntl(fd, F_SETFL, 0) == 0)
        got = read(fd, pin, SECRET_FILE_MAX);
    int number = errno;
    if (fd >= 0)
        close(fd);
    if (got >= 0) {
        pin[strcspn(pin, "\r\n")] = '\0';
        *ret_pin = pin;
        return ENROLL_OK;
    }
    free(pin);
    if (open_to_all)
        return enroll_error_set(&run->error, ENROLL_CONFIGURATION, "chmod 600 that file",
                                "%s can be read by everybody", path);
    return enroll_error_set(&run->error, ENROLL_CONFIGURATION, "", "cannot read the PIN file %s: %s", path,
                            strerror(number));
}

enum enroll_exit run_pin_read(struct run *run, enum option_id option, const char *prompt, bool twice,
                              char **ret_pin)
{
    const char *path = run->line.values[option];
    char *pin = NULL;
    *ret_pin = NULL;
    if (!path)
        return ENROLL_OK;
    enum enroll_exit status =
        strcmp(path, "-") == 0 ? pin_asked(run, prompt, twice, &pin) : pin_from_file(run, path, &pin);
    if (status != ENROLL_OK)
        return status;
    if (!pin)
        return enroll_error_memory(&run->error);
    if (strlen(pin) < TPM_PIN_MIN || strlen(pin) > TPM_PIN_MAX) {
        run_pin_free(pin);
        return enroll_error_set(&run->error, ENROLL_CONFIGURATION, "", "a PIN has %d to %d characters",
                                TPM_PIN_MIN, TPM_PIN_MAX);
    }
    *ret_pin = pin;
    return ENROLL_OK;
}

void run_pin_free(char *pin)
{
    if (!pin)
        return;
    OPENSSL_cleanse(pin, strlen(pin));
    free(pin);
}

const char *run_persistence(struct run *run)
{
    const char *configured =
        run->configuration ? keyfile_get(run->configuration, "enroll", "persistent") : NULL;
    if (run->line.given[OPTION_PERSISTENT] && run->line.given[OPTION_NO_PERSISTENT]) {
        enroll_error_set(&run->error, ENROLL_USAGE, "",
                         "--persistent and --no-persistent contradict each other");
        return NULL;
    }
    if (run->line.given[OPTION_PERSISTENT])
        return "yes";
    if (run->line.given[OPTION_NO_PERSISTENT])
        return "no";
    if (!configured || !configured[0] || strcmp(configured, "auto") == 0)
        return "auto";
    if (strcmp(configured, "yes") == 0 || strcmp(configured, "no") == 0)
        return configured;
    enroll_error_set(&run->error, ENROLL_CONFIGURATION, "",
                     "persistent in [enroll] of %s is yes, no or auto, not %s", configuration_path(),
                     configured);
    return NULL;
}
