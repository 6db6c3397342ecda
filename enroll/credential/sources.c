#include "source.h"

extern const struct credential_source credential_token_file, credential_token_fd, credential_token_command,
    credential_broker, credential_device_code, credential_browser, credential_password,
    credential_certificate;

const struct credential_source *const credential_sources[] = {
    &credential_token_file, &credential_token_fd,    &credential_token_command,
    &credential_broker,     &credential_device_code, &credential_browser,
    &credential_password,   &credential_certificate, NULL,
};
