#include "generation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certificate.h"
#include "names.h"
#include "private_key_pem.h"

static enum enroll_exit install_error(struct enroll_error *error, const struct install_directory *directory,
                                      const char *verb, const char *name)
{
    enum enroll_exit status = install_file_error(error, directory, verb, name);
    return status;
}

/* The three or four files of a generation, in a directory that was just made. 0, or -1 with errno. */
static int files_write(int fd, const struct token_generation *generation)
{
    int result = -1;
    size_t conf_size;
    char *conf = NULL, *chain = NULL, *certificate = NULL;
    char *key = private_key_pem_format(&generation->key);

    errno = ENOMEM;
    if (!key)
        goto out;
    errno = EINVAL;
    if (!token_conf_format(generation, &conf, &conf_size))
        goto out;
    if (install_file_create(fd, NAME_KEY, key, strlen(key), 0644))
        goto out;
    if (generation->has_certificate) {
        errno = ENOMEM;
        certificate = install_certificates_format(&generation->certificate, 1);
        if (!certificate || install_file_create(fd, NAME_CERTIFICATE, certificate, strlen(certificate), 0644))
            goto out;
    }
    if (generation->chain_count > 0) {
        errno = ENOMEM;
        chain = install_certificates_format(generation->chain, generation->chain_count);
        if (!chain || install_file_create(fd, NAME_CHAIN, chain, strlen(chain), 0644))
            goto out;
    }
    if (install_file_create(fd, NAME_CONF, conf, conf_size, 0644))
        goto out;
    result = fsync(fd);
out:;
    int saved = errno;
    free(chain);
    free(certificate);
    free(conf);
    free(key);
    errno = saved;
    return result;
}

