#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generation.h"
#include "names.h"
#include "private_key_pem.h"
#include "public_key.h"
#include "tpm_error.h"

#define RESIDENT_MAX 64

/* The key recorded at PATH/device.key below the directory. */
static bool key_read(int directory_fd, const char *path, struct tpm_key *ret_key)
{
    size_t size;
    int fd = openat(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    char *text = install_file_read(fd, NAME_KEY, PRIVATE_KEY_PEM_MAX, &size);
    close(fd);
    bool read = text && private_key_pem_parse(text, size, ret_key);
    free(text);
    return read;
}

/* What is resident in our range of handles; asked for once a recovery, and only when there is something to
 * compare. */
struct residents {
    struct tpm *tpm;
    bool asked;
    bool denied; /* the owner's authorization, set since the key was made resident, forbids to take one out */
    size_t count;
    struct tpm_resident list[RESIDENT_MAX];
};

static enum enroll_exit residents_ask(struct residents *residents, struct enroll_error *error)
{
    if (residents->asked)
        return ENROLL_OK;
    enum tpm_status status =
        tpm_resident_list(residents->tpm, residents->list, RESIDENT_MAX, &residents->count);
    if (status != TPM_OK)
        return install_tpm_error(error, residents->tpm, status, "cannot look for keys left in the TPM");
    residents->asked = true;
    return ENROLL_OK;
}

/*
 * Evicts every resident copy of the key, but the one at the handle `except` (0: none). Where the TPM's owner
 * does not allow it, residents->denied is set: the record of the key is then kept, for a day when it is
 * allowed.
 */
static enum enroll_exit key_evict(struct residents *residents, const struct tpm_public_key *public_key,
                                  uint32_t except, size_t *evicted, struct enroll_error *error)
{
    if (!residents->tpm)
        return ENROLL_OK;
    enum enroll_exit asked = residents_ask(residents, error);
    residents->denied = false;
    if (asked != ENROLL_OK)
        return asked;
    for (size_t i = 0; i < residents->count; i++) {
        if (residents->list[i].handle == except ||
            !public_key_equal(&residents->list[i].public_key, public_key))
            continue;
        enum tpm_status status = tpm_resident_evict(residents->tpm, &residents->list[i]);
        if (status == TPM_HIERARCHY_DENIED || status == TPM_AUTH_FAILED)
            residents->denied = true;
        else if (status != TPM_OK)
            return install_tpm_error(error, residents->tpm, status, "cannot take a key out of the TPM");
        else
            (*evicted)++;
    }
    return ENROLL_OK;
}

static int compare_numbers(const void *one, const void *other)
{
    const unsigned long a = *(const unsigned long *)one, b = *(const unsigned long *)other;
    return a < b ? 1 : a > b ? -1 : 0;
}

/* The numbers in generations/, highest first, malloc()ed; NULL with *ret_count 0 when there are none. */
static unsigned long *numbers_list(int directory_fd, size_t *ret_count)
{
    unsigned long *numbers = NULL, number;
    size_t count = 0, capacity = 0;
    int fd = openat(directory_fd, NAME_GENERATIONS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
    if (!listing && fd >= 0)
        close(fd);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (!name_is_generation(entry->d_name, &number))
            continue;
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 8;
            unsigned long *larger = reallocarray(numbers, capacity, sizeof *numbers);
            if (!larger)
                break;
            numbers = larger;
        }
        numbers[count++] = number;
    }
    if (listing)
        closedir(listing);
    if (numbers)
        qsort(numbers, count, sizeof *numbers, compare_numbers);
    *ret_count = count;
    return numbers;
}

