#include "provider.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

static const OSSL_ALGORITHM *operation_query(void *context, int operation, int *ret_no_cache)
{
    (void)context;
    *ret_no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return provider_key_managers;
    case OSSL_OP_SIGNATURE:
        return provider_signatures;
    default:
        return NULL;
    }
}

static const OSSL_PARAM *parameters_gettable(void *context)
{
    static const OSSL_PARAM gettable[] = {OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
                                          OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL), OSSL_PARAM_END};
    (void)context;
    return gettable;
}

static int parameters_get(void *context, OSSL_PARAM parameters[])
{
    OSSL_PARAM *name = OSSL_PARAM_locate(parameters, OSSL_PROV_PARAM_NAME);
    OSSL_PARAM *status = OSSL_PARAM_locate(parameters, OSSL_PROV_PARAM_STATUS);
    (void)context;
    return (name == NULL || OSSL_PARAM_set_utf8_ptr(name, PROVIDER_NAME)) &&
           (status == NULL || OSSL_PARAM_set_int(status, 1));
}

int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                  const OSSL_DISPATCH **ret_functions, void **ret_context)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))operation_query},
        {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))parameters_gettable},
        {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))parameters_get},
        {0, NULL},
    };
    (void)in;
    *ret_context = (void *)(uintptr_t)handle; /* not NULL: some versions take that for a failure */
    *ret_functions = functions;
    return 1;
}
