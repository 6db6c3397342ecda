#include "issuance.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "certificate.h"
#include "generation.h"
#include "key_choice.h"
#include "signing_key.h"
#include "public_key.h"
#include "request.h"
#include "tpm_error.h"

struct issuance {
    struct issuance_options options;
    struct token_generation *generation;
    bool kept; /* pending/ is to stay, or is not there */
};

struct issuance *issuance_new(const struct issuance_options *options)
{
    struct issuance *issuance = calloc(1, sizeof *issuance);
    if (issuance)
        *issuance = (struct issuance){.options = *options, .kept = true};
    return issuance;
}

enum issuance_persistence issuance_persistence_of(const char *text)
{
    if (text && strcmp(text, "yes") == 0)
        return PERSISTENT_YES;
    return text && strcmp(text, "no") == 0 ? PERSISTENT_NO : PERSISTENT_AUTO;
}

static void note(const struct issuance *issuance, bool warning, const char *text)
{
    if (issuance->options.note)
        issuance->options.note(issuance->options.note_context, warning, text);
}

static void version_bytes(const struct tpm_facts *facts, struct token_generation *generation)
{
    /* CK_VERSION has a byte each; chips put "major.minor" into the halves of the first word (part 2, 6.13).
     */
    uint32_t major = facts->firmware_1 >> 16, minor = facts->firmware_1 & 0xffff;
    generation->firmware_major = (uint8_t)(major > 255 ? 255 : major);
    generation->firmware_minor = (uint8_t)(minor > 255 ? 255 : minor);
}

/* Names that stay the same over renewals, so that URIs and OpenVPN's --pkcs11-id keep working. */
static bool names_set(const struct issuance_options *options, struct token_generation *generation)
{
    uint8_t hash[PUBLIC_KEY_HASH_SIZE];
    const struct token_generation *previous = options->previous;
    snprintf(generation->manufacturer, sizeof generation->manufacturer, "%s", options->facts->manufacturer);
    snprintf(generation->model, sizeof generation->model, "%s", options->facts->model);
    version_bytes(options->facts, generation);
    if (previous) {
        memcpy(generation->label, previous->label, sizeof generation->label);
        memcpy(generation->serial, previous->serial, sizeof generation->serial);
        memcpy(generation->object_label, previous->object_label, sizeof generation->object_label);
        memcpy(generation->id, previous->id, sizeof generation->id);
        generation->id_size = previous->id_size;
        return true;
    }
    if (!public_key_info_hash(generation->public_key_info.data, generation->public_key_info.size, hash))
        return false;
    snprintf(generation->label, sizeof generation->label, "%s",
             options->label ? options->label : ISSUANCE_LABEL);
    snprintf(generation->object_label, sizeof generation->object_label, "%s", ISSUANCE_OBJECT_LABEL);
    for (size_t i = 0; i < TOKEN_SERIAL_MAX / 2; i++)
        snprintf(generation->serial + 2 * i, 3, "%02x", hash[i]);
    memcpy(generation->id, hash, sizeof hash);
    generation->id_size = sizeof hash;
    return true;
}

/*
 * The operator's choice; at renewal without one, the same kind of key as before, unless the policy asks for
 * another. Where the server gives no policy the old key is the only sign of what it takes.
 */
static struct key_choice key_wanted(const struct issuance_options *options,
                                    const struct certificate_requirements *requirements)
{
    if (options->key.chosen || !options->keep_key_kind || !options->previous)
        return options->key;
    const struct tpm_public_key *old = &options->previous->key.public_key;
    const struct key_choice as_before = {
        .chosen = true, .type = old->type, .bits = old->bits, .curve = old->curve};
    bool fits = old->type == requirements->key_type &&
                (old->type == TPM_KEY_EC ? old->curve == requirements->curve
                                         : old->bits >= requirements->minimum_bits);
    return !requirements->from_policy || fits ? as_before : options->key;
}

