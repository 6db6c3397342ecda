/* PKCS #11 3.0, 5.15: verifying, in software: it costs the TPM nothing. */
#include "key_operation.h"

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, key_operation_begin(&call, &call.session->verify, mechanism, key, CKO_PUBLIC_KEY));
}

static CK_RV finish(struct key_operation *operation, const CK_BYTE *signature, CK_ULONG size)
{
    CK_RV rv = signature_verify(&operation->signature, &operation->view->objects->generation->key.public_key,
                                signature, size);
    key_operation_end(operation);
    return rv;
}

CK_RV C_Verify(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG data_size, CK_BYTE *signature, CK_ULONG size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    struct key_operation *operation = &call.session->verify;
    if (!operation->active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if ((data == NULL && data_size > 0) || signature == NULL || operation->multipart) {
        rv = operation->multipart ? CKR_OPERATION_NOT_INITIALIZED : CKR_ARGUMENTS_BAD;
        key_operation_end(operation);
        return call_end(&call, rv);
    }
    signature_update(&operation->signature, data, data_size);
    return call_end(&call, finish(operation, signature, size));
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, CK_BYTE *part, CK_ULONG part_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, key_operation_update(&call.session->verify, part, part_size));
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (!call.session->verify.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    if (signature == NULL) {
        key_operation_end(&call.session->verify);
        return call_end(&call, CKR_ARGUMENTS_BAD);
    }
    return call_end(&call, finish(&call.session->verify, signature, size));
}
