/* PKCS #11 3.0, 5.18 and 5.21: key management, and the functions of the parallel times. Keys are made by
 * intune-enroll. */
#include "session.h"

/* The arguments of a function that does nothing are not looked at. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

static CK_RV refuse(CK_SESSION_HANDLE handle, CK_RV reason)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    return rv == CKR_OK ? call_end(&call, reason) : rv;
}

/* Making a key is writing to the token. */
static CK_RV refuse_write(CK_SESSION_HANDLE handle)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, call.session->read_write ? CKR_TOKEN_WRITE_PROTECTED : CKR_SESSION_READ_ONLY);
}

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template,
                    CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    return refuse_write(session);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,
                        CK_ULONG public_count, CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    return refuse_write(session);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE *wrapped_key, CK_ULONG *wrapped_key_size)
{
    return refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                  CK_BYTE *wrapped_key, CK_ULONG wrapped_key_size, CK_ATTRIBUTE *template, CK_ULONG count,
                  CK_OBJECT_HANDLE *key)
{
    return refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base_key,
                  CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    return refuse(session, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    return refuse(session, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    return refuse(session, CKR_FUNCTION_NOT_PARALLEL);
}
