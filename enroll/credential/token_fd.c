/* A token from an open file descriptor. */
#include "source.h"

#include "secret.h"

static const struct setting fd_option = {"token-fd", "N", "open file descriptor to read the token from",
                                         NULL,       0,   65535};

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    unsigned fd = credential_option_number(options, &fd_option, 0);
    const char *why;
    char *token = secret_read((int)fd, options->cancelled, options->context, &why);

    (void)request;
    if (token == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check what is written to that descriptor",
                                "cannot use the token on file descriptor %u: %s", fd, why);
    ret_credential->kind = CREDENTIAL_TOKEN;
    ret_credential->token = token;
    return ENROLL_OK;
}

const struct credential_source credential_token_fd = {
    .name = "fd",
    .kinds = CREDENTIAL_TOKEN | CREDENTIAL_PASSWORD,
    .explicit_only = true,
    .needs = &fd_option,
    .options = {&fd_option},
    .obtain = obtain,
};
