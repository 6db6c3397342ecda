/* PKCS #11 3.0, 5.5: slot and token management. One slot, one token. */
#include <string.h>

#include "library.h"
#include "log.h"
#include "mechanism.h"
#include "session.h"

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    struct library *library;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    pthread_mutex_lock(&library->lock);
    session_views_refresh_locked(library);
    CK_ULONG found = !token_present || views_present(&library->views) != NULL ? 1 : 0;
    pthread_mutex_unlock(&library->lock);
    library_leave(library);

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = found;
    if (slots == NULL || found == 0)
        return CKR_OK;
    if (room < found)
        return CKR_BUFFER_TOO_SMALL;
    slots[0] = SLOT_ID;
    return CKR_OK;
}

/* The token that stands in the slot now, with a reference; CKR_SLOT_ID_INVALID, CKR_TOKEN_NOT_PRESENT,
 * _NOT_RECOGNIZED. */
static CK_RV find_token(struct library *library, CK_SLOT_ID slot, struct view **ret_view)
{
    if (slot != SLOT_ID)
        return CKR_SLOT_ID_INVALID;
    pthread_mutex_lock(&library->lock);
    session_views_refresh_locked(library);
    struct view *view = views_present(&library->views);
    CK_RV rv = CKR_OK;
    if (view != NULL)
        *ret_view = view_ref(view);
    else
        rv = library->views.status == TOKEN_ABSENT ? CKR_TOKEN_NOT_PRESENT : CKR_TOKEN_NOT_RECOGNIZED;
    pthread_mutex_unlock(&library->lock);
    return rv;
}

/* A call about the token of a slot, from its beginning: *ret_library and *ret_view are to be given back. */
static CK_RV token_begin(CK_SLOT_ID slot, struct library **ret_library, struct view **ret_view)
{
    CK_RV rv = library_enter(ret_library);
    if (rv != CKR_OK)
        return rv;
    rv = find_token(*ret_library, slot, ret_view);
    if (rv != CKR_OK)
        library_leave(*ret_library);
    return rv;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    struct library *library;
    struct view *view = NULL;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    rv = find_token(library, slot, &view);
    library_leave(library);
    if (rv == CKR_SLOT_ID_INVALID)
        return rv;
    if (info != NULL) {
        memset(info, 0, sizeof *info);
        text_pad(info->slotDescription, sizeof info->slotDescription, "TPM 2.0 device key");
        text_pad(info->manufacturerID, sizeof info->manufacturerID, "intune-tpm");
        info->flags = CKF_HW_SLOT | (view != NULL ? CKF_TOKEN_PRESENT : 0);
    }
    view_unref(view);
    return info == NULL ? CKR_ARGUMENTS_BAD : CKR_OK;
}

/* 3.0, table 6: the three flags, from the TPM's counters of all failures of all its users. */
static CK_FLAGS lockout_flags(const struct tpm_lockout *lockout)
{
    CK_FLAGS flags = 0;
    if (lockout->failures > 0)
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (lockout->max_failures > 0 && lockout->failures + 1 == lockout->max_failures)
        flags |= CKF_USER_PIN_FINAL_TRY;
    if (lockout->locked || (lockout->max_failures > 0 && lockout->failures >= lockout->max_failures))
        flags |= CKF_USER_PIN_LOCKED;
    return flags;
}

/*
 * The counters are the TPM's, and any process moves them: a command tells what they are, once in a while, as
 * long as nobody is logged in. Only a token with a PIN asks. Where the TPM does not answer at once, or
 * another thread is talking to it, what was known last is shown: nobody who lists tokens is to wait for a
 * TPM. (A device of the kernel cannot be left once it has the command; it answers in its own time.)
 */
