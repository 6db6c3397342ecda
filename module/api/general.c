/* PKCS #11 3.0, 5.4: general-purpose functions. */
#include "interfaces.h"
#include "library.h"
#include "session.h"

#define LIBRARY_MAJOR 0
#define LIBRARY_MINOR 1

/*
 * Any locking the application asks for is served by the system's own, which works beside every other: the
 * callbacks need not be called (2.40, 5.4: all or none of them; strongSwan's are recursive, which ours never
 * need). No thread is ever made.
 */
CK_RV C_Initialize(CK_VOID_PTR init_args)
{
    const CK_C_INITIALIZE_ARGS *args = init_args;
    if (args != NULL) {
        int callbacks = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) +
                        (args->LockMutex != NULL) + (args->UnlockMutex != NULL);
        if (args->pReserved != NULL || (callbacks != 0 && callbacks != 4))
            return CKR_ARGUMENTS_BAD;
    }
    return library_start();
}

CK_RV C_Finalize(CK_VOID_PTR reserved)
{
    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    return library_stop(session_close_all_locked);
}

static CK_RV get_info(CK_INFO *info, CK_VERSION version)
{
    struct library *library;
    CK_RV rv = library_enter(&library);
    if (rv != CKR_OK)
        return rv;
    library_leave(library);
    if (info == NULL)
        return CKR_ARGUMENTS_BAD;
    info->cryptokiVersion = version;
    info->flags = 0;
    info->libraryVersion = (CK_VERSION){LIBRARY_MAJOR, LIBRARY_MINOR};
    text_pad(info->manufacturerID, sizeof info->manufacturerID, "intune-tpm");
    text_pad(info->libraryDescription, sizeof info->libraryDescription, "TPM device key");
    return CKR_OK;
}

CK_RV C_GetInfo(CK_INFO *info)
{
    return get_info(info, (CK_VERSION){2, 40});
}

/* What the 3.0 table has in its place: each table tells its own version. */
CK_RV general_get_info_3_0(CK_INFO *info)
{
    return get_info(info, (CK_VERSION){3, 0});
}
