#include "machine_facts.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_MAX    (1024 * 1024)
#define DEVICES_MAX 64
#define DEVICE_SIZE 32

/* The text of ROOT/PATH; NULL when it cannot be read. free() it. */
static char *file_read(const char *root, const char *path)
{
    char name[PATH_MAX];
    size_t size = 0;
    snprintf(name, sizeof(name), "%s%s", root, path);
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = fd >= 0 ? malloc(FILE_MAX + 1) : NULL;
    ssize_t count = 1;
    while (text != NULL && count > 0 && size < FILE_MAX) {
        count = read(fd, text + size, FILE_MAX - size);
        size += count > 0 ? (size_t)count : 0;
    }
    if (fd >= 0)
        close(fd);
    if (text != NULL)
        text[size] = '\0';
    return text;
}

/* The next line of *at, terminated in place, without blanks at its ends; NULL at the end. */
static char *line_next(char **at)
{
    char *line = *at;
    if (line == NULL || *line == '\0')
        return NULL;
    char *end = strchr(line, '\n');
    *at = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL)
        *end = '\0';
    line += strspn(line, " \t\r");
    for (size_t size = strlen(line); size > 0 && isspace((unsigned char)line[size - 1]);)
        line[--size] = '\0';
    return line;
}

/* ---- os-release(5) ---- */

static void value_take(const char *value, char *ret_value, size_t size)
{
    char quote = *value == '"' || *value == '\'' ? *value++ : '\0';
    size_t length = quote != '\0' ? strcspn(value, quote == '"' ? "\"" : "'") : strlen(value);
    if (length > 0)
        snprintf(ret_value, size, "%.*s", (int)(length < size ? length : size - 1), value);
}

void os_release_read(const char *text, struct machine_facts *facts)
{
    char *copy = strdup(text), *at = copy, *line;
    while ((line = line_next(&at)) != NULL) {
        if (strncmp(line, "NAME=", 5) == 0)
            value_take(line + 5, facts->distribution, sizeof(facts->distribution));
        else if (strncmp(line, "ID=", 3) == 0)
            value_take(line + 3, facts->distribution_id, sizeof(facts->distribution_id));
        else if (strncmp(line, "VERSION_ID=", 11) == 0)
            value_take(line + 11, facts->version, sizeof(facts->version));
    }
    free(copy);
}

/* ---- passwords ---- */

static void minimum_set(const char *key, const char *value, struct password_rules *rules)
{
    const struct {
        const char *key;
        int *minimum;
    } credits[] = {{"dcredit", &rules->digits},
                   {"lcredit", &rules->lowercase},
                   {"ucredit", &rules->uppercase},
                   {"ocredit", &rules->symbols}};
    int number = (int)strtol(value, NULL, 10);
    if (strcmp(key, "minlen") == 0)
        rules->length = number;
    else if (strcmp(key, "enforcing") == 0)
        rules->enforced = number != 0;
    /* pwquality.conf(5): below 0 a minimum, above 0 what such characters count for the length. */
    for (size_t i = 0; i < sizeof(credits) / sizeof(credits[0]); i++)
        if (strcmp(key, credits[i].key) == 0)
            *credits[i].minimum = number > INT_MIN ? -number : 0;
}

void pwquality_read(const char *text, struct password_rules *rules)
{
    char *copy = strdup(text), *at = copy, *line;
    while ((line = line_next(&at)) != NULL) {
        size_t size = strcspn(line, " \t=");
        if (line[0] == '#' || line[size] == '\0')
            continue;
        char *value = line + size;
        value += strspn(value, " \t=");
        line[size] = '\0';
        minimum_set(line, value, rules);
    }
    free(copy);
}

bool pam_password_read(const char *text, struct password_rules *rules)
{
    char *copy = strdup(text), *at = copy, *line;
    bool found = false;
    while (!found && (line = line_next(&at)) != NULL) {
        char *state = NULL, *module = strstr(line, "pam_pwquality.so");
        const char *type = line + (line[0] == '-');
        if (strncmp(type, "password", 8) != 0 || module == NULL)
            continue;
        found = true;
        for (char *word = strtok_r(module + strlen("pam_pwquality.so"), " \t", &state); word != NULL;
             word = strtok_r(NULL, " \t", &state)) {
            char *equals = strchr(word, '=');
            if (equals != NULL) {
                *equals = '\0';
                minimum_set(word, equals + 1, rules);
            }
        }
    }
    free(copy);
    return found;
}

