/*
 * The module's configuration, and the helper's view of it: which TPM to talk to.
 *
 *   /etc/intune-tpm/intune-tpm.conf    (the build's sysconfdir)
 *     [tpm]
 *     tcti = device:/dev/tpmrm0
 */
#ifndef INTUNE_CONFIGURATION_H
#define INTUNE_CONFIGURATION_H

#include <stdbool.h>
#include <stddef.h>

#define CONFIGURATION_TCTI_MAX 512 /* bytes of a TCTI configuration with its NUL */

/* The configuration file's path, as built. */
const char *configuration_path(void);

/*
 * The TCTI to use: $INTUNE_TPM_TCTI (secure_getenv), else `tcti` of section [tpm] of the configuration file,
 * else TPM_TCTI_DEFAULT. False when it does not fit or the file is there and cannot be read as what it should
 * be: then the default must not be taken in its place. A value without content is as good as absent.
 */
bool configuration_tcti(char *ret_tcti, size_t size) __attribute__((warn_unused_result));

#endif
