/* PKCS #11 3.0, 5.12: message digesting. No login, no TPM. */
#include "mechanism.h"
#include "session.h"

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    struct session *session = call.session;
    if (mechanism == NULL) {
        /* 3.0, 5.12.1: NULL ends what is active */
        bool active = session->digest.active;
        session->digest.active = false;
        return call_end(&call, active ? CKR_OK : CKR_ARGUMENTS_BAD);
    }
    if (session->digest.active)
        return call_end(&call, CKR_OPERATION_ACTIVE);
    enum digest_algorithm algorithm = mechanism_digest(mechanism->mechanism);
    if (algorithm == DIGEST_NONE)
        return call_end(&call, CKR_MECHANISM_INVALID);
    if (mechanism->ulParameterLen != 0)
        return call_end(&call, CKR_MECHANISM_PARAM_INVALID);
    digest_init(&session->digest.state, algorithm);
    session->digest.active = true;
    session->digest.multipart = false;
    return call_end(&call, CKR_OK);
}

/* Whether the caller only asks for the length, or has too little room: then the operation stays (5.2). */
static bool length_only(CK_RV *rv, const CK_BYTE *buffer, CK_ULONG *size, CK_ULONG needed)
{
    CK_ULONG room = *size;
    *size = needed;
    *rv = buffer != NULL && room < needed ? CKR_BUFFER_TOO_SMALL : CKR_OK;
    return buffer == NULL || room < needed;
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *digest,
               CK_ULONG *ret_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    struct session *session = call.session;
    if (!session->digest.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if ((data == NULL && data_size > 0) || ret_size == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (session->digest.multipart)
        rv = CKR_OPERATION_NOT_INITIALIZED;
    else if (length_only(&rv, digest, ret_size, digest_size(session->digest.state.algorithm)))
        return call_end(&call, rv);
    if (rv == CKR_OK) {
        digest_update(&session->digest.state, data, data_size);
        digest_final(&session->digest.state, digest);
    }
    session->digest.active = false;
    return call_end(&call, rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG part_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    struct session *session = call.session;
    if (!session->digest.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if (part == NULL && part_size > 0) {
        session->digest.active = false;
        return call_end(&call, CKR_ARGUMENTS_BAD);
    }
    digest_update(&session->digest.state, part, part_size);
    session->digest.multipart = true;
    return call_end(&call, CKR_OK);
}

/* A private key's value is not to be had, a public one has none. */
CK_RV C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
    struct call call;
    struct view *view;
    bool hidden;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (!call.session->digest.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    call.session->digest.active = false;
    if (call_object(&call, key, &view, &hidden) == NULL)
        return call_end(&call, CKR_KEY_HANDLE_INVALID);
    view_unref(view);
    return call_end(&call, CKR_KEY_INDIGESTIBLE);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, CK_BYTE *digest, CK_ULONG *ret_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    struct session *session = call.session;
    if (!session->digest.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if (ret_size == NULL)
        rv = CKR_ARGUMENTS_BAD;
    else if (length_only(&rv, digest, ret_size, digest_size(session->digest.state.algorithm)))
        return call_end(&call, rv);
    if (rv == CKR_OK)
        digest_final(&session->digest.state, digest);
    session->digest.active = false;
    return call_end(&call, rv);
}
