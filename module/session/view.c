#include "view.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mechanism.h"

/* A handle is the generation's sequence number and the object's index from 1; both stay small. */
#define INDEX_BITS 8
_Static_assert(OBJECT_COUNT_MAX < (1 << INDEX_BITS) - 1, "an object's index fits into a handle");
_Static_assert(MECHANISM_COUNT_MAX <= OBJECT_MECHANISMS_MAX, "an object takes all mechanisms");

struct view *view_ref(struct view *view)
{
    atomic_fetch_add(&view->references, 1);
    return view;
}

void view_unref(struct view *view)
{
    if (view == NULL || atomic_fetch_sub(&view->references, 1) != 1)
        return;
    object_set_free(view->objects);
    free(view);
}

/* Takes the generation over. */
static struct view *view_new(struct token_generation *generation, unsigned long sequence)
{
    CK_MECHANISM_TYPE mechanisms[MECHANISM_COUNT_MAX];
    size_t count = mechanism_list(generation->key.public_key.type, false, mechanisms);
    struct view *view = calloc(1, sizeof *view);
    struct object_set *objects = object_set_new(generation, mechanisms, count);
    if (view == NULL || objects == NULL) {
        object_set_free(objects);
        free(view);
        return NULL;
    }
    atomic_init(&view->references, 1);
    view->sequence = sequence;
    view->objects = objects;
    return view;
}

static bool same(const struct token_bytes *one, const struct token_bytes *other)
{
    return one->size == other->size && memcmp(one->data, other->data, one->size) == 0;
}

static enum token_status read_newest(struct view_list *list, const char *directory)
{
    struct token_generation *generation;
    char why[256];

    enum token_status status = token_generation_read(directory, &generation, why, sizeof why);
    if (status != TOKEN_OK) {
        log_line("token directory %s: %s", directory, why);
        return status;
    }
    /* Some file systems give a directory another inode at each look. */
    if (list->newest != NULL && same(&generation->conf, &list->newest->objects->generation->conf)) {
        token_generation_free(generation);
        return TOKEN_OK;
    }
    struct view *view = view_new(generation, list->newest == NULL ? 1 : list->newest->sequence + 1);
    if (view == NULL)
        return TOKEN_NO_MEMORY;
    if (list->newest == NULL)
        list->oldest = view;
    else
        list->newest->newer = view;
    list->newest = view;
    return TOKEN_OK;
}

void views_start(struct view_list *list)
{
    token_places_read(&list->places);
}

void views_refresh(struct view_list *list)
{
    const char *directory = token_places_find(&list->places);
    uint8_t stamp[32];

    if (directory == NULL || !token_generation_stamp(directory, stamp)) {
        if (list->status != TOKEN_ABSENT)
            log_line("no token is to be seen in %s", directory == NULL ? "a path that long" : directory);
        list->present = false;
        list->stamped = false;
        list->status = TOKEN_ABSENT;
        return;
    }
    if (list->stamped && memcmp(list->stamp, stamp, sizeof stamp) == 0)
        return;
    list->status = read_newest(list, directory);
    list->present = list->status == TOKEN_OK;
    /* what may pass by itself is tried again the next time */
    list->stamped = list->status == TOKEN_OK || list->status == TOKEN_MALFORMED;
    memcpy(list->stamp, stamp, sizeof stamp);
}

void views_trim(struct view_list *list, unsigned long sequence)
{
    while (list->oldest != list->newest && list->oldest->sequence < sequence) {
        struct view *view = list->oldest;
        list->oldest = view->newer;
        view_unref(view);
    }
}

void views_clear(struct view_list *list)
{
    while (list->oldest != NULL) {
        struct view *view = list->oldest;
        list->oldest = view->newer;
        view_unref(view);
    }
    list->newest = NULL;
    list->present = false;
}

struct view *views_present(const struct view_list *list)
{
    return list->present ? list->newest : NULL;
}

CK_OBJECT_HANDLE view_handle(const struct view *view, size_t index)
{
    return view->sequence << INDEX_BITS | (index + 1);
}

const struct object *views_object(const struct view_list *list, CK_OBJECT_HANDLE handle,
                                  struct view **ret_view)
{
    unsigned long sequence = handle >> INDEX_BITS;
    size_t number = handle & ((1UL << INDEX_BITS) - 1);
    struct view *view = list->oldest;

    while (view != NULL && view->sequence != sequence)
        view = view->newer;
    if (view == NULL || number == 0 || number > view->objects->count)
        return NULL;
    *ret_view = view;
    return &view->objects->objects[number - 1];
}
