#include "devices.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 512

static bool id_is_valid(const char *id)
{
    size_t length = strspn(id, "0123456789abcdef-");
    return length == ID_SIZE - 1 && id[length] == '\0';
}

static void path_write(const struct service *service, const char *id, char ret_path[PATH_SIZE])
{
    (void)snprintf(ret_path, PATH_SIZE, "%s/devices/%s", service->directory, id);
}

static const char *member_get(struct json_object *record, const char *name)
{
    struct json_object *value = NULL;
    return json_object_object_get_ex(record, name, &value) ? json_object_get_string(value) : "";
}

struct json_object *device_read(const struct service *service, const char *id, const char *registered)
{
    char path[PATH_SIZE];
    if (!id_is_valid(id))
        return NULL;
    path_write(service, id, path);
    char *text = text_file_read(path, NULL);
    struct json_object *record = text != NULL ? json_tokener_parse(text) : NULL;
    free(text);
    if (record != NULL && strcmp(member_get(record, "registered"), registered) != 0) {
        json_object_put(record);
        return NULL;
    }
    return record;
}

bool device_write(const struct service *service, const char *id, struct json_object *record)
{
    char path[PATH_SIZE];
    path_write(service, id, path);
    const char *text = json_object_to_json_string_ext(record, JSON_C_TO_STRING_PRETTY);
    return text_file_write(path, text, strlen(text), 0600);
}

void device_remove(const struct service *service, const char *id)
{
    char path[PATH_SIZE];
    path_write(service, id, path);
    if (unlink(path) != 0)
        perror(path);
}

/* The id under which this registered device is enrolled; false for none. */
static bool enrolled_find(const struct service *service, const char *registered, char ret_id[ID_SIZE])
{
    char path[PATH_SIZE];
    path_write(service, "", path);
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;
    bool found = false;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        struct json_object *record = device_read(service, entry->d_name, registered);
        found = record != NULL;
        if (found)
            (void)snprintf(ret_id, ID_SIZE, "%.36s", entry->d_name);
        json_object_put(record);
    }
    if (folder != NULL)
        (void)closedir(folder);
    return found;
}

bool device_enroll(const struct service *service, const char *registered, const char *name, bool another,
                   char ret_id[ID_SIZE])
{
    if (another || !enrolled_find(service, registered, ret_id)) {
        text_random_uuid(ret_id);
        for (char *at = ret_id; *at != '\0'; at++)
            *at = (char)tolower((unsigned char)*at);
    }
    struct json_object *record = json_object_new_object();
    json_object_object_add(record, "registered", json_object_new_string(registered));
    json_object_object_add(record, "DeviceName", json_object_new_string(name));
    bool written = device_write(service, ret_id, record);
    json_object_put(record);
    return written;
}
