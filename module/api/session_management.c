/* PKCS #11 3.0, 5.6: session management. */
#include <string.h>

#include <openssl/crypto.h>

#include "session.h"

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *ret_handle)
{
    struct library *library;
    (void)application;
    (void)notify;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    if (slot != SLOT_ID)
        rv = CKR_SLOT_ID_INVALID;
    else if (ret_handle == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if ((flags & CKF_SERIAL_SESSION) == 0)
        rv = CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    else
        rv = session_open(library, (flags & CKF_RW_SESSION) != 0, ret_handle);
    library_leave(library);
    return rv;
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    struct library *library;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    rv = session_close(library, handle);
    library_leave(library);
    return rv;
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    struct library *library;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    if (slot == SLOT_ID) {
        pthread_mutex_lock(&library->lock);
        session_close_all_locked(library);
        pthread_mutex_unlock(&library->lock);
    } else {
        rv = CKR_SLOT_ID_INVALID;
    }
    library_leave(library);
    return rv;
}

/* Whether the state that sessions show is that of a user: the login is for the token as it is now. */
static bool user_state_locked(const struct library *library)
{
    const struct view *view = library->views.newest;
    return library->login.active &&
           (view == NULL || login_covers(&library->login, &view->objects->generation->key));
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (info == NULL)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    pthread_mutex_lock(&call.library->lock);
    bool user = user_state_locked(call.library);
    pthread_mutex_unlock(&call.library->lock);
    bool read_write = call.session->read_write;
    info->slotID = SLOT_ID;
    info->flags = CKF_SERIAL_SESSION | (read_write ? CKF_RW_SESSION : 0);
    info->ulDeviceError = 0;
    if (read_write)
        info->state = user ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION;
    else
        info->state = user ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
    return call_end(&call, CKR_OK);
}

CK_RV C_GetOperationState(CK_SESSION_HANDLE handle, CK_BYTE *state, CK_ULONG *state_size)
{
    struct call call;
    (void)state;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, state_size == NULL ? CKR_ARGUMENTS_BAD : CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE handle, CK_BYTE *state, CK_ULONG state_size,
                          CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    struct call call;
    (void)state_size;
    (void)encryption_key;
    (void)authentication_key;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, state == NULL ? CKR_ARGUMENTS_BAD : CKR_FUNCTION_NOT_SUPPORTED);
}

/* Reads the counters that C_GetTokenInfo shows, after a login failed. */
static void note_failure(struct library *library)
{
    struct tpm_lockout lockout;
    if (signer_lockout_read(library->signer, &lockout) != CKR_OK)
        return;
    pthread_mutex_lock(&library->lock);
    login_lockout_note(&library->login, &lockout);
    pthread_mutex_unlock(&library->lock);
}

/*
 * Asks the TPM about a PIN. A PIN that no key can have, the empty one before all, is wrong without asking;
 * each question about another counts towards the lock-out, so it is asked once.
 */
static CK_RV check_pin(struct library *library, const struct tpm_key *key, const CK_UTF8CHAR *pin,
                       CK_ULONG pin_size, struct secret **ret_secret)
{
    struct tpm_auth auth;
    if (pin == NULL)
        return CKR_ARGUMENTS_BAD;
    if (!tpm_auth_derive(pin, pin_size, key->pin_salt, &auth))
        return CKR_PIN_INCORRECT;
    struct secret *secret = secret_new(&auth);
    OPENSSL_cleanse(&auth, sizeof auth);
    if (secret == NULL)
        return CKR_HOST_MEMORY;
    CK_RV rv = signer_auth_check(library->signer, key, secret_auth(secret));
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED)
        note_failure(library);
    if (rv == CKR_OK)
        *ret_secret = secret;
    else
        secret_unref(secret);
    return rv;
}