static enum enroll_exit key_make(struct issuance *issuance,
                                 const struct certificate_requirements *requirements,
                                 struct enroll_error *error)
{
    const struct issuance_options *options = &issuance->options;
    struct tpm_key_request request;
    struct tpm_auth auth;
    uint8_t salt[TPM_PIN_SALT_SIZE];
    char text[96], name[16];

    const struct key_choice wanted = key_wanted(options, requirements);
    enum enroll_exit status = key_choice_decide(&wanted, requirements, options->facts, &request, error);
    if (status != ENROLL_OK)
        return status;
    request.may_persist = options->persistence != PERSISTENT_NO;
    if (options->pin && (RAND_bytes(salt, sizeof salt) <= 0 ||
                         !tpm_auth_derive((const uint8_t *)options->pin, strlen(options->pin), salt, &auth)))
        return enroll_error_set(error, ENROLL_USAGE, "", "a PIN has %d to %d characters", TPM_PIN_MIN,
                                TPM_PIN_MAX);
    public_key_name(
        &(struct tpm_public_key){.type = request.type, .bits = request.bits, .curve = request.curve}, name,
        sizeof name);
    snprintf(text, sizeof text, "making the key (%s) in the TPM", name);
    note(issuance, false, text);
    enum tpm_status made = tpm_key_create(options->tpm, &request, options->pin ? &auth : NULL,
                                          options->pin ? salt : NULL, &issuance->generation->key);
    OPENSSL_cleanse(&auth, sizeof auth);
    if (made != TPM_OK)
        return install_tpm_error(error, options->tpm, made, "the TPM did not make the key");
    return ENROLL_OK;
}

static enum enroll_exit request_sign(struct issuance *issuance,
                                     const struct certificate_requirements *requirements,
                                     const char *common_name, uint8_t **ret_request, size_t *ret_size,
                                     struct enroll_error *error)
{
    const struct issuance_options *options = &issuance->options;
    struct signing_key *key;
    enum enroll_exit status =
        signing_key_open(options->tpm, &issuance->generation->key, options->pin, &key, error);
    if (status != ENROLL_OK)
        return status;
    const struct install_request request = {.key = signing_key_pkey(key),
                                            .device_id = common_name,
                                            .requirements = requirements,
                                            .extensions = options->request_extensions};
    note(issuance, false, "signing the certificate request in the TPM");
    status = install_request_make(&request, ret_request, ret_size, error);
    if (status != ENROLL_OK && signing_key_failure(key) != NULL)
        status =
            enroll_error_set(error, ENROLL_TPM, "check the TPM with intune-enroll verify",
                             "the TPM did not sign the certificate request: %s", signing_key_failure(key));
    signing_key_close(key);
    return status;
}

enum enroll_exit issuance_request(struct issuance *issuance,
                                  const struct certificate_requirements *requirements,
                                  const char *common_name, uint8_t **ret_request, size_t *ret_size,
                                  struct enroll_error *ret_error)
{
    issuance->generation = calloc(1, sizeof *issuance->generation);
    if (!issuance->generation)
        return enroll_error_memory(ret_error);
    enum enroll_exit status = key_make(issuance, requirements, ret_error);
    if (status != ENROLL_OK)
        return status;
    struct token_generation *generation = issuance->generation;
    if (!public_key_info_encode(&generation->key.public_key, &generation->public_key_info) ||
        !names_set(&issuance->options, generation))
        return enroll_error_set(ret_error, ENROLL_TPM, "",
                                "the public key that the TPM made is not a usable one");
    /* On disk before the TPM keeps it: whatever happens to this run, the next one knows the key. */
    issuance->kept = false;
    status =
        install_pending_write(issuance->options.directory, generation, issuance->options.record, ret_error);
    if (status != ENROLL_OK)
        return status;
    return request_sign(issuance, requirements, common_name, ret_request, ret_size, ret_error);
}

