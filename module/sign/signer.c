#include "signer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* A waiting thread; stands on that thread's stack. */
struct waiter {
    pthread_cond_t turn;
    bool admitted;
    struct waiter *next;
};

struct signer {
    char *tcti; /* NULL: refused */

    /*
     * A queue and not a mutex: under load a mutex goes back to the thread that has just left it, and the
     * others wait for a hundred signatures. Handing over keeps the wait below one signature for each thread
     * before.
     */
    pthread_mutex_t lock; /* of the three below, never held during a command */
    bool taken;
    struct waiter *first, *last;

    struct tpm *tpm; /* of the thread that holds it */
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

struct signer *signer_new(const char *tcti)
{
    struct signer *signer = calloc(1, sizeof(*signer));
    if (signer == NULL)
        return NULL;
    if (tcti != NULL && (signer->tcti = strdup(tcti)) == NULL) {
        free(signer);
        return NULL;
    }
    pthread_mutex_init(&signer->lock, NULL);
    return signer;
}

void signer_free(struct signer *signer)
{
    if (signer == NULL)
        return;
    tpm_free(signer->tpm);
    pthread_mutex_destroy(&signer->lock);
    free(signer->tcti);
    free(signer);
}

void signer_abandon(struct signer *signer)
{
    if (signer == NULL)
        return;
    /* A thread that does not exist in the child held it: its state may be inconsistent, so it is leaked. */
    if (signer->taken) {
        tpm_abandon_in_use(signer->tpm);
        return;
    }
    tpm_abandon(signer->tpm);
    free(signer->tcti);
    free(signer);
}

static void wait_for_turn_locked(struct signer *signer)
{
    struct waiter self = {.admitted = false, .next = NULL};
    pthread_cond_init(&self.turn, NULL);
    if (signer->last == NULL)
        signer->first = &self;
    else
        signer->last->next = &self;
    signer->last = &self;
    while (!self.admitted)
        pthread_cond_wait(&self.turn, &signer->lock);
    pthread_cond_destroy(&self.turn);
}

/* Like signer_acquire(); without waiting, CKR_CANT_LOCK while another thread holds it. */
static CK_RV enter(struct signer *signer, bool waits, struct tpm **ret_tpm)
{
    if (signer->tcti == NULL) {
        log_line("the configuration of the TPM connection cannot be read");
        return CKR_DEVICE_ERROR;
    }
    pthread_mutex_lock(&signer->lock);
    bool admitted = waits || !signer->taken;
    if (!signer->taken)
        signer->taken = true;
    else if (waits)
        wait_for_turn_locked(signer);
    pthread_mutex_unlock(&signer->lock);
    if (!admitted)
        return CKR_CANT_LOCK;

    if (signer->tpm == NULL)
        signer->tpm = tpm_new(signer->tcti);
    if (signer->tpm == NULL) {
        (void)signer_release(signer, "connecting", TPM_NO_MEMORY);
        return CKR_HOST_MEMORY;
    }
    *ret_tpm = signer->tpm;
    return CKR_OK;
}

CK_RV signer_acquire(struct signer *signer, struct tpm **ret_tpm)
{
    return enter(signer, true, ret_tpm);
}

static CK_RV translate(enum tpm_status status)
{
    for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++)
        if (translations[i].status == status)
            return translations[i].value;
    return CKR_GENERAL_ERROR;
}

CK_RV signer_release(struct signer *signer, const char *what, enum tpm_status status)
{
    if (status != TPM_OK) {
        char where[TPM_FAILURE_MAX] = "no TPM context";
        if (signer->tpm != NULL)
            tpm_failure_describe(signer->tpm, where, sizeof(where));
        log_line("%s: %s (%s)", what, tpm_status_text(status), where);
    }
    pthread_mutex_lock(&signer->lock);
    struct waiter *next = signer->first;
    if (next == NULL) {
        signer->taken = false;
    } else {
        signer->first = next->next;
        if (signer->first == NULL)
            signer->last = NULL;
        next->admitted = true;
        pthread_cond_signal(&next->turn);
    }
    pthread_mutex_unlock(&signer->lock);
    return translate(status);
}

CK_RV signer_auth_check(struct signer *signer, const struct tpm_key *key, const struct tpm_auth *auth)
{
    struct tpm *tpm;
    CK_RV rv = signer_acquire(signer, &tpm);
    if (rv != CKR_OK)
        return rv;
    return signer_release(signer, "checking the PIN", tpm_auth_check(tpm, key, auth));
}

CK_RV signer_lockout_read(struct signer *signer, struct tpm_lockout *ret_lockout)
{
    struct tpm *tpm;
    CK_RV rv = signer_acquire(signer, &tpm);
    if (rv != CKR_OK)
        return rv;
    return signer_release(signer, "reading the lock-out counters", tpm_lockout_read(tpm, ret_lockout));
}

CK_RV signer_lockout_try_read(struct signer *signer, struct tpm_lockout *ret_lockout)
{
    struct tpm *tpm;
    CK_RV rv = enter(signer, false, &tpm);
    if (rv != CKR_OK)
        return rv;
    return signer_release(signer, "reading the lock-out counters", tpm_lockout_read_quick(tpm, ret_lockout));
}
