/*
 * The generations of the token that this process knows: the present one, and older ones that a session may
 * still hold handles of. An object handle names its generation, so that a renewed certificate appears in a
 * running application and a handle from before goes on meaning the key it meant.
 */
#ifndef SESSION_VIEW_H
#define SESSION_VIEW_H

#include <stdatomic.h>
#include <stdbool.h>

#include "object.h"

struct view {
    atomic_uint references;
    unsigned long sequence; /* 1 for the first one read in this process */
    struct object_set *objects;
    struct view *newer;
};

/* The owner serialises all calls on a list. */
struct view_list {
    struct token_places places;
    struct view *oldest, *newest;
    bool present;             /* the newest one is what stands on disk now */
    enum token_status status; /* why it is not */
    bool stamped;
    uint8_t stamp[32]; /* of what was last read, well or in vain */
};

/* Where the token is looked for, as the environment says now; of a list that is all zero. */
void views_start(struct view_list *list);

/* Reads the token again if it is not what was last read. */
void views_refresh(struct view_list *list);

/* Forgets the generations before `sequence`, but never the newest. */
void views_trim(struct view_list *list, unsigned long sequence);
void views_clear(struct view_list *list);

/* The token as it is now, or NULL; not a reference. */
struct view *views_present(const struct view_list *list);

/* The object of a handle, or NULL. *ret_view is not a reference. */
const struct object *views_object(const struct view_list *list, CK_OBJECT_HANDLE handle,
                                  struct view **ret_view);

CK_OBJECT_HANDLE view_handle(const struct view *view, size_t index);

struct view *view_ref(struct view *view);
void view_unref(struct view *view); /* NULL is allowed */

#endif