static CK_FLAGS pin_flags(struct library *library)
{
    struct tpm_lockout lockout;

    pthread_mutex_lock(&library->lock);
    bool due = login_lockout_is_due(&library->login);
    pthread_mutex_unlock(&library->lock);
    CK_RV rv = due ? signer_lockout_try_read(library->signer, &lockout) : CKR_CANT_LOCK;
    pthread_mutex_lock(&library->lock);
    if (rv != CKR_CANT_LOCK && !library->login.active)
        login_lockout_note(&library->login, rv == CKR_OK ? &lockout : NULL);
    lockout = library->login.lockout;
    pthread_mutex_unlock(&library->lock);
    return lockout_flags(&lockout);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    struct library *library;
    struct view *view;
    CK_RV rv = token_begin(slot, &library, &view);
    if (rv != CKR_OK)
        return rv;
    if (info == NULL) {
        rv = CKR_ARGUMENTS_BAD;
        goto out;
    }
    const struct token_generation *generation = view->objects->generation;
    memset(info, 0, sizeof *info);
    text_pad(info->label, sizeof info->label, generation->label);
    text_pad(info->manufacturerID, sizeof info->manufacturerID, generation->manufacturer);
    text_pad(info->model, sizeof info->model, generation->model);
    text_pad(info->serialNumber, sizeof info->serialNumber, generation->serial);
    text_pad(info->utcTime, sizeof info->utcTime, "");
    /* not CKF_RNG: NSS would seed from and draw on every slot that has it, at each start */
    info->flags = CKF_TOKEN_INITIALIZED | CKF_WRITE_PROTECTED | CKF_USER_PIN_INITIALIZED;
    if (generation->key.has_pin) {
        info->flags |= CKF_LOGIN_REQUIRED | pin_flags(library);
        info->ulMinPinLen = TPM_PIN_MIN;
        info->ulMaxPinLen = TPM_PIN_MAX;
    }
    info->ulMaxSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE;
    info->ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    info->firmwareVersion = (CK_VERSION){generation->firmware_major, generation->firmware_minor};
    pthread_mutex_lock(&library->lock);
    info->ulSessionCount = library->session_count;
    info->ulRwSessionCount = library->read_write_count;
    pthread_mutex_unlock(&library->lock);

out:
    view_unref(view);
    library_leave(library);
    return rv;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_MECHANISM_TYPE types[MECHANISM_COUNT_MAX];
    struct library *library;
    struct view *view;
    CK_RV rv = token_begin(slot, &library, &view);
    if (rv != CKR_OK)
        return rv;
    size_t found = mechanism_list(view->objects->generation->key.public_key.type, true, types);
    view_unref(view);
    library_leave(library);

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = found;
    if (list == NULL)
        return CKR_OK;
    if (room < found)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, types, found * sizeof types[0]);
    return CKR_OK;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    struct library *library;
    struct view *view;
    CK_RV rv = token_begin(slot, &library, &view);
    if (rv != CKR_OK)
        return rv;
    const struct tpm_public_key *key = &view->objects->generation->key.public_key;
    const struct mechanism *mechanism = mechanism_find(type);
    if (info == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (mechanism == NULL || !mechanism_suits(mechanism, key->type))
        rv = CKR_MECHANISM_INVALID;
    else
        mechanism_info(mechanism, key, info);
    view_unref(view);
    library_leave(library);
    return rv;
}

/*
 * Nothing is ever inserted or pulled out. An application that asks to be woken (strongSwan gives a thread to
 * it) must be told that there is nothing to wait for; one that looks gets its answer.
 */
CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, CK_VOID_PTR reserved)
{
    struct library *library;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    library_leave(library);
    if (slot == NULL || reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG pin_size, CK_UTF8CHAR *label)
{
    struct library *library;
    struct view *view;
    (void)pin_size;
    CK_RV rv = token_begin(slot, &library, &view);
    if (rv != CKR_OK)
        return rv;
    view_unref(view);
    library_leave(library);
    return pin == NULL || label == NULL ? CKR_ARGUMENTS_BAD : CKR_TOKEN_WRITE_PROTECTED;
}

/* The PIN is the helper's to set: intune-enroll pin. */
CK_RV C_InitPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *pin, CK_ULONG pin_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (pin == NULL && pin_size > 0)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    /* 5.5.8: for the SO alone, whom this token does not have */
    return call_end(&call, call.session->read_write ? CKR_USER_NOT_LOGGED_IN : CKR_SESSION_READ_ONLY);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *old_pin, CK_ULONG old_size, CK_UTF8CHAR *new_pin,
               CK_ULONG new_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if ((old_pin == NULL && old_size > 0) || (new_pin == NULL && new_size > 0))
        return call_end(&call, CKR_ARGUMENTS_BAD);
    return call_end(&call, call.session->read_write ? CKR_TOKEN_WRITE_PROTECTED : CKR_SESSION_READ_ONLY);
}