static int is_conf(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return entry->d_name[0] != '.' && size > 5 && strcmp(entry->d_name + size - 5, ".conf") == 0;
}

/* pwquality.conf, then the files of pwquality.conf.d in their order. */
static void pwquality_files_read(const char *root, struct password_rules *rules)
{
    struct dirent **entries = NULL;
    char path[PATH_MAX];
    char *text = file_read(root, "/etc/security/pwquality.conf");
    if (text != NULL)
        pwquality_read(text, rules);
    free(text);
    snprintf(path, sizeof(path), "%s/etc/security/pwquality.conf.d", root);
    int count = scandir(path, &entries, is_conf, alphasort);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "/etc/security/pwquality.conf.d/%s", entries[i]->d_name);
        text = file_read(root, path);
        if (text != NULL)
            pwquality_read(text, rules);
        free(text);
        free(entries[i]);
    }
    free(entries);
}

static int positive_part(int number)
{
    return number > 0 ? number : 0;
}

static void password_read(const char *root, struct password_rules *rules)
{
    static const char *const stacks[] = {"/etc/pam.d/common-password", "/etc/pam.d/system-auth"};
    char *text = NULL;
    *rules = (struct password_rules){.length = 8, .enforced = true};
    for (size_t i = 0; text == NULL && i < sizeof(stacks) / sizeof(stacks[0]); i++)
        text = file_read(root, stacks[i]);
    rules->known = text != NULL;
    pwquality_files_read(root, rules);
    bool used = text != NULL && pam_password_read(text, rules);
    free(text);
    if (!used || !rules->enforced) {
        *rules = (struct password_rules){.known = rules->known};
        return;
    }
    /* Credits shorten what is asked for. */
    const int minima[] = {rules->digits, rules->lowercase, rules->uppercase, rules->symbols};
    for (size_t i = 0; i < sizeof(minima) / sizeof(minima[0]); i++)
        rules->length -= positive_part(minima[i] < 0 && minima[i] > -1000 ? -minima[i] : 0);
    rules->length = positive_part(rules->length);
    rules->digits = positive_part(rules->digits);
    rules->lowercase = positive_part(rules->lowercase);
    rules->uppercase = positive_part(rules->uppercase);
    rules->symbols = positive_part(rules->symbols);
}

/* ---- encryption ---- */

bool mountinfo_find(const char *text, const char *mount, char *ret_device, unsigned size)
{
    char *copy = strdup(text), *at = copy, *line;
    bool found = false;
    /* proc(5): "ID PARENT MAJOR:MINOR ROOT MOUNT OPTIONS... - TYPE SOURCE"; the last one is on top. */
    while ((line = line_next(&at)) != NULL) {
        char device[DEVICE_SIZE], where[PATH_MAX], source[PATH_MAX];
        const char *rest = strstr(line, " - ");
        if (sscanf(line, "%*s %*s %31s %*s %4095s", device, where) != 2 || strcmp(where, mount) != 0 ||
            rest == NULL)
            continue;
        found = true;
        bool numbered = strncmp(device, "0:", 2) != 0;
        if (!numbered && sscanf(rest, " - %*s %4095s", source) != 1)
            source[0] = '\0';
        snprintf(ret_device, size, "%s", numbered ? device : source);
    }
    free(copy);
    return found;
}

/* The devices below one are put on the list; false when there is none. */
static bool slaves_push(const char *root, const char *device, char devices[][DEVICE_SIZE], size_t *count)
{
    char path[PATH_MAX];
    bool any = false;
    snprintf(path, sizeof(path), "%s/sys/dev/block/%s/slaves", root, device);
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        any = true;
        snprintf(path, sizeof(path), "/sys/dev/block/%s/slaves/%s/dev", device, entry->d_name);
        char *number = file_read(root, path);
        if (number != NULL && *count < DEVICES_MAX)
            snprintf(devices[(*count)++], DEVICE_SIZE, "%.*s", (int)strcspn(number, "\n"), number);
        free(number);
    }
    if (directory != NULL)
        closedir(directory);
    return any;
}

