/*
 * User name and password (AuthPolicy OnPremise). The password goes to the enrolment host in clear inside TLS,
 * so a host that was found automatically gets it only after confirmation.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secret.h"

static const struct setting username = {
    "username", "NAME", "user name, for a server that requires a password", NULL, 0, 0};
static const struct setting password_file = {
    "password-file", "FILE", "file with the password; prompted for without it", NULL, 0, 0};

static enum enroll_exit host_confirm(const struct credential_options *options,
                                     const struct credential_request *request, struct enroll_error *ret_error)
{
    char question[512];

    if (request->host_was_typed)
        return ENROLL_OK;
    snprintf(question, sizeof(question), "The host %s was found automatically. Send your password to it?",
             request->host);
    if (options->confirm != NULL && options->confirm(options->context, question))
        return ENROLL_OK;
    return enroll_error_set(
        ret_error, ENROLL_UNSAFE,
        "if this is the right server, confirm it with --discovery-url or --accept-redirect HOST",
        "password not sent: the host %s was found automatically and not confirmed", request->host);
}

static enum enroll_exit file_read(const struct credential_options *options, char **ret_password,
                                  struct enroll_error *ret_error)
{
    const char *path = credential_option_value(options, &password_file);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    const char *why = fd < 0 ? strerrordesc_np(errno) : NULL;
    char *password = fd < 0 ? NULL : secret_read(fd, options->cancelled, options->context, &why);

    if (fd >= 0)
        close(fd);
    if (password == NULL)
        return enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --password-file",
                                "cannot use the password in %s: %s", path, why);
    *ret_password = password;
    return ENROLL_OK;
}

static enum enroll_exit prompt(const struct credential_options *options, const char *user, const char *host,
                               char **ret_password, struct enroll_error *ret_error)
{
    char text[512];
    char *password = NULL;

    snprintf(text, sizeof(text), "Password of %s for %s", user, host);
    if (options->ask_secret != NULL)
        password = options->ask_secret(options->context, text);
    if (password == NULL || *password == '\0') {
        secret_free(password);
        return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, "use --password-file without a terminal",
                                "the server requires a password");
    }
    *ret_password = password;
    return ENROLL_OK;
}

static enum enroll_exit obtain(const struct credential_options *options,
                               const struct credential_request *request, struct credential *ret_credential,
                               struct enroll_error *ret_error)
{
    const char *user = credential_option_value(options, &username);
    enum enroll_exit status;

    if (user == NULL)
        user = request->user;
    if (user == NULL || *user == '\0')
        return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, "give --username",
                                "the server requires a user name");
    status = host_confirm(options, request, ret_error);
    if (status == ENROLL_OK && credential_option_value(options, &password_file) != NULL)
        status = file_read(options, &ret_credential->password, ret_error);
    else if (status == ENROLL_OK)
        status = prompt(options, user, request->host, &ret_credential->password, ret_error);
    if (status != ENROLL_OK)
        return status;
    ret_credential->kind = CREDENTIAL_PASSWORD;
    ret_credential->username = strdup(user);
    return ret_credential->username != NULL ? ENROLL_OK : enroll_error_memory(ret_error);
}

static bool offers(const struct credential_options *options)
{
    return options->ask_secret != NULL || credential_option_value(options, &password_file) != NULL;
}

const struct credential_source credential_password = {
    .name = "password",
    .kinds = CREDENTIAL_PASSWORD,
    .options = {&username, &password_file},
    .offers = offers,
    .obtain = obtain,
};
