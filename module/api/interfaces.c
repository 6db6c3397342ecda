#include "interfaces.h"

#include <stdbool.h>
#include <string.h>

/*
 * The function tables (3.0, 5.4.5 to 5.4.7). C_GetInfo is the one function that differs: it tells its own
 * table's version.
 */
#define ENTRY(name, parameters) .name = name,

/* Of two initializers of C_GetInfo the later one counts. */
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

static CK_FUNCTION_LIST functions_2_40 = {.version = {2, 40}, PKCS11_FUNCTIONS_2_40(ENTRY)};

static CK_FUNCTION_LIST_3_0 functions_3_0 = {
    .functions_2_40 = {.version = {3, 0}, PKCS11_FUNCTIONS_2_40(ENTRY).C_GetInfo = general_get_info_3_0},
    PKCS11_FUNCTIONS_3_0(ENTRY)};

static CK_UTF8CHAR interface_name[] = "PKCS 11";

/* The preferred one first. A forked child of this module hurts nobody, so both may say so. */
static CK_INTERFACE interfaces[] = {
    {interface_name, &functions_3_0, CKF_INTERFACE_FORK_SAFE},
    {interface_name, &functions_2_40, CKF_INTERFACE_FORK_SAFE},
};

#define INTERFACE_COUNT (sizeof interfaces / sizeof interfaces[0])

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    *list = &functions_2_40;
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG room = *count;
    *count = INTERFACE_COUNT;
    if (list == NULL)
        return CKR_OK;
    if (room < INTERFACE_COUNT)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof interfaces);
    return CKR_OK;
}

static bool interface_fits(const CK_INTERFACE *interface, const CK_UTF8CHAR *name, const CK_VERSION *version,
                           CK_FLAGS flags)
{
    const CK_VERSION *own = interface->pFunctionList; /* every table begins with its version */
    return (name == NULL || strcmp((const char *)name, (const char *)interface->pInterfaceName) == 0) &&
           (version == NULL || (version->major == own->major && version->minor == own->minor)) &&
           (flags & ~interface->flags) == 0;
}

CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    if (interface == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < INTERFACE_COUNT; i++) {
        if (interface_fits(&interfaces[i], name, version, flags)) {
            *interface = &interfaces[i];
            return CKR_OK;
        }
    }
    return CKR_FUNCTION_FAILED;
}
