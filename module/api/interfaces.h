/* The function tables; see interfaces.c. */
#ifndef API_INTERFACES_H
#define API_INTERFACES_H

#include "pkcs11.h"

/* C_GetInfo as the 3.0 table has it. */
CK_RV general_get_info_3_0(CK_INFO *info);

#endif
