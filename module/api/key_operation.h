/* What signing and verifying begin alike. */
#ifndef API_KEY_OPERATION_H
#define API_KEY_OPERATION_H

#include "session.h"

/*
 * C_SignInit and C_VerifyInit (3.0, 5.13.1 and 5.15.1): class is that of the keys that can do it. A mechanism
 * of NULL ends what is active.
 */
CK_RV key_operation_begin(struct call *call, struct key_operation *operation, const CK_MECHANISM *mechanism,
                          CK_OBJECT_HANDLE key, CK_OBJECT_CLASS class) __attribute__((warn_unused_result));

/* C_SignUpdate and C_VerifyUpdate. */
CK_RV key_operation_update(struct key_operation *operation, const CK_BYTE *part, CK_ULONG part_size)
    __attribute__((warn_unused_result));

#endif
