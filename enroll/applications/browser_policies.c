#include "browser_policies.h"

#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "registration.h"

#define SELECT_POLICY "AutoSelectCertificateForUrls"

/* A new object for no text. Strict: what json-c would merely tolerate (comments) would be lost when written
 * again. */
static json_object *object_parse(const char *text)
{
    if (text == NULL || text[strspn(text, " \t\r\n")] == '\0')
        return json_object_new_object();
    return json_text_parse(text, strlen(text));
}

/* The member of that name, which is made when it is absent and `make`. NULL: absent. False: there and no
 * object. */
static bool member_object(json_object *parent, const char *name, bool make, json_object **ret_member)
{
    json_object *member = NULL;

    if (json_object_object_get_ex(parent, name, &member)) {
        *ret_member = member;
        return json_object_is_type(member, json_type_object);
    }
    if (make) {
        member = json_object_new_object();
        if (!member || json_object_object_add(parent, name, member) != 0) {
            json_object_put(member);
            return false;
        }
    }
    *ret_member = member;
    return true;
}

static void member_remove_if_empty(json_object *parent, const char *name)
{
    json_object *member;

    if (json_object_object_get_ex(parent, name, &member) && json_object_is_type(member, json_type_object) &&
        json_object_object_length(member) == 0)
        json_object_object_del(parent, name);
}

/* The text of root, or NULL in *ret_text when it is empty. */
static bool object_text(json_object *root, char **ret_text)
{
    const char *text;
    size_t size;
    char *copy;

    if (json_object_object_length(root) == 0) {
        *ret_text = NULL;
        return true;
    }
    text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                    JSON_C_TO_STRING_NOSLASHESCAPE);
    if (!text)
        return false;
    size = strlen(text);
    copy = malloc(size + 2);
    if (!copy)
        return false;
    memcpy(copy, text, size);
    memcpy(copy + size, "\n", 2);
    *ret_text = copy;
    return true;
}

/*
 * The object that maps names to libraries: SecurityDevices.Add, or SecurityDevices itself in the older form,
 * which has neither Add nor Delete and holds names already.
 */
static bool firefox_devices(json_object *root, bool make, json_object **ret_policies,
                            json_object **ret_devices, json_object **ret_names)
{
    *ret_policies = *ret_devices = *ret_names = NULL;
    if (!member_object(root, "policies", make, ret_policies))
        return false;
    if (!*ret_policies)
        return true;
    if (!member_object(*ret_policies, "SecurityDevices", make, ret_devices))
        return false;
    if (!*ret_devices)
        return true;
    if (json_object_object_length(*ret_devices) > 0 &&
        !json_object_object_get_ex(*ret_devices, "Add", NULL) &&
        !json_object_object_get_ex(*ret_devices, "Delete", NULL)) {
        *ret_names = *ret_devices;
        return true;
    }
    return member_object(*ret_devices, "Add", make, ret_names);
}

bool policies_firefox(const char *text, const char *library, char **ret_text, bool *ret_changed)
{
    json_object *root = object_parse(text), *policies, *devices, *names, *present = NULL;
    bool ok = false, changed = false;

    if (!root || !firefox_devices(root, library != NULL, &policies, &devices, &names))
        goto out;
    if (names)
        json_object_object_get_ex(names, REGISTRATION_NAME, &present);
    if (library) {
        const char *old =
            json_object_is_type(present, json_type_string) ? json_object_get_string(present) : NULL;
        json_object *value;

        changed = !old || strcmp(old, library) != 0;
        value = json_object_new_string(library);
        if (!value || json_object_object_add(names, REGISTRATION_NAME, value) != 0) {
            json_object_put(value);
            goto out;
        }
    } else if (present) {
        changed = true;
        json_object_object_del(names, REGISTRATION_NAME);
        if (names != devices)
            member_remove_if_empty(devices, "Add");
        member_remove_if_empty(policies, "SecurityDevices");
        member_remove_if_empty(root, "policies");
    }
    if (!object_text(root, ret_text))
        goto out;
    *ret_changed = changed;
    ok = true;
out:
    json_object_put(root);
    return ok;
}

/* Whether the entry's filter lets a certificate of this issuer through. */
static bool entry_takes(json_object *entry, const char *issuer)
{
    json_object *filter = NULL, *name = NULL, *common = NULL;

    if (!json_object_object_get_ex(entry, "filter", &filter) ||
        !json_object_object_get_ex(filter, "ISSUER", &name) ||
        !json_object_object_get_ex(name, "CN", &common))
        return true;
    return issuer && json_object_is_type(common, json_type_string) &&
           strcmp(json_object_get_string(common), issuer) == 0;
}

