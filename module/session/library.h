/*
 * The C_* entry points: here arguments, sessions and state are checked, and nowhere below. One file for each
 * chapter of the specification; what they share is the library's state, in this header, and a session's, in
 * session.h.
 *
 * A `struct library` is one life from C_Initialize to C_Finalize. Each call holds a reference while it runs,
 * so C_Finalize takes the library out of sight and returns, and the last call that is still inside frees it.
 * A forked child loses sight of its parent's library the same way. Locks, in the order they are taken: a
 * session's, then the library's. Neither is held by a thread that waits for the TPM except the session's own.
 */
#ifndef SESSION_LIBRARY_H
#define SESSION_LIBRARY_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "signer.h"
#include "login.h"
#include "pkcs11.h"
#include "view.h"

#define SLOT_ID 0UL

struct session;

struct library {
    atomic_uint references;
    struct signer *signer; /* from beginning to end the same */
    pthread_mutex_t lock;  /* of everything below */
    bool stopped;          /* by C_Finalize: a call that was already inside opens no session any more */
    struct view_list views;
    struct login login;
    struct session **sessions; /* by slot of the table; NULL where one is free */
    size_t session_capacity;
    size_t session_count, read_write_count;
    unsigned long session_serial; /* makes handles differ that use the same slot of the table */
    struct library *next;         /* of those that live, or that a forked child inherited */
};

/* CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_HOST_MEMORY. */
CK_RV library_start(void) __attribute__((warn_unused_result));
/* Takes the library out of sight; sessions_close is called with its lock held. CKR_CRYPTOKI_NOT_INITIALIZED.
 */
CK_RV library_stop(void (*sessions_close)(struct library *library)) __attribute__((warn_unused_result));

/* A reference to the present library, for one call, in which its thread is not cancelled.
 * CKR_CRYPTOKI_NOT_INITIALIZED, in a forked child too. */
CK_RV library_enter(struct library **ret_library) __attribute__((warn_unused_result));
void library_leave(struct library *library);

/* Copies text into a field of fixed size, blank-padded and not ended (2.40, 3.1). */
void text_pad(CK_UTF8CHAR *field, size_t field_size, const char *text);

#endif
