/* PKCS #11 3.0, 5.7: object management. Objects are looked at; nothing makes, changes or destroys one. */
#include <string.h>

#include "session.h"

/* The object itself, for what needs only to know that it is there. */
static CK_RV find_object(struct call *call, CK_OBJECT_HANDLE handle, const struct object **ret_object,
                         struct view **ret_view)
{
    bool hidden;
    *ret_object = call_object(call, handle, ret_view, &hidden);
    return *ret_object == NULL ? CKR_OBJECT_HANDLE_INVALID : CKR_OK;
}

static bool template_asks_token_object(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_TOKEN && template[i].ulValueLen == sizeof(CK_BBOOL) &&
            template[i].pValue != NULL)
            return *(const CK_BBOOL *)template[i].pValue != CK_FALSE;
    return false;
}

CK_RV C_CreateObject(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count,
                     CK_OBJECT_HANDLE *object)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (template == NULL || object == NULL)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    /* session objects are not kept either, but a read-only session is not the reason */
    return call_end(&call, template_asks_token_object(template, count) ? session_write_refusal(call.session)
                                                                       : CKR_TOKEN_WRITE_PROTECTED);
}

CK_RV C_CopyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle, CK_ATTRIBUTE *template,
                   CK_ULONG count, CK_OBJECT_HANDLE *new_object)
{
    struct call call;
    const struct object *object;
    struct view *view;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if ((template == NULL && count > 0) || new_object == NULL)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    rv = find_object(&call, object_handle, &object, &view);
    if (rv != CKR_OK)
        return call_end(&call, rv);
    view_unref(view);
    return call_end(&call, session_write_refusal(call.session));
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle)
{
    struct call call;
    const struct object *object;
    struct view *view;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    rv = find_object(&call, object_handle, &object, &view);
    if (rv != CKR_OK)
        return call_end(&call, rv);
    view_unref(view);
    return call_end(&call, session_write_refusal(call.session));
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle, CK_ATTRIBUTE *template,
                          CK_ULONG count)
{
    struct call call;
    const struct object *object;
    struct view *view;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (template == NULL && count > 0)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    rv = find_object(&call, object_handle, &object, &view);
    if (rv != CKR_OK)
        return call_end(&call, rv);
    view_unref(view);
    return call_end(&call, session_write_refusal(call.session));
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle, CK_ULONG *size)
{
    struct call call;
    const struct object *object;
    struct view *view;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (size == NULL)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    rv = find_object(&call, object_handle, &object, &view);
    if (rv != CKR_OK)
        return call_end(&call, rv);
    *size = object_size(object);
    view_unref(view);
    return call_end(&call, CKR_OK);
}

/* 5.7.5: one attribute of the template, by the five cases. */
static CK_RV fill_attribute(const struct object *object, CK_ATTRIBUTE *attribute)
{
    struct object_slice value;
    enum attribute_answer answer = object_attribute(object, attribute->type, &value);
    if (answer != ATTRIBUTE_IS) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return answer == ATTRIBUTE_SENSITIVE ? CKR_ATTRIBUTE_SENSITIVE : CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (attribute->pValue != NULL && attribute->ulValueLen < value.size) {
        attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (attribute->pValue != NULL && value.size > 0)
        memcpy(attribute->pValue, value.data, value.size);
    attribute->ulValueLen = value.size;
    return CKR_OK;
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle, CK_ATTRIBUTE *template,
                          CK_ULONG count)
{
    struct call call;
    const struct object *object;
    struct view *view;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (template == NULL && count > 0)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    rv = find_object(&call, object_handle, &object, &view);
    if (rv != CKR_OK)
        return call_end(&call, rv);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_RV answer = fill_attribute(object, &template[i]);
        if (rv == CKR_OK)
            rv = answer;
    }
    view_unref(view);
    return call_end(&call, rv);
}

/*
 * Profiles are found by who asks for them, by class or by id, as hardware features are (3.0, 4.3): to
 * everybody else they are objects of an unknown kind, which tools list with a question mark.
 */
static bool template_asks_profiles(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (template[i].type == CKA_CLASS || template[i].type == CKA_PROFILE_ID ||
            template[i].type == CKA_UNIQUE_ID)
            return true;
    return false;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (template == NULL && count > 0)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    struct session *session = call.session;
    if (session->find.active)
        return call_end(&call, CKR_OPERATION_ACTIVE);

    bool with_profiles = template_asks_profiles(template, count);
    session->find.active = true;
    session->find.count = 0;
    session->find.next = 0;
    pthread_mutex_lock(&call.library->lock);
    session_views_refresh_locked(call.library);
    const struct view *view = views_present(&call.library->views);
    for (size_t i = 0; view != NULL && i < view->objects->count; i++) {
        const struct object *object = &view->objects->objects[i];
        if (object->class == CKO_PROFILE && !with_profiles)
            continue;
        if (object_is_private(object) && !login_covers(&call.library->login, &view->objects->generation->key))
            continue;
        if (object_matches(object, template, count))
            session->find.handles[session->find.count++] = view_handle(view, i);
    }
    pthread_mutex_unlock(&call.library->lock);
    return call_end(&call, CKR_OK);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG max_count,
                    CK_ULONG *ret_count)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if ((objects == NULL && max_count > 0) || ret_count == NULL)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    struct session *session = call.session;
    if (!session->find.active)
        return call_end(&call, CKR_OPERATION_NOT_INITIALIZED);
    CK_ULONG count = 0;
    while (count < max_count && session->find.next < session->find.count)
        objects[count++] = session->find.handles[session->find.next++];
    *ret_count = count;
    return call_end(&call, CKR_OK);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    bool active = call.session->find.active;
    call.session->find.active = false;
    return call_end(&call, active ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED);
}