/* Whether each way from the device down to a disk leads through dm-crypt. */
static enum encryption device_encryption(const char *root, const char *first)
{
    char devices[DEVICES_MAX][DEVICE_SIZE], path[PATH_MAX];
    size_t count = 0, next = 0;
    snprintf(devices[count++], DEVICE_SIZE, "%s", first);
    for (; next < count; next++) {
        snprintf(path, sizeof(path), "/sys/dev/block/%s/dm/uuid", devices[next]);
        char *uuid = file_read(root, path);
        bool crypt = uuid != NULL && strncmp(uuid, "CRYPT-", 6) == 0;
        free(uuid);
        if (!crypt && !slaves_push(root, devices[next], devices, &count))
            return ENCRYPTION_NONE;
    }
    return count < DEVICES_MAX ? ENCRYPTION_ALL : ENCRYPTION_UNKNOWN;
}

/* "8:1" of a device file; false when it is none. */
static bool device_number(const char *root, const char *source, char ret_device[DEVICE_SIZE])
{
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof(path), "%s%s", root, source);
    if (source[0] != '/' || stat(path, &status) != 0 || !S_ISBLK(status.st_mode))
        return false;
    snprintf(ret_device, DEVICE_SIZE, "%u:%u", major(status.st_rdev), minor(status.st_rdev));
    return true;
}

static void encryption_read(const char *root, struct machine_facts *facts)
{
    static const char *const mounts[] = {"/", "/home", "/var"};
    char found[PATH_MAX], device[DEVICE_SIZE];
    char *mountinfo = file_read(root, "/proc/self/mountinfo");
    facts->encryption = mountinfo != NULL ? ENCRYPTION_ALL : ENCRYPTION_UNKNOWN;
    for (size_t i = 0; mountinfo != NULL && i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        if (!mountinfo_find(mountinfo, mounts[i], found, sizeof(found))) {
            if (i == 0)
                facts->encryption = ENCRYPTION_UNKNOWN;
            continue;
        }
        bool numbered = isdigit((unsigned char)found[0]) != 0;
        if (numbered)
            snprintf(device, sizeof(device), "%.31s", found);
        enum encryption one = numbered || device_number(root, found, device) ? device_encryption(root, device)
                                                                             : ENCRYPTION_UNKNOWN;
        if (one == ENCRYPTION_NONE) {
            facts->encryption = ENCRYPTION_NONE;
            snprintf(facts->unencrypted, sizeof(facts->unencrypted), "%s", mounts[i]);
            break;
        }
        if (one == ENCRYPTION_UNKNOWN)
            facts->encryption = ENCRYPTION_UNKNOWN;
    }
    free(mountinfo);
}

void machine_facts_read(const char *root, const char *device_name, struct machine_facts *ret_facts)
{
    char host[256] = "";
    *ret_facts = (struct machine_facts){
        .manufacturer = "unknown", .distribution = "Linux", .distribution_id = "linux", .version = "0"};
    if (device_name == NULL && gethostname(host, sizeof(host) - 1) == 0)
        device_name = host;
    if (device_name == NULL || device_name[0] == '\0' || device_name[0] == '.')
        device_name = "linux";
    snprintf(ret_facts->device_name, sizeof(ret_facts->device_name), "%.*s",
             (int)(strcspn(device_name, ".") < 64 ? strcspn(device_name, ".") : 64), device_name);
    char *text = file_read(root, "/etc/os-release");
    if (text == NULL)
        text = file_read(root, "/usr/lib/os-release");
    if (text != NULL)
        os_release_read(text, ret_facts);
    free(text);
    text = file_read(root, "/sys/class/dmi/id/sys_vendor");
    char *at = text, *line = line_next(&at);
    if (line != NULL && line[0] != '\0')
        snprintf(ret_facts->manufacturer, sizeof(ret_facts->manufacturer), "%.64s", line);
    free(text);
    encryption_read(root, ret_facts);
    password_read(root, &ret_facts->password);
}
