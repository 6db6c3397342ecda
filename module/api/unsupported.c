/*
 * What this module does not do. The key of a device's identity signs: a decryption that says whether a
 * padding was right is an oracle (3.0, 5.8 to 5.11, 5.13.5, 5.15.5, 5.16); no mechanism here works on
 * messages (5.9, 5.11, 5.14, 5.17); keys are made by intune-enroll (5.18); nothing runs in parallel (5.21).
 * State and session are checked all the same (5.1): who has none is told that first. The lists are those of
 * pkcs11.h.
 */
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
    return rv == CKR_OK ? call_end(&call, session_write_refusal(call.session)) : rv;
}

#define UNSUPPORTED(name, parameters)                                                                        \
    CK_RV name parameters                                                                                    \
    {                                                                                                        \
        return refuse(session, CKR_FUNCTION_NOT_SUPPORTED);                                                  \
    }
#define WRITING(name, parameters)                                                                            \
    CK_RV name parameters                                                                                    \
    {                                                                                                        \
        return refuse_write(session);                                                                        \
    }
#define NOT_PARALLEL(name, parameters)                                                                       \
    CK_RV name parameters                                                                                    \
    {                                                                                                        \
        return refuse(session, CKR_FUNCTION_NOT_PARALLEL);                                                   \
    }

/* clang-format off */
PKCS11_ENCRYPTION(UNSUPPORTED)
PKCS11_SIGN_RECOVER(UNSUPPORTED)
PKCS11_VERIFY_RECOVER(UNSUPPORTED)
PKCS11_TWO_PURPOSES(UNSUPPORTED)
PKCS11_MESSAGES(UNSUPPORTED)
PKCS11_KEY_GENERATION(WRITING)
PKCS11_KEY_WRAPPING(UNSUPPORTED)
PKCS11_PARALLEL(NOT_PARALLEL)
/* clang-format on */
