#include "requirements.h"

#include <stdlib.h>

void certificate_requirements_default(struct certificate_requirements *ret_requirements)
{
    *ret_requirements = (struct certificate_requirements){
        .key_type = TPM_KEY_RSA, .minimum_bits = 2048, .curve = TPM_CURVE_NONE, .hash = TPM_HASH_SHA256};
}

void certificate_requirements_free(struct certificate_requirements *requirements)
{
    free(requirements->policy_id);
    free(requirements->policy_name);
    for (size_t i = 0; i < requirements->extension_count; i++) {
        free(requirements->extensions[i].oid);
        free(requirements->extensions[i].value);
    }
    for (size_t i = 0; i < requirements->warning_count; i++)
        free(requirements->warnings[i]);
    certificate_requirements_default(requirements);
}
