/*
 * PKCS #11 3.0, 5.8 to 5.11 and 5.16: encryption, decryption and functions of two purposes. The key of a
 * device's identity signs: a decryption that says whether a padding was right is an oracle, and is not
 * offered.
 */
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

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return refuse(session);
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                      CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *output, CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return refuse(session);
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                      CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *output, CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                            CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                            CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                          CK_ULONG *output_size)
{
    return refuse(session);
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *input, CK_ULONG input_size, CK_BYTE *output,
                            CK_ULONG *output_size)
{
    return refuse(session);
}
