#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "certificate.h"
#include "generation.h"
#include "key_trial.h"
#include "public_key.h"
#include "registration.h"
#include "run.h"
#include "tpm_error.h"
#include "verify_module.h"

/* Adds a line. The advice goes with what is not well. */
static void check(struct run *run, const char *name, enum report_outcome outcome, const char *advice,
                  const char *format, ...) __attribute__((format(printf, 5, 6)));

static void check(struct run *run, const char *name, enum report_outcome outcome, const char *advice,
                  const char *format, ...)
{
    va_list arguments;
    if (run->report.check_count == REPORT_CHECKS_MAX)
        return;
    struct report_check *added = &run->report.checks[run->report.check_count++];
    added->name = name;
    added->outcome = outcome;
    va_start(arguments, format);
    vsnprintf(added->text, sizeof(added->text), format, arguments);
    va_end(arguments);
    if (outcome != CHECK_OK)
        snprintf(added->advice, sizeof(added->advice), "%s", advice);
}

/* Whether root or this user owns it and nobody else may write to it; else the check has failed. */
static bool owned_check(struct run *run, const char *path, const struct stat *status)
{
    if (status->st_uid != 0 && status->st_uid != geteuid()) {
        check(run, "permissions", CHECK_FAILED, "chown root: whoever owns the token can exchange it",
              "%s belongs to another user (uid %u)", path, (unsigned)status->st_uid);
        return false;
    }
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        check(run, "permissions", CHECK_FAILED,
              "chmod go-w it: whoever may write there can exchange the token", "others may write to %s",
              path);
        return false;
    }
    return true;
}

static void permissions_check(struct run *run)
{
    static const char *const names[] = {"",
                                        "/generations",
                                        "/current/",
                                        "/current/token.conf",
                                        "/current/device.key",
                                        "/current/device.crt",
                                        "/current/chain.crt"};
    struct stat status;
    char path[PATH_MAX + 32];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", run->token_directory, names[i]);
        if (stat(path, &status) == 0) {
            if (!owned_check(run, path, &status))
                return;
        } else if (i == 0 || errno != ENOENT) {
            check(run, "permissions", CHECK_FAILED, "", "%s: %s", path, strerror(errno));
            return;
        }
    }
    snprintf(path, sizeof(path), "%s/" ENROLLMENT_FILE, run->token_directory);
    if (stat(path, &status) == 0 && (status.st_mode & 077)) {
        check(run, "permissions", CHECK_WARNING, "chmod 600 that file", "%s is open to others", path);
        return;
    }
    check(run, "permissions", CHECK_OK, "", "%s is writable for its owner alone", run->token_directory);
}

static void enrollment_check(struct run *run)
{
    if (run->report.record)
        check(run, "enrolment", CHECK_OK, "", "with %s",
              record_get(&run->enrolled.record, RECORD_SERVICE_URL)
                  ? record_get(&run->enrolled.record, RECORD_SERVICE_URL)
                  : "an unnamed server");
    else
        check(run, "enrolment", geteuid() == 0 ? CHECK_FAILED : CHECK_SKIPPED,
              geteuid() == 0 ? "it cannot be renewed: enrol again with --replace"
                             : "run as the user who enrolled to check this",
              ENROLLMENT_FILE " cannot be read");
    if (run->enrolled.state.failed_at)
        check(run, "last-renewal", CHECK_WARNING, "try intune-enroll renew --force", "failed: %.200s",
              run->enrolled.state.message);
}

static void dates_check(struct run *run)
{
    char text[32];
    struct certificate_facts facts;
    time_t now = time(NULL);
    const struct token_certificate *certificate = &run->enrolled.generation->certificate;
    if (!run->enrolled.generation->has_certificate ||
        !certificate_facts_read(certificate->value.data, certificate->value.size, &facts)) {
        check(run, "certificate", CHECK_FAILED, "enrol again with --replace",
              "there is none that can be read");
        return;
    }
    report_time(facts.not_after, text, sizeof(text));
    if (facts.not_after <= now)
        check(run, "certificate", CHECK_FAILED, "enrol again with intune-enroll enroll --replace",
              "expired at %s", text);
    else if (facts.not_before > now)
        check(run, "certificate", CHECK_FAILED, "check this machine's clock", "not valid yet");
    else if (enrolled_renewal_due(run->enrolled.generation, run->report.record) + 2 * 86400 < now)
        check(run, "certificate", CHECK_WARNING,
              "enable intune-enroll-renew.timer, or run intune-enroll renew",
              "valid until %s, and its renewal is overdue", text);
    else
        check(run, "certificate", CHECK_OK, "", "valid until %s", text);
    certificate_facts_free(&facts);
}

