/*
 * Sessions: their table, and a session's operations in progress. Operations of different kinds live side by
 * side.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "library.h"
#include "signature.h"

/* A signature or a verification. */
struct key_operation {
    bool active;
    bool multipart;    /* an update was made */
    struct view *view; /* a reference: the key's generation */
    struct signature signature;
};

struct session {
    /* under the library's lock */
    unsigned references;
    CK_SESSION_HANDLE handle;
    bool read_write;
    unsigned long oldest_sequence; /* no older generation's handles can be known here */
    atomic_bool closed;

    pthread_mutex_t lock; /* of the operations */
    struct {
        bool active;
        CK_OBJECT_HANDLE handles[OBJECT_COUNT_MAX];
        size_t count, next;
    } find;
    struct {
        bool active;
        bool multipart;
        struct digest state;
    } digest;
    struct key_operation sign, verify;
};

/* One call into a session: what call_begin() took and call_end() gives back. */
struct call {
    struct library *library;
    struct session *session;
};

/* Takes library and session for a call. CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID. */
CK_RV call_begin(struct call *call, CK_SESSION_HANDLE handle) __attribute__((warn_unused_result));
/* Returns rv. */
CK_RV call_end(struct call *call, CK_RV rv);

/* Opens a session on the token that is present. CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED,
 * CKR_HOST_MEMORY. */
CK_RV session_open(struct library *library, bool read_write, CK_SESSION_HANDLE *ret_handle)
    __attribute__((warn_unused_result));
CK_RV session_close(struct library *library, CK_SESSION_HANDLE handle) __attribute__((warn_unused_result));

/* These want the library's lock. */
void session_close_all_locked(struct library *library);
unsigned long session_oldest_locked(const struct library *library);

/* Forgets an operation. */
void key_operation_end(struct key_operation *operation);

/*
 * The object of a handle, if this process may see it now, with a reference to its generation. NULL else;
 * *ret_hidden says whether a login would show it. Takes the library's lock.
 */
const struct object *call_object(struct call *call, CK_OBJECT_HANDLE handle, struct view **ret_view,
                                 bool *ret_hidden);

/* Looks whether the token changed on disk; forgets generations that no session can know. The caller has the
 * library's lock. */
void session_views_refresh_locked(struct library *library);

/* What a write-protected token says to one who wants to write: the session's kind comes first. */
CK_RV session_write_refusal(const struct session *session);

#endif
