#include "enrolled.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "certificate.h"
#include "directory.h"
#include "generation.h"
#include "names.h"

#define CLOCK_SKEW        300           /* seconds */
#define CHECK_IN_FILE_MAX (1024 * 1024) /* bytes; a service may have hundreds of rules */

void enrolled_complete(const char *path)
{
    struct install_directory directory;
    struct enroll_error ignored;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool pending = fd >= 0 && install_pending_exists(fd);
    if (fd >= 0)
        close(fd);
    if (!pending || install_directory_open(path, false, 0, &directory, &ignored) != ENROLL_OK)
        return;
    (void)!install_switch_complete(&directory, &ignored);
    install_directory_close(&directory);
}

static enum enroll_exit generation_read(const char *directory, struct token_generation **ret_generation,
                                        struct enroll_error *ret_error)
{
    char why[256] = "";
    switch (token_generation_read(directory, ret_generation, why, sizeof(why))) {
    case TOKEN_OK:
        return ENROLL_OK;
    case TOKEN_ABSENT:
        return enroll_error_set(ret_error, ENROLL_NOT_ENROLLED, "run intune-enroll enroll USER@DOMAIN",
                                "there is no enrolment in %s", directory);
    case TOKEN_MALFORMED:
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY,
                                "enrol again with intune-enroll enroll --replace",
                                "the token in %s is damaged: %s", directory, why);
    default:
        return enroll_error_set(ret_error, ENROLL_TOKEN_DIRECTORY, "check the permissions of the directory",
                                "the token in %s cannot be read: %s", directory, why);
    }
}

static void check_in_read(int fd, struct record *ret_record)
{
    size_t size;
    char *text = install_file_read(fd, NAME_CHECK_IN, CHECK_IN_FILE_MAX, &size);
    if (text == NULL || !record_parse(text, size, ret_record))
        *ret_record = (struct record){0};
    free(text);
}

enum enroll_exit enrolled_read(const char *directory, struct enrolled *ret_enrolled,
                               struct enroll_error *ret_error)
{
    struct enroll_error ignored;
    enrolled_complete(directory);
    *ret_enrolled = (struct enrolled){0};
    enum enroll_exit status = generation_read(directory, &ret_enrolled->generation, ret_error);
    if (status != ENROLL_OK)
        return status;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ENROLL_OK;
    ret_enrolled->has_record = enrollment_read(fd, directory, &ret_enrolled->record, &ignored) == ENROLL_OK;
    if (ret_enrolled->has_record) {
        enrollment_state_read(fd, &ret_enrolled->state);
        check_in_read(fd, &ret_enrolled->check_in);
    }
    close(fd);
    return ENROLL_OK;
}

void enrolled_clear(struct enrolled *enrolled)
{
    token_generation_free(enrolled->generation);
    record_clear(&enrolled->record);
    record_clear(&enrolled->check_in);
    *enrolled = (struct enrolled){0};
}

static bool facts_read(const struct token_generation *generation, struct certificate_facts *ret_facts)
{
    return generation != NULL && generation->has_certificate &&
           certificate_facts_read(generation->certificate.value.data, generation->certificate.value.size,
                                  ret_facts);
}

bool enrolled_valid(const struct enrolled *enrolled)
{
    struct certificate_facts facts;
    time_t now = time(NULL);
    if (!facts_read(enrolled->generation, &facts))
        return false;
    bool valid = facts.not_before <= now + CLOCK_SKEW && now < facts.not_after;
    certificate_facts_free(&facts);
    return valid;
}

time_t enrolled_renewal_due(const struct token_generation *generation, const struct record *record)
{
    struct certificate_facts facts;
    if (!facts_read(generation, &facts))
        return 0;
    unsigned period = record != NULL ? (unsigned)record_number(record, RECORD_PERIOD, 0) : 0;
    time_t issued_at = record != NULL ? enrollment_issued_at(record) : 0;
    time_t due =
        enrollment_renewal_time(facts.not_before, facts.not_after, issued_at, period, generation->serial);
    certificate_facts_free(&facts);
    return due;
}

enum tpm_status enrolled_key_probe(const struct enrolled *enrolled, struct tpm *tpm, const char *directory,
                                   struct enroll_error *ret_error)
{
    enum tpm_status status = tpm_key_probe(tpm, &enrolled->generation->key);
    if (status == TPM_WRONG_KEY)
        enroll_error_set(
            ret_error, ENROLL_KEY_LOST, "enrol again with intune-enroll enroll --replace",
            "this TPM does not have the key of the token in %s: the TPM was cleared or exchanged, "
            "or the files come from another machine",
            directory);
    return status;
}
