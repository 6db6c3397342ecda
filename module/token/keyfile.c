#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

struct entry {
    size_t section;
    const char *key;
    const char *value;
};

struct section {
    const char *name;
    size_t first_entry;
    size_t entry_count;
};

struct keyfile {
    char *text; /* all names and values stand in it, each ended by a NUL */
    struct entry *entries;
    size_t entry_count, entry_capacity;
    struct section *sections;
    size_t section_count, section_capacity;
};

enum line_result { LINE_GOOD, LINE_BAD, LINE_NO_MEMORY };

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

/* Drops blanks on both sides of [begin, end) and ends it with a NUL, which the caller left room for. */
static char *trim(char *begin, char *end)
{
    while (begin < end && is_blank(*begin))
        begin++;
    while (end > begin && is_blank(end[-1]))
        end--;
    *end = '\0';
    return begin;
}

static bool grow(void **array, size_t *capacity, size_t count, size_t element)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity == 0 ? 32 : *capacity * 2;
    void *larger = reallocarray(*array, wanted, element);
    if (larger == NULL)
        return false;
    *array = larger;
    *capacity = wanted;
    return true;
}

static enum line_result add_section(struct keyfile *keyfile, const char *name)
{
    for (size_t i = 0; i < keyfile->section_count; i++)
        if (strcmp(keyfile->sections[i].name, name) == 0)
            return LINE_BAD;
    if (keyfile->section_count >= KEYFILE_ENTRIES_MAX)
        return LINE_BAD;
    if (!grow((void **)&keyfile->sections, &keyfile->section_capacity, keyfile->section_count,
              sizeof *keyfile->sections))
        return LINE_NO_MEMORY;
    keyfile->sections[keyfile->section_count++] = (struct section){name, keyfile->entry_count, 0};
    return LINE_GOOD;
}

static enum line_result add_entry(struct keyfile *keyfile, const char *key, const char *value)
{
    struct section *section = &keyfile->sections[keyfile->section_count - 1];
    for (size_t i = 0; i < section->entry_count; i++)
        if (strcmp(keyfile->entries[section->first_entry + i].key, key) == 0)
            return LINE_BAD;
    if (keyfile->entry_count >= KEYFILE_ENTRIES_MAX)
        return LINE_BAD;
    if (!grow((void **)&keyfile->entries, &keyfile->entry_capacity, keyfile->entry_count,
              sizeof *keyfile->entries))
        return LINE_NO_MEMORY;
    keyfile->entries[keyfile->entry_count++] = (struct entry){keyfile->section_count - 1, key, value};
    section->entry_count++;
    return LINE_GOOD;
}

/* One line, [begin, end), where *end may be overwritten. */
static enum line_result take_line(struct keyfile *keyfile, char *begin, char *end)
{
    char *line = trim(begin, end);
    size_t length = strlen(line);
    if (length == 0 || line[0] == '#')
        return LINE_GOOD;
    if (line[0] == '[') {
        if (length < 3 || line[length - 1] != ']')
            return LINE_BAD;
        char *name = trim(line + 1, line + length - 1);
        return name[0] == '\0' ? LINE_BAD : add_section(keyfile, name);
    }
    char *equals = strchr(line, '=');
    if (equals == NULL)
        return LINE_BAD;
    char *line_end = line + length;
    char *key = trim(line, equals);
    char *value = trim(equals + 1, line_end);
    return key[0] == '\0' ? LINE_BAD : add_entry(keyfile, key, value);
}

struct keyfile *keyfile_parse(const char *text, size_t size, size_t *ret_error_line)
{
    struct keyfile *keyfile = calloc(1, sizeof *keyfile);
    size_t line_number = 0;
    enum line_result result = LINE_NO_MEMORY;

    if (keyfile == NULL || (keyfile->text = malloc(size + 1)) == NULL)
        goto out;
    memcpy(keyfile->text, text, size);
    keyfile->text[size] = '\0';
    result = add_section(keyfile, "");

    char *line = keyfile->text;
    char *end = keyfile->text + size;
    while (result == LINE_GOOD && line < end) {
        char *line_end = memchr(line, '\n', (size_t)(end - line));
        if (line_end == NULL)
            line_end = end;
        line_number++;
        result = memchr(line, '\0', (size_t)(line_end - line)) != NULL ? LINE_BAD
                                                                       : take_line(keyfile, line, line_end);
        line = line_end + 1;
    }

out:
    if (result == LINE_GOOD)
        return keyfile;
    *ret_error_line = result == LINE_BAD ? line_number : 0;
    keyfile_free(keyfile);
    return NULL;
}

struct keyfile *keyfile_read(const char *path, size_t max_size, size_t *ret_error_line)
{
    struct keyfile *keyfile = NULL;
    char *text = NULL;
    size_t size;

    *ret_error_line = 0;
    int error = file_read_at(AT_FDCWD, path, max_size, &text, &size);
    if (error == 0) {
        keyfile = keyfile_parse(text, size, ret_error_line);
        if (keyfile == NULL)
            error = *ret_error_line == 0 ? ENOMEM : EINVAL;
    }
    free(text);
    errno = error;
    return keyfile;
}

const char *keyfile_get(const struct keyfile *keyfile, const char *section, const char *key)
{
    for (size_t i = 0; i < keyfile->section_count; i++) {
        const struct section *candidate = &keyfile->sections[i];
        if (strcmp(candidate->name, section) != 0)
            continue;
        for (size_t j = 0; j < candidate->entry_count; j++)
            if (strcmp(keyfile->entries[candidate->first_entry + j].key, key) == 0)
                return keyfile->entries[candidate->first_entry + j].value;
    }
    return NULL;
}

int keyfile_entry(const struct keyfile *keyfile, size_t index, const char **ret_section, const char **ret_key,
                  const char **ret_value)
{
    if (index >= keyfile->entry_count)
        return 0;
    const struct entry *entry = &keyfile->entries[index];
    *ret_section = keyfile->sections[entry->section].name;
    *ret_key = entry->key;
    *ret_value = entry->value;
    return 1;
}

void keyfile_free(struct keyfile *keyfile)
{
    if (keyfile == NULL)
        return;
    free(keyfile->text);
    free(keyfile->entries);
    free(keyfile->sections);
    free(keyfile);
}
