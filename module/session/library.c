#include "library.h"

#include <stdlib.h>
#include <string.h>

#include "configuration.h"
#include "log.h"

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct library *current;   /* under current_lock, as the next one is */
static struct library *living;    /* all that are not freed: the present one, and those with a call inside */
static struct library *inherited; /* in a forked child: kept in view and never used */
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static _Thread_local bool fork_waits; /* this thread forks, and has what tpm_fork_begin() takes */

/*
 * The parent's threads are gone, its locks may be held by them and its data half-written: nothing of it is
 * looked at but the list, which is whole at every moment, and the signers' pointers, which never change. The
 * connections stay the parent's, also that of a call which C_Finalize left behind. PKCS #11 3.0, 2.5: the
 * child starts anew, with C_Initialize.
 */
static void forget_after_fork(void)
{
    fork_waits = false;
    tpm_fork_child();
    pthread_mutex_init(&current_lock, NULL);
    current = NULL;
    while (living != NULL) {
        struct library *library = living;
        living = library->next;
        signer_abandon(library->signer);
        library->next = inherited;
        inherited = library;
    }
}

/* May be registered twice, in a child that was forked while the registration was under way: does no harm. */
static void prepare_fork(void)
{
    if (!fork_waits)
        fork_waits = tpm_fork_begin();
}

static void finish_fork(void)
{
    if (fork_waits)
        tpm_fork_end();
    fork_waits = false;
}

static void watch_forks(void)
{
    pthread_atfork(prepare_fork, finish_fork, forget_after_fork);
}

/*
 * pthread_cancel(3) waits for the end of a call: a thread that ended inside would keep the others from the
 * locks and the TPM for good.
 */
static _Thread_local int cancel_state;

static void cancellation_hold(void)
{
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
}

static void cancellation_restore(void)
{
    int ours;
    pthread_setcancelstate(cancel_state, &ours);
}

static struct library *library_new(void)
{
    char tcti[CONFIGURATION_TCTI_MAX];
    struct library *library = calloc(1, sizeof *library);
    if (library == NULL)
        return NULL;
    library->signer = signer_new(configuration_tcti(tcti, sizeof tcti) ? tcti : NULL);
    if (library->signer == NULL) {
        free(library);
        return NULL;
    }
    views_start(&library->views);
    atomic_init(&library->references, 1);
    pthread_mutex_init(&library->lock, NULL);
    return library;
}

CK_RV library_start(void)
{
    CK_RV rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    cancellation_hold();
    pthread_once(&fork_once, watch_forks);
    log_configure();
    pthread_mutex_lock(&current_lock);
    if (current == NULL) {
        current = library_new();
        rv = current == NULL ? CKR_HOST_MEMORY : CKR_OK;
        if (current != NULL) {
            current->next = living;
            living = current;
        }
    }
    pthread_mutex_unlock(&current_lock);
    cancellation_restore();
    return rv;
}

static void unref(struct library *library)
{
    if (atomic_fetch_sub(&library->references, 1) != 1)
        return;
    pthread_mutex_lock(&current_lock);
    struct library **link = &living;
    while (*link != NULL && *link != library)
        link = &(*link)->next;
    bool found = *link != NULL;
    if (found)
        *link = library->next;
    pthread_mutex_unlock(&current_lock);
    if (!found)
        return; /* inherited: a signal handler forked inside of this call */
    login_end(&library->login);
    views_clear(&library->views);
    signer_free(library->signer);
    free(library->sessions);
    pthread_mutex_destroy(&library->lock);
    free(library);
}

CK_RV library_stop(void (*sessions_close)(struct library *library))
{
    cancellation_hold();
    pthread_mutex_lock(&current_lock);
    struct library *library = current;
    current = NULL;
    pthread_mutex_unlock(&current_lock);
    if (library != NULL) {
        pthread_mutex_lock(&library->lock);
        library->stopped = true;
        sessions_close(library);
        pthread_mutex_unlock(&library->lock);
        unref(library);
    }
    cancellation_restore();
    return library == NULL ? CKR_CRYPTOKI_NOT_INITIALIZED : CKR_OK;
}

CK_RV library_enter(struct library **ret_library)
{
    cancellation_hold();
    pthread_mutex_lock(&current_lock);
    struct library *library = current;
    if (library != NULL)
        atomic_fetch_add(&library->references, 1);
    pthread_mutex_unlock(&current_lock);
    if (library == NULL) {
        cancellation_restore();
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    *ret_library = library;
    return CKR_OK;
}

void library_leave(struct library *library)
{
    unref(library);
    cancellation_restore();
}

void text_pad(CK_UTF8CHAR *field, size_t field_size, const char *text)
{
    size_t length = strnlen(text, field_size);
    memcpy(field, text, length);
    memset(field + length, ' ', field_size - length);
}
