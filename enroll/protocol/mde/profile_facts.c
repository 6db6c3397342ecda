#include "profile_facts.h"

#include <ctype.h>
#include <fcntl.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/*
 * The applications that the machine-id is keyed with. machine-id(5) asks that it never be shown: what leaves
 * this machine is HMAC-SHA256 with the machine-id as key and one of these as message (as
 * sd_id128_get_machine_app_specific() does), so the two ids tell nothing about the machine-id nor about each
 * other.
 */
static const uint8_t device_application[16] = {0x6a, 0x1d, 0x9f, 0x0c, 0x54, 0x2e, 0x4b, 0x7b,
                                               0x9c, 0x3d, 0x27, 0x81, 0xe5, 0xb0, 0x46, 0x12};
static const uint8_t hardware_application[16] = {0xc8, 0x33, 0x5e, 0x91, 0x0f, 0xa7, 0x42, 0xd6,
                                                 0x8b, 0x64, 0xf1, 0x1c, 0x70, 0x9d, 0x2a, 0x45};

static bool file_read(const char *path, char *ret_text, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0)
        return false;
    size = read(fd, ret_text, capacity - 1);
    close(fd);
    if (size < 0)
        return false;
    ret_text[size] = '\0';
    return true;
}

static bool machine_id_read(const char *path, uint8_t ret_id[16])
{
    char text[64];

    if (!file_read(path, text, sizeof(text)) || strspn(text, "0123456789abcdef") != 32)
        return false;
    for (size_t i = 0; i < 16; i++) {
        const char digits[3] = {text[2 * i], text[2 * i + 1], '\0'};

        ret_id[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return true;
}

static bool id_derive(const uint8_t machine_id[16], const uint8_t application[16], size_t size, char *ret_hex)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_size = 0;

    if (HMAC(EVP_sha256(), machine_id, 16, application, 16, hash, &hash_size) == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        snprintf(ret_hex + 2 * i, 3, "%02X", hash[i]);
    return true;
}

/* VERSION_ID="12.4" becomes 12.4.0.0; a distribution without one is 0.0.0.0. */
static void os_version_read(const char *path, char *ret_version, size_t capacity)
{
    char text[8192];
    const char *found = NULL;
    unsigned numbers[4] = {0};

    if (file_read(path, text, sizeof(text)))
        found = strncmp(text, "VERSION_ID=", 11) == 0 ? text : strstr(text, "\nVERSION_ID=");
    if (found != NULL) {
        found = strchr(found, '=') + 1;
        found += *found == '"' || *found == '\'';
        for (size_t i = 0; i < 4 && isdigit((unsigned char)*found); i++) {
            numbers[i] = (unsigned)(strtoul(found, (char **)&found, 10) % 100000);
            found += *found == '.';
        }
    }
    snprintf(ret_version, capacity, "%u.%u.%u.%u", numbers[0], numbers[1], numbers[2], numbers[3]);
}

/* "de_DE.UTF-8" becomes de-DE; C, POSIX and nothing become en-US. */
static void locale_read(const char *locale, char *ret_locale, size_t capacity)
{
    const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    size_t size;

    for (size_t i = 0; locale == NULL && i < sizeof(variables) / sizeof(variables[0]); i++) {
        locale = getenv(variables[i]);
        if (locale != NULL && *locale == '\0')
            locale = NULL;
    }
    size = locale == NULL ? 0 : strcspn(locale, ".@");
    if (size < 2 || size >= capacity || strncmp(locale, "C", 1) == 0 || strncmp(locale, "POSIX", 5) == 0) {
        snprintf(ret_locale, capacity, "en-US");
        return;
    }
    for (size_t i = 0; i < size; i++)
        ret_locale[i] = isalnum((unsigned char)locale[i]) ? locale[i] : '-';
    ret_locale[size] = '\0';
}

static void device_name_read(const char *name, char *ret_name, size_t capacity)
{
    char host[256] = "";

    if (name == NULL && gethostname(host, sizeof(host) - 1) == 0)
        name = host;
    if (name == NULL || *name == '\0')
        name = "linux";
    snprintf(ret_name, capacity, "%.*s", (int)strcspn(name, "."), name);
}

void profile_facts_read(const struct profile_sources *sources, struct profile_facts *ret_facts)
{
    uint8_t machine_id[16] = {0};

    *ret_facts = (struct profile_facts){0};
    os_version_read(sources->os_release, ret_facts->os_version, sizeof(ret_facts->os_version));
    device_name_read(sources->host_name, ret_facts->device_name, sizeof(ret_facts->device_name));
    locale_read(sources->locale, ret_facts->locale, sizeof(ret_facts->locale));
    ret_facts->has_machine_id = machine_id_read(sources->machine_id, machine_id) &&
                                id_derive(machine_id, device_application, 16, ret_facts->device_id) &&
                                id_derive(machine_id, hardware_application, 32, ret_facts->hw_device_id);
    explicit_bzero(machine_id, sizeof(machine_id));
}