/* 5.6.8. The token as it is now, with a reference, and whether its user is logged in already. */
static CK_RV login_token(struct library *library, struct view **ret_view, bool *ret_logged_in)
{
    pthread_mutex_lock(&library->lock);
    session_views_refresh_locked(library);
    struct view *view = views_present(&library->views);
    if (view != NULL) {
        *ret_view = view_ref(view);
        *ret_logged_in = user_state_locked(library);
    }
    pthread_mutex_unlock(&library->lock);
    return view == NULL ? CKR_DEVICE_REMOVED : CKR_OK;
}

static CK_RV login_user(struct call *call, const CK_UTF8CHAR *pin, CK_ULONG pin_size)
{
    struct view *view;
    struct secret *secret = NULL;
    bool logged_in;

    CK_RV rv = login_token(call->library, &view, &logged_in);
    if (rv != CKR_OK)
        return rv;
    const struct tpm_key *key = &view->objects->generation->key;
    if (logged_in)
        rv = CKR_USER_ALREADY_LOGGED_IN;
    else if (key->has_pin)
        rv = check_pin(call->library, key, pin, pin_size, &secret);
    /* a token without a PIN takes any: some applications have one to give and insist */
    if (rv == CKR_OK) {
        pthread_mutex_lock(&call->library->lock);
        if (atomic_load(&call->session->closed)) {
            rv = CKR_SESSION_CLOSED; /* 5.6.3: the last session's end is the login's, also of one under way */
            secret_unref(secret);
        } else if (user_state_locked(call->library)) {
            rv = CKR_USER_ALREADY_LOGGED_IN; /* another thread was faster */
            secret_unref(secret);
        } else {
            login_begin(&call->library->login, key, secret);
        }
        pthread_mutex_unlock(&call->library->lock);
    }
    view_unref(view);
    return rv;
}

/*
 * 5.6.8: the answer to CKA_ALWAYS_AUTHENTICATE, which no key here has. With a signature begun, the PIN is
 * checked and nothing else changes; without one there is nothing to authenticate.
 */
static CK_RV login_context(struct call *call, const CK_UTF8CHAR *pin, CK_ULONG pin_size)
{
    struct secret *secret = NULL;
    if (!call->session->sign.active)
        return CKR_OPERATION_NOT_INITIALIZED;
    const struct tpm_key *key = &call->session->sign.view->objects->generation->key;
    if (!key->has_pin)
        return CKR_OK;
    CK_RV rv = check_pin(call->library, key, pin, pin_size, &secret);
    secret_unref(secret);
    return rv;
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user_type, CK_UTF8CHAR *pin, CK_ULONG pin_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    switch (user_type) {
    case CKU_USER:
        return call_end(&call, login_user(&call, pin, pin_size));
    case CKU_CONTEXT_SPECIFIC:
        return call_end(&call, login_context(&call, pin, pin_size));
    default: /* there is no SO */
        return call_end(&call, CKR_USER_TYPE_INVALID);
    }
}

/* The token has one user, who has no name. */
CK_RV C_LoginUser(CK_SESSION_HANDLE handle, CK_USER_TYPE user_type, CK_UTF8CHAR *pin, CK_ULONG pin_size,
                  CK_UTF8CHAR *user_name, CK_ULONG user_name_size)
{
    struct call call;
    if (user_name_size == 0)
        return C_Login(handle, user_type, pin, pin_size);
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, user_name == NULL ? CKR_ARGUMENTS_BAD : CKR_USER_TYPE_INVALID);
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    pthread_mutex_lock(&call.library->lock);
    if (call.library->login.active)
        login_end(&call.library->login);
    else
        rv = CKR_USER_NOT_LOGGED_IN;
    pthread_mutex_unlock(&call.library->lock);
    return call_end(&call, rv);
}

/* 3.0, 5.6.6. What this module never begins is never active. */
CK_RV C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if ((flags & CKF_FIND_OBJECTS) != 0)
        call.session->find.active = false;
    if ((flags & CKF_DIGEST) != 0)
        call.session->digest.active = false;
    if ((flags & CKF_SIGN) != 0)
        key_operation_end(&call.session->sign);
    if ((flags & CKF_VERIFY) != 0)
        key_operation_end(&call.session->verify);
    return call_end(&call, CKR_OK);
}