static enum enroll_exit tree_remove(const struct install_directory *directory, const char *name,
                                    size_t *removed, struct enroll_error *error)
{
    if (faccessat(directory->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
        return ENROLL_OK;
    if (install_tree_remove(directory->fd, name))
        return install_file_error(error, directory, "remove", name);
    (*removed)++;
    return ENROLL_OK;
}

/*
 * The current key, with the handle that token.conf records; false when there is none. A second copy of it in
 * the TPM is what a change of the PIN leaves when it is interrupted.
 */
static bool current_read(const struct install_directory *directory, struct tpm_key *ret_key)
{
    struct token_generation *generation;
    if (token_generation_read(directory->path, &generation, NULL, 0) != TOKEN_OK)
        return false;
    *ret_key = generation->key;
    token_generation_free(generation);
    return true;
}

/*
 * Goes through the generations: every key but the current one leaves the TPM, and every directory goes but
 * the current one and the one before it. keep: the number of `current`; 0 takes all.
 */
static enum enroll_exit generations_clean(const struct install_directory *directory,
                                          struct residents *residents, unsigned long keep, bool keep_previous,
                                          struct install_recovery *recovery, struct enroll_error *error)
{
    enum enroll_exit status = ENROLL_OK;
    size_t count;
    struct tpm_key key, current;
    char path[64];
    bool has_current = keep && current_read(directory, &current);
    unsigned long *numbers = numbers_list(directory->fd, &count);

    for (size_t i = 0; status == ENROLL_OK && i < count; i++) {
        if (numbers[i] == keep)
            continue;
        snprintf(path, sizeof path, NAME_GENERATIONS "/%lu", numbers[i]);
        residents->denied = false;
        if (key_read(directory->fd, path, &key)) {
            bool same = has_current && public_key_equal(&key.public_key, &current.public_key);
            status = key_evict(residents, &key.public_key, same ? current.persistent_handle : 0,
                               &recovery->evicted, error);
        }
        if (status != ENROLL_OK)
            break;
        if (residents->denied)
            continue;
        if (keep_previous && numbers[i] < keep) {
            keep_previous = false;
            continue;
        }
        status = tree_remove(directory, path, &recovery->removed, error);
    }
    free(numbers);
    return status;
}

bool install_pending_exists(int directory_fd)
{
    return faccessat(directory_fd, NAME_PENDING, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum enroll_exit install_switch_complete(const struct install_directory *directory,
                                         struct enroll_error *ret_error)
{
    struct tpm_key key, current_key;
    unsigned long current = install_generation_current(directory);
    char path[64];
    snprintf(path, sizeof(path), NAME_GENERATIONS "/%lu", current);
    if (current == 0 || !key_read(directory->fd, NAME_PENDING "/" NAME_GENERATIONS "/1", &key) ||
        !key_read(directory->fd, path, &current_key) ||
        !public_key_equal(&key.public_key, &current_key.public_key))
        return ENROLL_OK;
    return install_pending_finish(directory, ret_error);
}

/* pending/: completes a switch that was made, else takes its key out of the TPM and removes it. */
static enum enroll_exit pending_clean(const struct install_directory *directory, struct residents *residents,
                                      unsigned long current, struct install_recovery *recovery,
                                      struct enroll_error *error)
{
    struct tpm_key key, current_key;
    char path[64];
    snprintf(path, sizeof path, NAME_GENERATIONS "/%lu", current);
    if (key_read(directory->fd, NAME_PENDING "/" NAME_GENERATIONS "/1", &key)) {
        if (current && key_read(directory->fd, path, &current_key) &&
            public_key_equal(&key.public_key, &current_key.public_key)) {
            recovery->finished = true;
            return install_pending_finish(directory, error);
        }
        enum enroll_exit status = key_evict(residents, &key.public_key, 0, &recovery->evicted, error);
        if (status != ENROLL_OK)
            return status;
    }
    return tree_remove(directory, NAME_PENDING, &recovery->removed, error);
}

enum enroll_exit install_recover(const struct install_directory *directory, struct tpm *tpm, unsigned flags,
                                 struct install_recovery *ret_recovery, struct enroll_error *ret_error)
{
    static const char *const leftovers[] = {NAME_PENDING_NEW, NAME_CURRENT_NEW, NAME_ENROLLMENT_NEW,
                                            NAME_STATE_NEW, NAME_CHECK_IN_NEW};
    struct install_recovery recovery = {0};
    struct record undecided;
    struct residents *residents = calloc(1, sizeof *residents);
    unsigned long current = install_generation_current(directory);
    enum enroll_exit status = ENROLL_OK;

    if (!residents)
        return enroll_error_memory(ret_error);
    residents->tpm = tpm;
    bool keep = (flags & RECOVER_KEEP_PENDING) && install_pending_undecided(directory, &undecided);
    if (keep)
        record_clear(&undecided);
    else
        status = pending_clean(directory, residents, current, &recovery, ret_error);
    if (status == ENROLL_OK)
        status = generations_clean(directory, residents, current, !(flags & RECOVER_NO_PREVIOUS), &recovery,
                                   ret_error);
    for (size_t i = 0; status == ENROLL_OK && i < sizeof leftovers / sizeof leftovers[0]; i++)
        status = tree_remove(directory, leftovers[i], &recovery.removed, ret_error);
    free(residents);
    if (status == ENROLL_OK)
        *ret_recovery = recovery;
    return status;
}

enum enroll_exit install_remove_all(const struct install_directory *directory, struct tpm *tpm,
                                    struct install_recovery *ret_recovery, struct enroll_error *ret_error)
{
    static const char *const names[] = {NAME_GENERATIONS, ENROLLMENT_FILE,  NAME_STATE,
                                        NAME_PENDING_NEW, NAME_CURRENT_NEW, NAME_ENROLLMENT_NEW,
                                        NAME_STATE_NEW,   NAME_CHECK_IN,    NAME_CHECK_IN_NEW};
    struct install_recovery recovery = {0};
    struct residents *residents = calloc(1, sizeof *residents);
    struct tpm_key key;
    enum enroll_exit status = ENROLL_OK;

    if (!residents)
        return enroll_error_memory(ret_error);
    residents->tpm = tpm;
    /* The keys first, while the files still say which they are; then the link, so that no half token is ever
     * shown. */
    size_t count;
    unsigned long *numbers = numbers_list(directory->fd, &count);
    for (size_t i = 0; status == ENROLL_OK && i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, NAME_GENERATIONS "/%lu", numbers[i]);
        if (key_read(directory->fd, path, &key))
            status = key_evict(residents, &key.public_key, 0, &recovery.evicted, ret_error);
        if (status == ENROLL_OK && residents->denied)
            status = install_tpm_error(ret_error, tpm, TPM_HIERARCHY_DENIED,
                                       "the key cannot be taken out of the TPM");
    }
    free(numbers);
    if (status == ENROLL_OK)
        status = pending_clean(directory, residents, 0, &recovery, ret_error);
    if (status == ENROLL_OK)
        status = tree_remove(directory, NAME_CURRENT, &recovery.removed, ret_error);
    for (size_t i = 0; status == ENROLL_OK && i < sizeof names / sizeof names[0]; i++)
        status = tree_remove(directory, names[i], &recovery.removed, ret_error);
    free(residents);
    if (status == ENROLL_OK)
        *ret_recovery = recovery;
    return status;
}