enum enroll_exit issuance_resume(struct issuance *issuance, struct enroll_error *ret_error)
{
    char path[PATH_MAX], why[256] = "";
    const struct install_directory *directory = issuance->options.directory;
    if (!install_pending_path(directory, path, sizeof path) ||
        token_generation_read(path, &issuance->generation, why, sizeof why) != TOKEN_OK)
        return enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, "start a new one with intune-enroll enroll",
                                "there is no request to take up again in %s%s%s", directory->path,
                                why[0] ? ": " : "", why);
    return ENROLL_OK;
}

static enum enroll_exit key_persist(struct issuance *issuance, struct enroll_error *error)
{
    const struct issuance_options *options = &issuance->options;
    struct tpm_key *key = &issuance->generation->key;
    char text[256];
    if (options->persistence == PERSISTENT_NO)
        return ENROLL_OK;
    note(issuance, false, "making the key resident in the TPM");
    enum tpm_status status = tpm_key_persist(options->tpm, key, &key->persistent_handle);
    if (status == TPM_OK)
        return ENROLL_OK;
    key->persistent_handle = 0;
    bool denied = status == TPM_HIERARCHY_DENIED || status == TPM_AUTH_FAILED || status == TPM_NO_SPACE;
    if (options->persistence == PERSISTENT_YES || !denied)
        return install_tpm_error(error, options->tpm, status,
                                 "the key could not be made resident in the TPM");
    snprintf(text, sizeof text,
             "the key is not made resident (%s): signatures take three TPM commands instead of one",
             tpm_status_text(status));
    note(issuance, true, text);
    return ENROLL_OK;
}

/* After a failure: nothing of ours stays in the TPM. */
static void key_withdraw(struct issuance *issuance)
{
    struct tpm_key *key = &issuance->generation->key;
    if (key->persistent_handle == 0)
        return;
    if (tpm_key_evict(issuance->options.tpm, key) == TPM_OK)
        key->persistent_handle = 0;
    else
        issuance->kept = true; /* pending/ tells the next run */
}

enum enroll_exit issuance_install(struct issuance *issuance, const struct received_certificates *received,
                                  struct enroll_error *ret_error)
{
    const struct issuance_options *options = &issuance->options;
    struct install_recovery recovery;
    unsigned long number;

    enum enroll_exit status =
        install_certificate_choose(received, time(NULL), issuance->generation, ret_error);
    if (status != ENROLL_OK)
        return status;
    status = install_pending_update(options->directory, options->record, ret_error);
    if (status != ENROLL_OK)
        return status;
    issuance->kept = false;
    status = key_persist(issuance, ret_error);
    if (status == ENROLL_OK)
        status = install_generation_write(options->directory, issuance->generation, &number, ret_error);
    if (status == ENROLL_OK)
        status = install_generation_switch(options->directory, number, ret_error);
    if (status != ENROLL_OK) {
        key_withdraw(issuance);
        return status;
    }
    issuance->generation->number = number;
    /* The new token stands. What follows only tidies, and the next run does it again if it cannot be done
     * now. */
    issuance->kept = true;
    status = install_recover(options->directory, options->tpm, 0, &recovery, ret_error);
    if (status != ENROLL_OK)
        note(issuance, true, ret_error->message);
    return ENROLL_OK;
}

enum enroll_exit issuance_suspend(struct issuance *issuance, struct enroll_error *ret_error)
{
    enum enroll_exit status =
        install_pending_update(issuance->options.directory, issuance->options.record, ret_error);
    if (status == ENROLL_OK)
        issuance->kept = true;
    return status;
}

struct token_generation *issuance_generation_take(struct issuance *issuance)
{
    struct token_generation *generation = issuance->generation;
    issuance->generation = NULL;
    return generation;
}

void issuance_settle(struct issuance *issuance)
{
    /* Left behind in the worst case, it is the next run that removes it. */
    if (!issuance->kept && install_pending_discard(issuance->options.directory))
        note(issuance, true, "the directory pending/ could not be removed; the next run does it");
    issuance->kept = true;
}

void issuance_free(struct issuance *issuance)
{
    if (!issuance)
        return;
    issuance_settle(issuance);
    token_generation_free(issuance->generation);
    free(issuance);
}