static bool bytes_equal(const struct token_bytes *one, const struct token_bytes *other)
{
    return one->size == other->size && memcmp(one->data, other->data, one->size) == 0;
}

static void match_check(struct run *run)
{
    struct token_bytes info = {0};
    const struct token_generation *generation = run->enrolled.generation;
    bool matches = public_key_info_encode(&generation->key.public_key, &info) &&
                   bytes_equal(&info, &generation->public_key_info) &&
                   bytes_equal(&info, &generation->certificate.public_key_info);
    free(info.data);
    check(run, "certificate-matches", matches ? CHECK_OK : CHECK_FAILED, "enrol again with --replace", "%s",
          matches ? "the certificate is for the key in the TPM" : "the certificate is for another key");
}

/* Each certificate is signed by the next. */
static void chain_check(struct run *run)
{
    const struct token_generation *generation = run->enrolled.generation;
    bool good = true;
    if (generation->chain_count == 0) {
        check(run, "chain", CHECK_WARNING, "servers that know only the root will not accept the certificate",
              "the server sent no issuing certificates");
        return;
    }
    for (size_t i = 0; good && i < generation->chain_count; i++) {
        const struct token_bytes *below =
            i == 0 ? &generation->certificate.value : &generation->chain[i - 1].value;
        const unsigned char *cursor = below->data, *above_cursor = generation->chain[i].value.data;
        X509 *x509 = d2i_X509(NULL, &cursor, (long)below->size);
        X509 *issuer = d2i_X509(NULL, &above_cursor, (long)generation->chain[i].value.size);
        good = x509 && issuer && X509_verify(x509, X509_get0_pubkey(issuer)) == 1 &&
               X509_cmp_current_time(X509_get0_notAfter(issuer)) > 0;
        X509_free(issuer);
        X509_free(x509);
    }
    check(run, "chain", good ? CHECK_OK : CHECK_FAILED, "enrol again with --replace",
          "%zu issuing certificate%s%s", generation->chain_count, generation->chain_count == 1 ? "" : "s",
          good ? "" : ", not all valid");
}

static void pin_missing(struct run *run)
{
    check(run, "key-signs", CHECK_SKIPPED, "give --pin-file to check this", "the key has a PIN");
}

/* Sets *ret_socket when the TPM is not for this user, and is reached through the socket: the key is to be
 * tried there. */
static void tpm_check(struct run *run, const char *pin, bool *ret_socket)
{
    struct enroll_error words;
    struct tpm_lockout lockout;
    const struct tpm_key *key = &run->enrolled.generation->key;
    enum tpm_status status = tpm_lockout_read(run->tpm, &lockout);

    *ret_socket = status == TPM_PERMISSION && registration_uses_socket();
    if (*ret_socket) {
        check(run, "tpm", CHECK_SKIPPED, "",
              "not open to this user, who reaches the token through intune-tpm.socket");
        return;
    }
    if (status != TPM_OK) {
        install_tpm_error(&words, run->tpm, status, run->tcti);
        check(run, "tpm", CHECK_FAILED, words.advice, "%.200s", words.message);
        return;
    }
    check(run, "tpm", lockout.locked ? CHECK_FAILED : CHECK_OK,
          "wait, or clear it with tpm2_dictionarylockout", "reachable%s",
          lockout.locked ? ", but in lock-out" : "");
    if (key->has_pin && !pin) {
        pin_missing(run);
        return;
    }
    status = key_trial(run->tpm, key, pin);
    install_tpm_error(&words, run->tpm, status, "the key does not sign");
    if (status == TPM_OK)
        check(run, "key-signs", CHECK_OK, "", "the TPM signs with the key");
    else
        check(run, "key-signs", CHECK_FAILED, words.advice, "%.200s", words.message);
}

#define RESIDENT_MAX 64

