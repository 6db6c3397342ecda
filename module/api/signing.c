/* PKCS #11 3.0, 5.13: signing. The only entry points that come to the TPM, beside C_Login of a token with a
 * PIN. */
#include <string.h>

#include <openssl/crypto.h>

#include "key_operation.h"

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, key_operation_begin(&call, &call.session->sign, mechanism, key, CKO_PRIVATE_KEY));
}

/* Signs with the login as it is now: after C_Logout a signature that was begun is not finished. */
static CK_RV make(struct call *call, struct key_operation *operation, CK_BYTE *ret_signature)
{
    const struct tpm_key *key = &operation->view->objects->generation->key;
    struct library *library = call->library;

    pthread_mutex_lock(&library->lock);
    bool covered = login_covers(&library->login, key);
    struct secret *secret = secret_ref(login_secret(&library->login, key));
    pthread_mutex_unlock(&library->lock);
    if (!covered)
        return CKR_USER_NOT_LOGGED_IN;

    uint8_t value[TPM_RSA_MAX];
    CK_RV rv = signature_make(&operation->signature, library->signer, key, secret_auth(secret), value);
    if (rv == CKR_OK)
        memcpy(ret_signature, value, signature_size(&key->public_key));
    if (rv == CKR_PIN_INCORRECT) {
        /* the PIN was changed under us: asking again with the old value would only count towards the lock-out
         */
        pthread_mutex_lock(&library->lock);
        if (secret != NULL)
            login_forget(&library->login, secret);
        pthread_mutex_unlock(&library->lock);
        rv = key->has_pin ? CKR_USER_NOT_LOGGED_IN : CKR_DEVICE_ERROR;
    }
    secret_unref(secret);
    return rv;
}

/* The end of C_Sign and C_SignFinal. Everything ends the operation but a question for the length (5.2). */
static CK_RV finish(struct call *call, CK_BYTE *signature, CK_ULONG *size)
{
    struct key_operation *operation = &call->session->sign;
    CK_ULONG needed = signature_size(&operation->view->objects->generation->key.public_key);
    CK_ULONG room = *size;

    *size = needed;
    if (signature == NULL)
        return CKR_OK;
    if (room < needed)
        return CKR_BUFFER_TOO_SMALL;
    CK_RV rv = make(call, operation, signature);
    key_operation_end(operation);
    return rv;
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG *size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    struct key_operation *operation = &call.session->sign;
    if (!operation->active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if ((data == NULL && data_size > 0) || size == NULL) {
        rv = CKR_ARGUMENTS_BAD;
    } else if (operation->multipart) {
        rv = CKR_OPERATION_NOT_INITIALIZED; /* 5.13.2: C_Sign does not end what C_SignUpdate began */
    } else {
        if (signature != NULL &&
            *size >= signature_size(&operation->view->objects->generation->key.public_key))
            signature_update(&operation->signature, data, data_size);
        return call_end(&call, finish(&call, signature, size));
    }
    key_operation_end(operation);
    return call_end(&call, rv);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG part_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, key_operation_update(&call.session->sign, part, part_size));
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG *size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (!call.session->sign.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if (size == NULL) {
        key_operation_end(&call.session->sign);
        return call_end(&call, CKR_ARGUMENTS_BAD);
    }
    return call_end(&call, finish(&call, signature, size));
}
