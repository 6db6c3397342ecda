#include "door.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* A thread that waits for the door; it lives on that thread's stack. */
struct waiter {
    pthread_cond_t turn;
    bool admitted;
    struct waiter *next;
};

struct door {
    char *tcti; /* NULL: refused */

    /*
     * A queue and not a mutex: under load a mutex goes back to the thread that has just left it, and the
     * others wait for a hundred signatures. Handing over keeps the wait below one signature for each thread
     * before.
     */
    pthread_mutex_t lock; /* of the three below, never held during a command */
    bool taken;
    struct waiter *first, *last;

    struct tpm *tpm; /* of the thread that has the door */
};

static const struct {
    enum tpm_status status;
    CK_RV value;
} translations[] = {
    {TPM_OK, CKR_OK},
    /* not CKR_DEVICE_REMOVED: pkcs11-helper (OpenVPN) then logs out and tries again at once, for ever, while
     * the token is still shown */
    {TPM_UNREACHABLE, CKR_DEVICE_ERROR},
    {TPM_PERMISSION, CKR_DEVICE_ERROR},
    {TPM_BUSY, CKR_DEVICE_ERROR},
    {TPM_BAD_TCTI, CKR_DEVICE_ERROR},
    {TPM_AUTH_FAILED, CKR_PIN_INCORRECT},
    {TPM_LOCKED_OUT, CKR_PIN_LOCKED},
    {TPM_WRONG_KEY, CKR_DEVICE_ERROR},
    {TPM_HIERARCHY_DENIED, CKR_DEVICE_ERROR},
    {TPM_NO_SPACE, CKR_DEVICE_MEMORY},
    {TPM_UNSUPPORTED, CKR_DEVICE_ERROR},
    {TPM_BAD_ARGUMENT, CKR_DATA_INVALID},
    {TPM_CANCELED, CKR_FUNCTION_CANCELED},
    {TPM_NO_MEMORY, CKR_HOST_MEMORY},
    {TPM_FAILED, CKR_DEVICE_ERROR},
};

struct door *door_new(const char *tcti)
{
    struct door *door = calloc(1, sizeof *door);
    if (door == NULL)
        return NULL;
    if (tcti != NULL && (door->tcti = strdup(tcti)) == NULL) {
        free(door);
        return NULL;
    }
    pthread_mutex_init(&door->lock, NULL);
    return door;
}

void door_free(struct door *door)
{
    if (door == NULL)
        return;
    tpm_free(door->tpm);
    pthread_mutex_destroy(&door->lock);
    free(door->tcti);
    free(door);
}

void door_abandon(struct door *door)
{
    if (door == NULL)
        return;
    /* a thread that the child does not have was inside: what it left is not to be trusted, so it stays where
     * it is */
    if (door->taken) {
        tpm_abandon_in_use(door->tpm);
        return;
    }
    tpm_abandon(door->tpm);
    free(door->tcti);
    free(door);
}

static void wait_in_line_locked(struct door *door)
{
    struct waiter self = {.admitted = false, .next = NULL};
    pthread_cond_init(&self.turn, NULL);
    if (door->last == NULL)
        door->first = &self;
    else
        door->last->next = &self;
    door->last = &self;
    while (!self.admitted)
        pthread_cond_wait(&self.turn, &door->lock);
    pthread_cond_destroy(&self.turn);
}

/* As door_enter(); who does not wait gets CKR_CANT_LOCK where somebody is inside. */
static CK_RV enter(struct door *door, bool waits, struct tpm **ret_tpm)
{
    if (door->tcti == NULL) {
        log_line("the configuration of the TPM connection cannot be read");
        return CKR_DEVICE_ERROR;
    }
    pthread_mutex_lock(&door->lock);
    bool admitted = waits || !door->taken;
    if (!door->taken)
        door->taken = true;
    else if (waits)
        wait_in_line_locked(door);
    pthread_mutex_unlock(&door->lock);
    if (!admitted)
        return CKR_CANT_LOCK;

    if (door->tpm == NULL)
        door->tpm = tpm_new(door->tcti);
    if (door->tpm == NULL) {
        (void)door_leave(door, "connecting", TPM_NO_MEMORY);
        return CKR_HOST_MEMORY;
    }
    *ret_tpm = door->tpm;
    return CKR_OK;
}

CK_RV door_enter(struct door *door, struct tpm **ret_tpm)
{
    return enter(door, true, ret_tpm);
}

static CK_RV translate(enum tpm_status status)
{
    for (size_t i = 0; i < sizeof translations / sizeof translations[0]; i++)
        if (translations[i].status == status)
            return translations[i].value;
    return CKR_GENERAL_ERROR;
}

CK_RV door_leave(struct door *door, const char *what, enum tpm_status status)
{
    if (status != TPM_OK)
        log_line("%s: %s (0x%08x)", what, tpm_status_text(status),
                 door->tpm == NULL ? 0 : tpm_last_response_code(door->tpm));
    pthread_mutex_lock(&door->lock);
    struct waiter *next = door->first;
    if (next == NULL) {
        door->taken = false;
    } else {
        door->first = next->next;
        if (door->first == NULL)
            door->last = NULL;
        next->admitted = true;
        pthread_cond_signal(&next->turn);
    }
    pthread_mutex_unlock(&door->lock);
    return translate(status);
}

CK_RV door_auth_check(struct door *door, const struct tpm_key *key, const struct tpm_auth *auth)
{
    struct tpm *tpm;
    CK_RV rv = door_enter(door, &tpm);
    if (rv != CKR_OK)
        return rv;
    return door_leave(door, "checking the PIN", tpm_auth_check(tpm, key, auth));
}

CK_RV door_lockout_read(struct door *door, struct tpm_lockout *ret_lockout)
{
    struct tpm *tpm;
    CK_RV rv = door_enter(door, &tpm);
    if (rv != CKR_OK)
        return rv;
    return door_leave(door, "reading the lock-out counters", tpm_lockout_read(tpm, ret_lockout));
}

CK_RV door_lockout_glance(struct door *door, struct tpm_lockout *ret_lockout)
{
    struct tpm *tpm;
    CK_RV rv = enter(door, false, &tpm);
    if (rv != CKR_OK)
        return rv;
    return door_leave(door, "a look at the lock-out counters", tpm_lockout_glance(tpm, ret_lockout));
}
