#include "session.h"

#include <limits.h>
#include <stdlib.h>

/* A handle is the slot of the table from 1, and a serial number above it that no other session of this life
 * had. */
#define TABLE_BITS 20
#define TABLE_MAX  ((1UL << TABLE_BITS) - 1)

void key_operation_end(struct key_operation *operation)
{
    view_unref(operation->view);
    operation->view = NULL;
    operation->active = false;
    operation->multipart = false;
}

static void unref_locked(struct session *session)
{
    if (--session->references > 0)
        return;
    key_operation_end(&session->sign);
    key_operation_end(&session->verify);
    pthread_mutex_destroy(&session->lock);
    free(session);
}

/* The slot of a handle that is open, or NULL. */
static struct session **find_locked(struct library *library, CK_SESSION_HANDLE handle)
{
    size_t number = handle & TABLE_MAX;
    if (number == 0 || number > library->session_capacity)
        return NULL;
    struct session **slot = &library->sessions[number - 1];
    return *slot != NULL && (*slot)->handle == handle ? slot : NULL;
}

CK_RV call_begin(struct call *call, CK_SESSION_HANDLE handle)
{
    CK_RV rv = library_enter(&call->library);
    if (rv != CKR_OK)
        return rv;
    pthread_mutex_lock(&call->library->lock);
    struct session **slot = find_locked(call->library, handle);
    call->session = slot == NULL ? NULL : *slot;
    if (call->session != NULL)
        call->session->references++;
    pthread_mutex_unlock(&call->library->lock);
    if (call->session == NULL) {
        library_leave(call->library);
        return CKR_SESSION_HANDLE_INVALID;
    }
    pthread_mutex_lock(&call->session->lock);
    if (atomic_load(&call->session->closed))
        return call_end(call, CKR_SESSION_HANDLE_INVALID);
    return CKR_OK;
}

CK_RV call_end(struct call *call, CK_RV rv)
{
    pthread_mutex_unlock(&call->session->lock);
    pthread_mutex_lock(&call->library->lock);
    unref_locked(call->session);
    pthread_mutex_unlock(&call->library->lock);
    library_leave(call->library);
    return rv;
}

/* A free slot of the table, which grows. False: CKR_HOST_MEMORY. */
static bool take_slot_locked(struct library *library, size_t *ret_index)
{
    for (size_t i = 0; i < library->session_capacity; i++) {
        if (library->sessions[i] == NULL) {
            *ret_index = i;
            return true;
        }
    }
    size_t capacity = library->session_capacity == 0 ? 8 : library->session_capacity * 2;
    if (capacity > TABLE_MAX)
        return false;
    struct session **larger = reallocarray(library->sessions, capacity, sizeof(void *));
    if (larger == NULL)
        return false;
    for (size_t i = library->session_capacity; i < capacity; i++)
        larger[i] = NULL;
    *ret_index = library->session_capacity;
    library->sessions = larger;
    library->session_capacity = capacity;
    return true;
}

static CK_RV open_locked(struct library *library, struct session *session, bool read_write)
{
    size_t index;
    if (library->stopped)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    session_views_refresh_locked(library);
    const struct view *view = views_present(&library->views);
    if (view == NULL)
        return library->views.status == TOKEN_ABSENT ? CKR_TOKEN_NOT_PRESENT : CKR_TOKEN_NOT_RECOGNIZED;
    if (!take_slot_locked(library, &index))
        return CKR_HOST_MEMORY;
    session->references = 1;
    session->handle = ++library->session_serial << TABLE_BITS | (index + 1);
    session->read_write = read_write;
    session->oldest_sequence = view->sequence;
    library->sessions[index] = session;
    library->session_count++;
    library->read_write_count += read_write;
    return CKR_OK;
}

CK_RV session_open(struct library *library, bool read_write, CK_SESSION_HANDLE *ret_handle)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return CKR_HOST_MEMORY;
    pthread_mutex_init(&session->lock, NULL);
    atomic_init(&session->closed, false);
    pthread_mutex_lock(&library->lock);
    CK_RV rv = open_locked(library, session, read_write);
    if (rv == CKR_OK)
        *ret_handle = session->handle;
    pthread_mutex_unlock(&library->lock);
    if (rv != CKR_OK) {
        pthread_mutex_destroy(&session->lock);
        free(session);
    }
    return rv;
}

static void close_locked(struct library *library, struct session **slot)
{
    struct session *session = *slot;
    *slot = NULL;
    library->session_count--;
    library->read_write_count -= session->read_write;
    atomic_store(&session->closed, true);
    unref_locked(session);
    /* 3.0, 5.6.3: closing the last session logs out */
    if (library->session_count == 0)
        login_end(&library->login);
}

CK_RV session_close(struct library *library, CK_SESSION_HANDLE handle)
{
    pthread_mutex_lock(&library->lock);
    struct session **slot = find_locked(library, handle);
    if (slot != NULL) {
        close_locked(library, slot);
        views_trim(&library->views, session_oldest_locked(library));
    }
    pthread_mutex_unlock(&library->lock);
    return slot == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

void session_close_all_locked(struct library *library)
{
    for (size_t i = 0; i < library->session_capacity; i++)
        if (library->sessions[i] != NULL)
            close_locked(library, &library->sessions[i]);
    views_trim(&library->views, session_oldest_locked(library));
}

unsigned long session_oldest_locked(const struct library *library)
{
    unsigned long oldest = ULONG_MAX;
    for (size_t i = 0; i < library->session_capacity; i++)
        if (library->sessions[i] != NULL && library->sessions[i]->oldest_sequence < oldest)
            oldest = library->sessions[i]->oldest_sequence;
    return oldest;
}

const struct object *call_object(struct call *call, CK_OBJECT_HANDLE handle, struct view **ret_view,
                                 bool *ret_hidden)
{
    struct view *view = NULL;
    *ret_hidden = false;
    pthread_mutex_lock(&call->library->lock);
    const struct object *object = views_object(&call->library->views, handle, &view);
    if (object != NULL && object_is_private(object) &&
        !login_covers(&call->library->login, &view->objects->generation->key)) {
        *ret_hidden = true;
        object = NULL;
    }
    if (object != NULL)
        *ret_view = view_ref(view);
    pthread_mutex_unlock(&call->library->lock);
    return object;
}

void session_views_refresh_locked(struct library *library)
{
    views_refresh(&library->views);
    views_trim(&library->views, session_oldest_locked(library));
}

CK_RV session_write_refusal(const struct session *session)
{
    return session->read_write ? CKR_TOKEN_WRITE_PROTECTED : CKR_SESSION_READ_ONLY;
}
