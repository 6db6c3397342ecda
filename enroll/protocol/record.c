#include "record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keyfile.h"
#include "url.h"

static struct record_entry *entry_find(const struct record *record, const char *section, const char *key)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->entries[i].section, section) == 0 && strcmp(record->entries[i].key, key) == 0)
            return &record->entries[i];
    return NULL;
}

const char *record_get(const struct record *record, const char *section, const char *key)
{
    const struct record_entry *entry = entry_find(record, section, key);
    return entry != NULL && entry->value[0] != '\0' ? entry->value : NULL;
}

uint64_t record_number(const struct record *record, const char *section, const char *key, uint64_t unset)
{
    char *end;
    const char *text = record_get(record, section, key);
    if (text == NULL || *text < '0' || *text > '9')
        return unset;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return errno != 0 || *end != '\0' ? unset : number;
}

static void entry_clear(struct record_entry *entry)
{
    free(entry->section);
    free(entry->key);
    free(entry->value);
}

static bool entry_add(struct record *record, const char *section, const char *key, char *value)
{
    struct record_entry *entries = realloc(record->entries, (record->count + 1) * sizeof(*entries));
    if (entries == NULL)
        return false;
    record->entries = entries;
    struct record_entry entry = {strdup(section), strdup(key), value};
    if (entry.section == NULL || entry.key == NULL) {
        entry.value = NULL;
        entry_clear(&entry);
        return false;
    }
    entries[record->count++] = entry;
    return true;
}

bool record_set(struct record *record, const char *section, const char *key, const char *value)
{
    struct record_entry *entry = entry_find(record, section, key);
    if (value == NULL && entry == NULL)
        return true;
    char *copy = strdup(value != NULL ? value : "");
    if (copy == NULL)
        return false;
    /* The file is lines. */
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    if (entry != NULL) {
        free(entry->value);
        entry->value = copy;
        return true;
    }
    bool added = entry_add(record, section, key, copy);
    if (!added)
        free(copy);
    return added;
}

bool record_number_set(struct record *record, const char *section, const char *key, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return record_set(record, section, key, text);
}

bool record_hosts(const struct record *record, char **ret_storage,
                  const char *ret_hosts[RECORD_HOSTS_MAX + 1])
{
    size_t count = 0;
    char *state = NULL;
    const char *hosts = record_get(record, RECORD_HOSTS);
    char *storage = strdup(hosts != NULL ? hosts : "");
    if (storage == NULL)
        return false;
    for (char *host = strtok_r(storage, " ", &state); host != NULL && count < RECORD_HOSTS_MAX;
         host = strtok_r(NULL, " ", &state))
        ret_hosts[count++] = host;
    ret_hosts[count] = NULL;
    *ret_storage = storage;
    return true;
}

bool record_host_accept(struct record *record, const char *url)
{
    char host[URL_HOST_MAX], *storage, *joined;
    const char *hosts[RECORD_HOSTS_MAX + 1];
    bool listed = false;
    if (url == NULL || !url_host(url, host))
        return true;
    if (!record_hosts(record, &storage, hosts))
        return false;
    for (size_t i = 0; hosts[i] != NULL; i++)
        listed = listed || strcasecmp(hosts[i], host) == 0;
    free(storage);
    if (listed)
        return true;
    const char *before = record_get(record, RECORD_HOSTS);
    if (asprintf(&joined, "%s%s%s", before != NULL ? before : "", before != NULL ? " " : "", host) < 0)
        return false;
    bool set = record_set(record, RECORD_HOSTS, joined);
    free(joined);
    return set;
}

/* Whether an entry before it is of the same section, which was written with that one. */
static bool section_written(const struct record *record, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (record->entries[i].value[0] != '\0' &&
            strcmp(record->entries[i].section, record->entries[index].section) == 0)
            return true;
    return false;
}

char *record_format(const struct record *record)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    fputs("# Written by intune-enroll: the record of the enrolment. No secrets.\n", out);
    for (size_t i = 0; i < record->count; i++) {
        if (record->entries[i].value[0] == '\0' || section_written(record, i))
            continue;
        fprintf(out, "[%s]\n", record->entries[i].section);
        for (size_t j = i; j < record->count; j++)
            if (record->entries[j].value[0] != '\0' &&
                strcmp(record->entries[j].section, record->entries[i].section) == 0)
                fprintf(out, "%s = %s\n", record->entries[j].key, record->entries[j].value);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

bool record_parse(const char *text, size_t size, struct record *ret_record)
{
    size_t line;
    struct record record = {0};
    const char *section, *key, *value;
    struct keyfile *keyfile = keyfile_parse(text, size, &line);
    bool parsed = keyfile != NULL;
    for (size_t i = 0; parsed && keyfile_entry(keyfile, i, &section, &key, &value); i++)
        parsed = section[0] == '\0' || record_set(&record, section, key, value);
    keyfile_free(keyfile);
    if (parsed)
        *ret_record = record;
    else
        record_clear(&record);
    return parsed;
}

void record_clear(struct record *record)
{
    for (size_t i = 0; i < record->count; i++)
        entry_clear(&record->entries[i]);
    free(record->entries);
    *record = (struct record){0};
}
