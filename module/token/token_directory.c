#include "token_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "encoding.h"
#include "file.h"
#include "token_conf.h"

#define CONF_SIZE_MAX        524288
#define CERTIFICATE_FILE_MAX 32768
#define CHAIN_FILE_MAX       524288
#define SWITCHES_FOLLOWED    8 /* how often a reader follows a switch that happens under it */

static bool has_current(const char *directory)
{
    uint8_t stamp[32];
    return token_generation_stamp(directory, stamp);
}

static bool fits(int length, size_t size)
{
    return length >= 0 && (size_t)length < size;
}

void token_places_read(struct token_places *ret_places)
{
    const char *named = secure_getenv("INTUNE_TPM_TOKEN_DIR");
    const char *data_home = secure_getenv("XDG_DATA_HOME");
    const char *home = secure_getenv("HOME");
    int length = 0;

    ret_places->named = named != NULL && named[0] != '\0';
    ret_places->own[0] = '\0';
    /* XDG Base Directory Specification: a relative path is to be ignored */
    if (ret_places->named)
        length = snprintf(ret_places->own, sizeof ret_places->own, "%s", named);
    else if (data_home != NULL && data_home[0] == '/')
        length = snprintf(ret_places->own, sizeof ret_places->own, "%s/intune-tpm", data_home);
    else if (home != NULL && home[0] == '/')
        length = snprintf(ret_places->own, sizeof ret_places->own, "%s/.local/share/intune-tpm", home);
    if (!fits(length, sizeof ret_places->own))
        ret_places->own[0] = '\0';
}

const char *token_places_find(const struct token_places *places)
{
    if (places->named)
        return places->own[0] != '\0' ? places->own : NULL;
    return places->own[0] != '\0' && has_current(places->own) ? places->own : TOKEN_SYSTEM_DIRECTORY;
}

bool token_directory_find(char *ret_path, size_t size)
{
    struct token_places places;

    token_places_read(&places);
    const char *found = token_places_find(&places);
    return found != NULL && fits(snprintf(ret_path, size, "%s", found), size);
}

bool token_generation_stamp(const char *directory, uint8_t ret_stamp[32])
{
    char path[4096];
    struct stat status;
    if (!fits(snprintf(path, sizeof path, "%s/current", directory), sizeof path) || stat(path, &status) != 0)
        return false;
    const uint64_t parts[4] = {status.st_dev, status.st_ino, (uint64_t)status.st_mtim.tv_sec,
                               (uint64_t)status.st_mtim.tv_nsec};
    memcpy(ret_stamp, parts, sizeof parts);
    return true;
}

static enum token_status __attribute__((format(printf, 4, 5)))
explain(enum token_status status, char *ret_why, size_t why_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_why, why_size, format, arguments);
    va_end(arguments);
    return status;
}

static enum token_status explain_errno(int error, const char *name, char *ret_why, size_t why_size)
{
    enum token_status status = error == ENOMEM                                        ? TOKEN_NO_MEMORY
                               : error == EACCES || error == EPERM                    ? TOKEN_DENIED
                               : error == ENOENT || error == EFBIG || error == EISDIR ? TOKEN_MALFORMED
                                                                                      : TOKEN_IO;
    char text[128];
    explain(status, ret_why, why_size, "%s: %s", name, strerror_r(error, text, sizeof text));
    errno = error;
    return status;
}

/* Reads the link and checks its form, generations/NUMBER. 0, or an errno value: EINVAL for another form. */
static int read_current(int directory, char *ret_target, size_t size, unsigned long *ret_number)
{
    ssize_t length = readlinkat(directory, "current", ret_target, size);
    if (length < 0)
        return errno;
    if ((size_t)length >= size)
        return EINVAL;
    ret_target[length] = '\0';
    const char *digits = ret_target + strlen("generations/");
    if (strncmp(ret_target, "generations/", strlen("generations/")) != 0 || digits[0] == '\0' ||
        strlen(digits) > 18 || strspn(digits, "0123456789") != strlen(digits))
        return EINVAL;
    *ret_number = strtoul(digits, NULL, 10);
    return 0;
}

/* Opens what `current` points to. A generation may go while we look: then `current` points elsewhere already.
 */
