#include "key_operation.h"

CK_RV key_operation_begin(struct call *call, struct key_operation *operation, const CK_MECHANISM *mechanism,
                          CK_OBJECT_HANDLE key, CK_OBJECT_CLASS class)
{
    struct view *view;
    bool hidden;

    if (mechanism == NULL) {
        bool active = operation->active;
        key_operation_end(operation);
        return active ? CKR_OK : CKR_ARGUMENTS_BAD;
    }
    if (operation->active)
        return CKR_OPERATION_ACTIVE;
    if (mechanism->pParameter == NULL && mechanism->ulParameterLen > 0)
        return CKR_MECHANISM_PARAM_INVALID;
    const struct object *object = call_object(call, key, &view, &hidden);
    if (object == NULL)
        return hidden ? CKR_USER_NOT_LOGGED_IN : CKR_KEY_HANDLE_INVALID;
    CK_RV rv;
    if (object->class == class)
        rv = signature_init(&operation->signature, mechanism, &view->objects->generation->key.public_key);
    else if (object->class == CKO_PRIVATE_KEY || object->class == CKO_PUBLIC_KEY)
        rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
    else
        rv = CKR_KEY_HANDLE_INVALID;
    if (rv != CKR_OK) {
        view_unref(view);
        return rv;
    }
    operation->view = view;
    operation->active = true;
    operation->multipart = false;
    return CKR_OK;
}

CK_RV key_operation_update(struct key_operation *operation, const CK_BYTE *part, CK_ULONG part_size)
{
    if (!operation->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (part == NULL && part_size > 0) {
        key_operation_end(operation);
        return CKR_ARGUMENTS_BAD;
    }
    signature_update(&operation->signature, part, part_size);
    operation->multipart = true;
    return CKR_OK;
}