static void resident_check(struct run *run)
{
    const struct tpm_key *key = &run->enrolled.generation->key;
    size_t count = 0;
    bool there = false;
    if (key->persistent_handle == 0) {
        check(run, "key-resident", CHECK_OK, "", "no, by choice; the TPM loads it for each signature");
        return;
    }
    struct tpm_resident *list = calloc(RESIDENT_MAX, sizeof(*list));
    if (!list || tpm_resident_list(run->tpm, list, RESIDENT_MAX, &count) != TPM_OK) {
        check(run, "key-resident", CHECK_SKIPPED, "", "the TPM does not say");
        free(list);
        return;
    }
    for (size_t i = 0; i < count; i++)
        there = there || (list[i].handle == key->persistent_handle &&
                          public_key_equal(&list[i].public_key, &key->public_key));
    free(list);
    check(run, "key-resident", there ? CHECK_OK : CHECK_WARNING,
          "signatures work and take longer; renewal (intune-enroll renew --force) puts it back",
          there ? "at 0x%08x" : "no longer at 0x%08x", (unsigned)key->persistent_handle);
}

/* What was tried in the place of tpm_check(). */
static void key_check(struct run *run, const struct verify_module_trial *trial,
                      const struct verify_module_result *result)
{
    if (result->tried)
        check(run, "key-signs", result->signs ? CHECK_OK : CHECK_FAILED,
              "run intune-enroll verify as root: it asks the TPM itself", "%s", result->signs_text);
    else if (run->enrolled.generation->key.has_pin && !trial->pin)
        pin_missing(run);
    else
        check(run, "key-signs", CHECK_SKIPPED, "", "the key does not show through p11-kit");
}

static void module_checks(struct run *run, const struct verify_module_trial *trial)
{
    struct verify_module_result result;
    /* The applications' way: through p11-kit, as this user. */
    if (!run->report.default_directory && setenv("INTUNE_TPM_TOKEN_DIR", run->token_directory, 1))
        return;
    verify_module_look(run->enrolled.generation, trial, &result);
    if (trial->sign)
        key_check(run, trial, &result);
    check(run, "module", result.found ? CHECK_OK : CHECK_FAILED,
          "run intune-enroll register, or install intune-tpm.module", "%s", result.module_text);
    if (!result.found)
        return;
    check(run, "token-visible", result.visible ? CHECK_OK : CHECK_FAILED,
          "look at INTUNE_TPM_TOKEN_DIR, and, where p11-kit uses the socket, at intune-tpm.socket and the "
          "group intune-tpm",
          "%s", result.token_text);
}

static void registration_checks(struct run *run)
{
    static const enum report_outcome outcomes[] = {
        [REGISTRATION_GOOD] = CHECK_OK,
        [REGISTRATION_ABSENT] = CHECK_SKIPPED,
        [REGISTRATION_OTHER] = CHECK_WARNING,
        [REGISTRATION_BROKEN] = CHECK_FAILED,
    };
    struct registration_result results[REGISTRATION_RESULTS];
    size_t count = registration_inspect(run->enrolled.generation, results);

    for (size_t i = 0; i < count; i++)
        check(run, results[i].name, outcomes[results[i].state], results[i].advice, "%s", results[i].text);
}

static enum enroll_exit verify(struct run *run)
{
    char *pin;
    struct verify_module_trial trial = {0};
    enum enroll_exit status = run_token_read(run);
    if (status != ENROLL_OK)
        return status;
    status = run_pin_read(run, OPTION_PIN_FILE, "PIN of the key", false, &pin);
    if (status != ENROLL_OK)
        return status;
    check(run, "token", CHECK_OK, "", "generation %lu in %s is whole", run->enrolled.generation->number,
          run->token_directory);
    permissions_check(run);
    enrollment_check(run);
    dates_check(run);
    if (run->enrolled.generation->has_certificate)
        match_check(run);
    chain_check(run);
    trial.pin = pin;
    tpm_check(run, pin, &trial.sign);
    resident_check(run);
    module_checks(run, &trial);
    run_pin_free(pin);
    registration_checks(run);
    for (size_t i = 0; i < run->report.check_count; i++) {
        if (run->report.checks[i].outcome == CHECK_FAILED)
            status = ENROLL_UNHEALTHY;
    }
    return status;
}

int command_verify(int argc, char **argv)
{
    struct run run;
    int exit_status;
    if (!run_begin(COMMAND_VERIFY, argc, argv, false, &run, &exit_status))
        return exit_status;
    enum enroll_exit status = verify(&run);
    /* In text the checks are the whole answer. */
    if (!run.line.given[OPTION_JSON]) {
        run.report.generation = NULL;
        run.report.state = NULL;
    }
    return run_end(&run, status);
}
