#include "commands.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "directory.h"
#include "generation.h"
#include "run.h"
#include "tpm_error.h"

struct change {
    struct run *run;
    struct install_directory directory;
    char *pin, *new_pin;
};

/* Asks where a file was not named. */
static enum enroll_exit pins_read(struct change *change)
{
    struct run *run = change->run;
    bool take_away = run->line.given[OPTION_NO_PIN];
    if (take_away && run->line.given[OPTION_NEW_PIN_FILE])
        return enroll_error_set(&run->error, ENROLL_USAGE, "",
                                "--no-pin and --new-pin-file contradict each other");
    if (!run->line.values[OPTION_PIN_FILE])
        run->line.values[OPTION_PIN_FILE] = "-";
    if (!run->line.values[OPTION_NEW_PIN_FILE] && !take_away)
        run->line.values[OPTION_NEW_PIN_FILE] = "-";
    enum enroll_exit status = run_pin_read(run, OPTION_PIN_FILE, "Present PIN", false, &change->pin);
    if (status == ENROLL_OK && !take_away)
        status = run_pin_read(run, OPTION_NEW_PIN_FILE, "New PIN", true, &change->new_pin);
    return status;
}

static enum enroll_exit derive_error(struct run *run)
{
    return enroll_error_set(&run->error, ENROLL_FAILED, "", "the PIN cannot be turned into an authorization");
}

/* The same key with another authorization, wrapped anew by the TPM. */
static enum enroll_exit key_change(struct change *change, struct tpm_key *ret_key)
{
    struct run *run = change->run;
    const struct tpm_key *key = &run->enrolled.generation->key;
    struct tpm_auth auth, new_auth;
    struct tpm_lockout lockout;
    uint8_t salt[TPM_PIN_SALT_SIZE];
    enum tpm_status status;

    if (!tpm_auth_derive((const uint8_t *)change->pin, strlen(change->pin), key->pin_salt, &auth))
        return derive_error(run);
    if (change->new_pin &&
        (RAND_bytes(salt, sizeof salt) <= 0 ||
         !tpm_auth_derive((const uint8_t *)change->new_pin, strlen(change->new_pin), salt, &new_auth))) {
        OPENSSL_cleanse(&auth, sizeof auth);
        return derive_error(run);
    }
    status = tpm_key_change_auth(run->tpm, key, &auth, change->new_pin ? &new_auth : NULL,
                                 change->new_pin ? salt : NULL, ret_key);
    OPENSSL_cleanse(&auth, sizeof auth);
    OPENSSL_cleanse(&new_auth, sizeof new_auth);
    if (status == TPM_OK)
        return ENROLL_OK;
    install_tpm_error(&run->error, run->tpm, status, "the PIN was not changed");
    if (status == TPM_AUTH_FAILED && tpm_lockout_read(run->tpm, &lockout) == TPM_OK)
        snprintf(run->error.advice, sizeof run->error.advice,
                 "that was failure %u of %u before the TPM locks", (unsigned)lockout.failures,
                 (unsigned)lockout.max_failures);
    return run->error.exit_status;
}

static enum enroll_exit generation_install(struct change *change)
{
    struct run *run = change->run;
    unsigned long number;
    enum enroll_exit status =
        install_generation_write(&change->directory, run->enrolled.generation, &number, &run->error);
    if (status == ENROLL_OK)
        status = install_generation_switch(&change->directory, number, &run->error);
    if (status == ENROLL_OK)
        run->enrolled.generation->number = number;
    return status;
}

static enum enroll_exit change_pin(struct change *change)
{
    struct run *run = change->run;
    struct install_recovery recovery;
    struct tpm_key key;

    unsigned wait = 0;
    if (run->line.given[OPTION_WAIT] && !command_line_number(&run->line, OPTION_WAIT, 0, 86400, &wait))
        return enroll_error_set(&run->error, ENROLL_USAGE, "", "--wait is not a number of seconds");
    enum enroll_exit status =
        install_directory_open(run->token_directory, false, wait, &change->directory, &run->error);
    if (status == ENROLL_OK)
        status = run_token_read(run);
    if (status != ENROLL_OK)
        return status;
    if (!run->enrolled.generation->key.has_pin)
        return enroll_error_set(&run->error, ENROLL_USAGE,
                                "enrol again: intune-enroll enroll --replace --pin-file FILE",
                                "this key was made without a PIN, and such a key cannot get one later");
    bool was_resident = run->enrolled.generation->key.persistent_handle != 0;
    status = pins_read(change);
    if (status == ENROLL_OK)
        status = key_change(change, &key);
    if (status != ENROLL_OK)
        return status;
    /*
     * First a generation that uses the new wrapped key, then the resident copy is exchanged, then a
     * generation that names it: stopped at any point, the token works with one PIN, the old or the new.
     */
    run->enrolled.generation->key = key;
    run->enrolled.generation->key.persistent_handle = 0;
    status = generation_install(change);
    if (status == ENROLL_OK)
        status = install_recover(&change->directory, run->tpm, RECOVER_NO_PREVIOUS, &recovery, &run->error);
    if (status == ENROLL_OK && was_resident &&
        tpm_key_persist(run->tpm, &run->enrolled.generation->key,
                        &run->enrolled.generation->key.persistent_handle) == TPM_OK)
        status = generation_install(change);
    if (status == ENROLL_OK)
        status = install_recover(&change->directory, run->tpm, RECOVER_NO_PREVIOUS, &recovery, &run->error);
    if (status == ENROLL_OK)
        run->report.action = change->new_pin ? "pin-changed" : "pin-removed";
    return status;
}

int command_pin(int argc, char **argv)
{
    struct run run;
    struct change change = {.run = &run, .directory = {.fd = -1}};
    int exit_status;
    if (!run_begin(COMMAND_PIN, argc, argv, false, &run, &exit_status))
        return exit_status;
    exit_status = run_end(&run, change_pin(&change));
    install_directory_close(&change.directory);
    run_pin_free(change.pin);
    run_pin_free(change.new_pin);
    return exit_status;
}