static int open_generation(int directory, int *ret_descriptor, unsigned long *ret_number)
{
    char target[64], before[64] = "";
    for (int i = 0; i < SWITCHES_FOLLOWED; i++) {
        int error = read_current(directory, target, sizeof target, ret_number);
        if (error != 0)
            return error;
        *ret_descriptor = openat(directory, target, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (*ret_descriptor >= 0)
            return 0;
        if (errno != ENOENT || strcmp(before, target) == 0)
            return errno == ENOENT ? EINVAL : errno;
        memcpy(before, target, sizeof before);
    }
    return EINVAL;
}

/* Takes the next certificate of a PEM text and compares it with the hash that token.conf has. */
static enum token_status take_certificate(const char **cursor, const char *end, const uint8_t *sha256,
                                          struct token_bytes *value)
{
    uint8_t hash[TOKEN_CONF_SHA256_SIZE];
    size_t capacity = (size_t)(end - *cursor) / 4 * 3; /* the text is longer than what it encodes */

    if (capacity > TOKEN_CERTIFICATE_MAX)
        capacity = TOKEN_CERTIFICATE_MAX;
    if (capacity == 0)
        return TOKEN_MALFORMED;
    value->data = malloc(capacity);
    if (value->data == NULL)
        return TOKEN_NO_MEMORY;
    if (!pem_certificate_next(cursor, end, value->data, capacity, &value->size))
        return TOKEN_MALFORMED;
    digest_compute(DIGEST_SHA256, value->data, value->size, hash);
    return memcmp(hash, sha256, sizeof hash) == 0 ? TOKEN_OK : TOKEN_MALFORMED;
}

/* Reads the `count` certificates of a file, which must hold exactly these. */
static enum token_status read_certificates(int directory, const char *name, size_t max_size,
                                           struct token_certificate *certificates, size_t count,
                                           uint8_t sha256[][TOKEN_CONF_SHA256_SIZE], char *ret_why,
                                           size_t why_size)
{
    char *text;
    size_t size;
    enum token_status status = TOKEN_OK;

    int error = file_read_at(directory, name, max_size, &text, &size);
    if (error != 0)
        return explain_errno(error, name, ret_why, why_size);
    const char *cursor = text;
    for (size_t i = 0; i < count && status == TOKEN_OK; i++)
        status = take_certificate(&cursor, text + size, sha256[i], &certificates[i].value);
    if (status == TOKEN_OK && cursor != text + size)
        status = TOKEN_MALFORMED;
    if (status == TOKEN_MALFORMED)
        explain(status, ret_why, why_size, "%s: not the certificates that token.conf describes", name);
    else if (status == TOKEN_NO_MEMORY)
        explain(status, ret_why, why_size, "memory is out");
    free(text);
    return status;
}

static enum token_status read_generation(int directory, struct token_generation **ret_generation,
                                         char *ret_why, size_t why_size)
{
    struct token_generation *generation = NULL;
    struct token_conf_hashes hashes;
    char *text;
    size_t size;

    int error = file_read_at(directory, "token.conf", CONF_SIZE_MAX, &text, &size);
    if (error != 0)
        return explain_errno(error, "token.conf", ret_why, why_size);
    enum token_status status = token_conf_parse(text, size, &generation, &hashes, ret_why, why_size);
    if (status == TOKEN_OK)
        generation->conf = (struct token_bytes){(uint8_t *)text, size};
    else
        free(text);
    if (status == TOKEN_OK && generation->has_certificate)
        status = read_certificates(directory, "device.crt", CERTIFICATE_FILE_MAX, &generation->certificate, 1,
                                   &hashes.sha256[0], ret_why, why_size);
    if (status == TOKEN_OK && generation->chain_count > 0)
        status = read_certificates(directory, "chain.crt", CHAIN_FILE_MAX, generation->chain,
                                   generation->chain_count, &hashes.sha256[1], ret_why, why_size);
    if (status == TOKEN_OK)
        *ret_generation = generation;
    else
        token_generation_free(generation);
    return status;
}

enum token_status token_generation_read(const char *directory, struct token_generation **ret_generation,
                                        char *ret_why, size_t why_size)
{
    char unread[1];
    unsigned long number = 0;
    int generation_descriptor = -1;
    enum token_status status;

    if (ret_why == NULL) {
        ret_why = unread;
        why_size = sizeof unread;
    }
    int descriptor = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR))
        return explain(TOKEN_ABSENT, ret_why, why_size, "%s is not there", directory);
    if (descriptor < 0)
        return explain_errno(errno, directory, ret_why, why_size);

    int error = open_generation(descriptor, &generation_descriptor, &number);
    if (error == ENOENT)
        status = explain(TOKEN_ABSENT, ret_why, why_size, "%s/current is not there", directory);
    else if (error == EINVAL)
        status = explain(TOKEN_MALFORMED, ret_why, why_size,
                         "%s/current does not point to a generation of this directory", directory);
    else if (error != 0)
        status = explain_errno(error, "current", ret_why, why_size);
    else
        status = read_generation(generation_descriptor, ret_generation, ret_why, why_size);
    if (status == TOKEN_OK)
        (*ret_generation)->number = number;
    if (generation_descriptor >= 0)
        close(generation_descriptor);
    close(descriptor);
    return status;
}

static void certificate_clear(struct token_certificate *certificate)
{
    free(certificate->value.data);
    free(certificate->subject.data);
    free(certificate->issuer.data);
    free(certificate->serial_number.data);
    free(certificate->public_key_info.data);
}

void token_generation_free(struct token_generation *generation)
{
    if (generation == NULL)
        return;
    free(generation->conf.data);
    free(generation->public_key_info.data);
    certificate_clear(&generation->certificate);
    for (size_t i = 0; i < TOKEN_CHAIN_MAX; i++)
        certificate_clear(&generation->chain[i]);
    free(generation);
}