/* Where the list has its entry for this pattern, or the list's length; an entry is a JSON object in a string.
 * *ret_stale: the filter names another issuer's common name and nothing else, as list_put_pattern writes it.
 */
static size_t list_find_pattern(json_object *list, const char *pattern, const char *issuer, bool *ret_stale)
{
    size_t count = json_object_array_length(list), i;
    bool found = false;

    *ret_stale = false;
    for (i = 0; i < count && !found; i++) {
        json_object *entry = object_parse(json_object_get_string(json_object_array_get_idx(list, i)));
        json_object *value = NULL, *filter = NULL, *name = NULL;

        found = entry && json_object_object_get_ex(entry, "pattern", &value) &&
                json_object_is_type(value, json_type_string) &&
                strcmp(json_object_get_string(value), pattern) == 0;
        *ret_stale =
            found && issuer && !entry_takes(entry, issuer) &&
            json_object_object_get_ex(entry, "filter", &filter) && json_object_object_length(filter) == 1 &&
            json_object_object_get_ex(filter, "ISSUER", &name) && json_object_object_length(name) == 1;
        json_object_put(entry);
    }
    return found ? i - 1 : count;
}

/* Puts the entry at this place of the list; its length appends. */
static bool list_put_pattern(json_object *list, size_t place, const char *pattern, const char *issuer)
{
    json_object *entry = json_object_new_object(), *filter = NULL, *name = NULL, *string;
    bool ok = false;

    if (!entry || json_object_object_add(entry, "pattern", json_object_new_string(pattern)) != 0 ||
        !member_object(entry, "filter", true, &filter))
        goto out;
    if (issuer && (!member_object(filter, "ISSUER", true, &name) ||
                   json_object_object_add(name, "CN", json_object_new_string(issuer)) != 0))
        goto out;
    string = json_object_new_string(
        json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    if (!string || json_object_array_put_idx(list, place, string) != 0) {
        json_object_put(string);
        goto out;
    }
    ok = true;
out:
    json_object_put(entry);
    return ok;
}

bool policies_chromium(const char *text, const char *const *patterns, size_t count, const char *issuer,
                       char **ret_text, bool *ret_changed)
{
    json_object *root = object_parse(text), *list = NULL;
    bool ok = false, changed = false;

    if (!root)
        goto out;
    if (count == 0) {
        changed = json_object_object_get_ex(root, SELECT_POLICY, NULL);
        json_object_object_del(root, SELECT_POLICY);
    } else if (!json_object_object_get_ex(root, SELECT_POLICY, &list)) {
        list = json_object_new_array();
        if (!list || json_object_object_add(root, SELECT_POLICY, list) != 0) {
            json_object_put(list);
            goto out;
        }
    } else if (!json_object_is_type(list, json_type_array)) {
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        bool stale;
        size_t place = list_find_pattern(list, patterns[i], issuer, &stale);

        if (place < json_object_array_length(list) && !stale)
            continue;
        if (!list_put_pattern(list, place, patterns[i], issuer))
            goto out;
        changed = true;
    }
    if (!object_text(root, ret_text))
        goto out;
    *ret_changed = changed;
    ok = true;
out:
    json_object_put(root);
    return ok;
}

bool policies_firefox_library(const char *text, char **ret_library)
{
    json_object *root = object_parse(text), *policies, *devices, *names, *present = NULL;
    char *library = NULL;
    bool ok = false;

    if (!root || !firefox_devices(root, false, &policies, &devices, &names))
        goto out;
    if (names && json_object_object_get_ex(names, REGISTRATION_NAME, &present)) {
        if (!json_object_is_type(present, json_type_string))
            goto out;
        library = strdup(json_object_get_string(present));
        if (!library)
            goto out;
    }
    *ret_library = library;
    ok = true;
out:
    json_object_put(root);
    return ok;
}

bool policies_chromium_sites(const char *text, const char *issuer, size_t *ret_sites, size_t *ret_others)
{
    json_object *root = object_parse(text), *list = NULL;
    size_t sites = 0, others = 0;
    bool ok = false;

    if (!root)
        goto out;
    if (json_object_object_get_ex(root, SELECT_POLICY, &list)) {
        if (!json_object_is_type(list, json_type_array))
            goto out;
        sites = json_object_array_length(list);
    }
    for (size_t i = 0; i < sites; i++) {
        json_object *entry = object_parse(json_object_get_string(json_object_array_get_idx(list, i)));

        if (!entry)
            goto out;
        others += entry_takes(entry, issuer) ? 0 : 1;
        json_object_put(entry);
    }
    *ret_sites = sites;
    *ret_others = others;
    ok = true;
out:
    json_object_put(root);
    return ok;
}
