#include "configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keyfile.h"
#include "tpm.h"

#define FILE_SIZE_MAX 65536

const char *configuration_path(void)
{
    return INTUNE_TPM_CONFIGURATION_FILE;
}

static bool copy(const char *value, char *ret_tcti, size_t size)
{
    size_t length = strlen(value);
    if (length >= size)
        return false;
    memcpy(ret_tcti, value, length + 1);
    return true;
}

bool configuration_tcti(char *ret_tcti, size_t size)
{
    const char *environment = secure_getenv("INTUNE_TPM_TCTI");
    if (environment != NULL && environment[0] != '\0')
        return copy(environment, ret_tcti, size);

    size_t error_line;
    struct keyfile *keyfile = keyfile_read(configuration_path(), FILE_SIZE_MAX, &error_line);
    if (keyfile == NULL && errno != ENOENT)
        return false;
    const char *configured = keyfile == NULL ? NULL : keyfile_get(keyfile, "tpm", "tcti");
    if (configured == NULL || configured[0] == '\0')
        configured = TPM_TCTI_DEFAULT;
    bool fits = copy(configured, ret_tcti, size);
    keyfile_free(keyfile);
    return fits;
}
