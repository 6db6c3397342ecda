/* PKCS #11 3.0, 5.9, 5.11, 5.14 and 5.17: functions on messages. No mechanism here is one of them. */
#include "session.h"

/* The arguments of a function that does nothing are not looked at. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

/* The state and the session are checked all the same (3.0, 5.1): who has none is told that first. */
static CK_RV refuse(CK_SESSION_HANDLE handle)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    return rv == CKR_OK ? call_end(&call, CKR_FUNCTION_NOT_SUPPORTED) : rv;
}

CK_RV C_MessageEncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return refuse(session);
}

CK_RV C_EncryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                       CK_BYTE *associated_data, CK_ULONG associated_data_size, CK_BYTE *input,
                       CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_EncryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                            CK_BYTE *associated_data, CK_ULONG associated_data_size)
{
    return refuse(session);
}

CK_RV C_EncryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                           CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size,
                           CK_FLAGS flags)
{
    return refuse(session);
}

CK_RV C_MessageEncryptFinal(CK_SESSION_HANDLE session)
{
    return refuse(session);
}

CK_RV C_MessageDecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return refuse(session);
}

CK_RV C_DecryptMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                       CK_BYTE *associated_data, CK_ULONG associated_data_size, CK_BYTE *input,
                       CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DecryptMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                            CK_BYTE *associated_data, CK_ULONG associated_data_size)
{
    return refuse(session);
}

CK_RV C_DecryptMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                           CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output, CK_ULONG *output_size,
                           CK_FLAGS flags)
{
    return refuse(session);
}

CK_RV C_MessageDecryptFinal(CK_SESSION_HANDLE session)
{
    return refuse(session);
}

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return refuse(session);
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size, CK_BYTE *data,
                    CK_ULONG data_size, CK_BYTE *signature, CK_ULONG *signature_size)
{
    return refuse(session);
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size)
{
    return refuse(session);
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                        CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG *signature_size)
{
    return refuse(session);
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
    return refuse(session);
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return refuse(session);
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                      CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG signature_size)
{
    return refuse(session);
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size)
{
    return refuse(session);
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_size,
                          CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG signature_size)
{
    return refuse(session);
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
    return refuse(session);
}
