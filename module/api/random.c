/* PKCS #11 3.0, 5.20: random number generation, from the kernel, which the TPM feeds: it costs no command. */
#include <unistd.h>

#include "session.h"

#define ENTROPY_STEP 256 /* getentropy(3) gives no more at once */

CK_RV C_SeedRandom(CK_SESSION_HANDLE handle, CK_BYTE *seed, CK_ULONG seed_size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    return call_end(&call, seed == NULL && seed_size > 0 ? CKR_ARGUMENTS_BAD : CKR_RANDOM_SEED_NOT_SUPPORTED);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG size)
{
    struct call call;
    CK_RV rv = call_begin(&call, handle);
    if (rv != CKR_OK)
        return rv;
    if (data == NULL && size > 0)
        return call_end(&call, CKR_ARGUMENTS_BAD);
    for (CK_ULONG done = 0; done < size && rv == CKR_OK; done += ENTROPY_STEP)
        if (getentropy(data + done, size - done < ENTROPY_STEP ? size - done : ENTROPY_STEP) != 0)
            rv = CKR_FUNCTION_FAILED;
    return call_end(&call, rv);
}
