#include "credential.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "source.h"

const struct credential_source *credential_source_at(size_t index)
{
    return credential_sources[index];
}

const struct credential_source *credential_source_find(const char *name)
{
    for (size_t i = 0; credential_sources[i] != NULL; i++)
        if (strcmp(name, credential_sources[i]->name) == 0)
            return credential_sources[i];
    return NULL;
}

const char *credential_source_name(const struct credential_source *source)
{
    return source->name;
}

/* Whether a source before this one has the option too. */
static bool option_is_repeated(size_t source, const struct setting *option)
{
    for (size_t i = 0; i < source; i++)
        for (size_t j = 0; credential_sources[i]->options[j] != NULL; j++)
            if (credential_sources[i]->options[j] == option)
                return true;
    return false;
}

const struct setting *credential_option_at(size_t index)
{
    for (size_t i = 0; credential_sources[i] != NULL; i++) {
        for (size_t j = 0; credential_sources[i]->options[j] != NULL; j++) {
            if (!option_is_repeated(i, credential_sources[i]->options[j]) && index-- == 0)
                return credential_sources[i]->options[j];
        }
    }
    return NULL;
}

const char *credential_option_value(const struct credential_options *options, const struct setting *option)
{
    const struct setting *at;

    for (size_t i = 0; i < CREDENTIAL_OPTIONS_MAX && (at = credential_option_at(i)) != NULL; i++)
        if (at == option)
            return options->values[i];
    return NULL;
}

unsigned credential_option_number(const struct credential_options *options, const struct setting *option,
                                  unsigned unset)
{
    const char *value = credential_option_value(options, option);

    return value != NULL ? (unsigned)strtoul(value, NULL, 10) : unset;
}

const char *credential_option_get(const struct credential_options *options, const char *name)
{
    const struct setting *at;

    for (size_t i = 0; i < CREDENTIAL_OPTIONS_MAX && (at = credential_option_at(i)) != NULL; i++)
        if (strcmp(at->name, name) == 0)
            return options->values[i];
    return NULL;
}

bool credential_option_set(struct credential_options *options, const char *name, const char *value)
{
    const struct setting *at;

    for (size_t i = 0; i < CREDENTIAL_OPTIONS_MAX && (at = credential_option_at(i)) != NULL; i++) {
        if (strcmp(at->name, name) == 0) {
            options->values[i] = value;
            return true;
        }
    }
    return false;
}

static bool offers(const struct credential_source *source, const struct credential_options *options)
{
    if (source->offers != NULL)
        return source->offers(options);
    return source->needs == NULL || credential_option_value(options, source->needs) != NULL;
}

/* The source that --auth names or whose option was given; NULL: the service decides. */
static const struct credential_source *source_given(const struct credential_options *options)
{
    if (options->forced != NULL)
        return options->forced;
    for (size_t i = 0; credential_sources[i] != NULL; i++)
        if (credential_sources[i]->explicit_only && offers(credential_sources[i], options))
            return credential_sources[i];
    return NULL;
}

unsigned credential_kinds_offered(const struct credential_options *options)
{
    const struct credential_source *given = source_given(options);
    unsigned kinds = 0;

    if (given != NULL)
        return given->kinds;
    for (size_t i = 0; credential_sources[i] != NULL; i++)
        if (offers(credential_sources[i], options))
            kinds |= credential_sources[i]->kinds;
    return kinds;
}

static const char *suits(const struct credential_source *source, const struct credential_options *options,
                         const struct credential_request *request)
{
    if (source->explicit_only || (source->kinds & request->kinds) == 0)
        return NULL;
    return source->suits != NULL ? source->suits(options, request) : "required by the server";
}

static const struct credential_source *source_choose(const struct credential_options *options,
                                                     const struct credential_request *request,
                                                     const char **ret_why)
{
    const struct credential_source *given = source_given(options);

    *ret_why = options->forced != NULL ? "chosen with --auth" : "a token was given";
    for (size_t i = 0; given == NULL && credential_sources[i] != NULL; i++) {
        *ret_why = suits(credential_sources[i], options, request);
        if (*ret_why != NULL)
            given = credential_sources[i];
    }
    return given;
}

enum enroll_exit credential_obtain(const struct credential_options *options,
                                   const struct credential_request *request,
                                   struct credential *ret_credential, struct enroll_error *ret_error)
{
    struct credential credential = {0};
    const char *why;
    char text[256];
    const struct credential_source *source = source_choose(options, request, &why);
    enum enroll_exit status;

    if (source == NULL)
        return enroll_error_set(
            ret_error, ENROLL_AUTHENTICATION,
            "give --token-file, --token-command, or --client-id to sign in with a device code",
            "the server requires a security token, and no source for one is configured");
    if (source->needs != NULL && credential_option_value(options, source->needs) == NULL &&
        (!source->client_id_suffices || request->client_id == NULL))
        return enroll_error_set(ret_error, ENROLL_AUTHENTICATION, NULL, "authentication by %s requires --%s",
                                source->name, source->needs->name);
    snprintf(text, sizeof(text), "Authentication by %s: %s", source->name, why);
    if (request->note != NULL)
        request->note(request->note_context, text);
    status = source->obtain(options, request, &credential, ret_error);
    if (status != ENROLL_OK) {
        credential_free(&credential);
        return status;
    }
    credential.source = source;
    *ret_credential = credential;
    return ENROLL_OK;
}

void credential_free(struct credential *credential)
{
    secret_free(credential->token);
    secret_free(credential->password);
    free(credential->username);
    X509_free(credential->certificate);
    EVP_PKEY_free(credential->key);
    if (credential->key_source != NULL)
        credential->key_source_close(credential->key_source);
    *credential = (struct credential){0};
}