/* Makes and opens a directory, 0755 whatever the umask. */
static int directory_make(int parent_fd, const char *name)
{
    if (mkdirat(parent_fd, name, 0755) && errno != EEXIST)
        return -1;
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fchmod(fd, 0755)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

bool name_is_generation(const char *name, unsigned long *ret_number)
{
    char *end;
    if (*name < '1' || *name > '9' || strlen(name) > 18)
        return false;
    *ret_number = strtoul(name, &end, 10);
    return *end == '\0';
}

/* One above the highest number in generations/, 1 when that is empty; 0 with errno when it cannot be read. */
static unsigned long number_next(int generations_fd)
{
    unsigned long highest = 0, number;
    int copy = openat(generations_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;
    if (!listing) {
        if (copy >= 0)
            close(copy);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (name_is_generation(entry->d_name, &number) && number > highest)
            highest = number;
    }
    closedir(listing);
    return highest + 1;
}

/* generations/NUMBER below a directory, with its files. 0, or -1 with errno. */
static int generation_make(int root_fd, unsigned long number, const struct token_generation *generation)
{
    char name[24];
    int result = -1, fd = -1;
    int generations_fd = directory_make(root_fd, NAME_GENERATIONS);
    if (generations_fd < 0)
        return -1;
    snprintf(name, sizeof name, "%lu", number);
    if (mkdirat(generations_fd, name, 0755))
        goto out;
    fd = directory_make(generations_fd, name);
    if (fd < 0 || files_write(fd, generation)) {
        int saved = errno;
        if (install_tree_remove(generations_fd, name))
            saved = saved ? saved : errno;
        errno = saved;
        goto out;
    }
    result = fsync(generations_fd) || fsync(root_fd) ? -1 : 0;
out:;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    close(generations_fd);
    errno = saved;
    return result;
}

static int current_point(int root_fd, unsigned long number)
{
    char target[48];
    snprintf(target, sizeof target, NAME_GENERATIONS "/%lu", number);
    if (unlinkat(root_fd, NAME_CURRENT_NEW, 0) && errno != ENOENT)
        return -1;
    if (symlinkat(target, root_fd, NAME_CURRENT_NEW))
        return -1;
    if (renameat(root_fd, NAME_CURRENT_NEW, root_fd, NAME_CURRENT))
        return -1;
    return fsync(root_fd);
}

enum enroll_exit install_generation_write(const struct install_directory *directory,
                                          const struct token_generation *generation,
                                          unsigned long *ret_number, struct enroll_error *ret_error)
{
    unsigned long number = 0;
    int generations_fd = directory_make(directory->fd, NAME_GENERATIONS);
    if (generations_fd >= 0) {
        number = number_next(generations_fd);
        close(generations_fd);
    }
    if (number == 0)
        return install_error(ret_error, directory, "read", NAME_GENERATIONS);
    if (generation_make(directory->fd, number, generation))
        return install_error(ret_error, directory, "write a generation below", NAME_GENERATIONS);
    *ret_number = number;
    return ENROLL_OK;
}

enum enroll_exit install_generation_switch(const struct install_directory *directory, unsigned long number,
                                           struct enroll_error *ret_error)
{
    /* Once the link is there the switch is made, even if fsync(2) then says that the disk is in trouble. */
    if (current_point(directory->fd, number) && install_generation_current(directory) != number)
        return install_error(ret_error, directory, "switch", NAME_CURRENT);
    return ENROLL_OK;
}

unsigned long install_generation_current(const struct install_directory *directory)
{
    char target[PATH_MAX];
    unsigned long number;
    size_t prefix = strlen(NAME_GENERATIONS "/");
    ssize_t length = readlinkat(directory->fd, NAME_CURRENT, target, sizeof target - 1);
    if (length <= 0)
        return 0;
    target[length] = '\0';
    if (strncmp(target, NAME_GENERATIONS "/", prefix) != 0 || !name_is_generation(target + prefix, &number))
        return 0;
    return number;
}

enum enroll_exit install_pending_write(const struct install_directory *directory,
                                       const struct token_generation *generation, const struct record *record,
                                       struct enroll_error *ret_error)
{
    char *conf = record_format(record);
    int result = -1, fd = -1;
    if (!conf)
        return enroll_error_memory(ret_error);
    /* Built beside its name: pending/ is whole or is not there. */
    if (install_tree_remove(directory->fd, NAME_PENDING_NEW) ||
        install_tree_remove(directory->fd, NAME_PENDING))
        goto out;
    fd = directory_make(directory->fd, NAME_PENDING_NEW);
    if (fd < 0 || generation_make(fd, 1, generation) || current_point(fd, 1) ||
        install_file_create(fd, ENROLLMENT_FILE, conf, strlen(conf), 0600) || fsync(fd))
        goto out;
    if (renameat(directory->fd, NAME_PENDING_NEW, directory->fd, NAME_PENDING))
        goto out;
    result = fsync(directory->fd);
out:;
    enum enroll_exit status = result ? install_error(ret_error, directory, "write", NAME_PENDING) : ENROLL_OK;
    if (fd >= 0)
        close(fd);
    free(conf);
    return status;
}

enum enroll_exit install_pending_update(const struct install_directory *directory,
                                        const struct record *record, struct enroll_error *ret_error)
{
    enum enroll_exit status = ENROLL_OK;
    char *conf = record_format(record);
    int fd = openat(directory->fd, NAME_PENDING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (!conf)
        status = enroll_error_memory(ret_error);
    else if (fd < 0 || install_file_replace(fd, ENROLLMENT_FILE, conf, strlen(conf), 0600))
        status = install_error(ret_error, directory, "write", NAME_PENDING "/" ENROLLMENT_FILE);
    if (fd >= 0)
        close(fd);
    free(conf);
    return status;
}

bool install_pending_path(const struct install_directory *directory, char *ret_path, size_t size)
{
    int length = snprintf(ret_path, size, "%s/" NAME_PENDING, directory->path);
    return length > 0 && (size_t)length < size;
}

enum enroll_exit install_pending_finish(const struct install_directory *directory,
                                        struct enroll_error *ret_error)
{
    if (renameat(directory->fd, NAME_PENDING "/" ENROLLMENT_FILE, directory->fd, ENROLLMENT_FILE) &&
        errno != ENOENT)
        return install_error(ret_error, directory, "write", ENROLLMENT_FILE);
    if (fsync(directory->fd) || install_pending_discard(directory))
        return install_error(ret_error, directory, "remove", NAME_PENDING);
    return ENROLL_OK;
}

int install_pending_discard(const struct install_directory *directory)
{
    if (install_tree_remove(directory->fd, NAME_PENDING))
        return -1;
    return install_tree_remove(directory->fd, NAME_PENDING_NEW);
}

bool install_pending_undecided(const struct install_directory *directory, struct record *ret_record)
{
    struct enroll_error ignored;
    struct record record;
    int fd = openat(directory->fd, NAME_PENDING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool undecided = enrollment_read(fd, directory->path, &record, &ignored) == ENROLL_OK;
    close(fd);
    if (undecided && record_get(&record, RECORD_REQUEST_ID) == NULL) {
        record_clear(&record);
        undecided = false;
    }
    if (undecided)
        *ret_record = record;
    return undecided;
}
