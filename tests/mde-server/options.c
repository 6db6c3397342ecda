#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "text.h"

static const struct key_demand key_demands[] = {
    {"rsa", false, 2048, NULL, "1.2.840.113549.1.1.1", "RSA"},
    {"rsa3072", false, 3072, NULL, "1.2.840.113549.1.1.1", "RSA"},
    {"rsa4096", false, 4096, NULL, "1.2.840.113549.1.1.1", "RSA"},
    {"ec", true, 256, "prime256v1", "1.2.840.10045.3.1.7", "ECDSA_P256"},
    {"ec384", true, 384, "secp384r1", "1.3.132.0.34", "ECDSA_P384"},
};

static const char *const policy_names[] = {
    [AUTH_ON_PREMISE] = "OnPremise",
    [AUTH_FEDERATED] = "Federated",
    [AUTH_CERTIFICATE] = "Certificate",
};

static const struct option long_options[] = {
    {"directory", required_argument, NULL, 'd'},
    {"listen", required_argument, NULL, 'l'},
    {"host", required_argument, NULL, 'h'},
    {"policy", required_argument, NULL, 'p'},
    {"key", required_argument, NULL, 'k'},
    {"user", required_argument, NULL, 'u'},
    {"password-file", required_argument, NULL, 'P'},
    {"token-file", required_argument, NULL, 't'},
    {"mode", required_argument, NULL, 'm'},
    {"chain", required_argument, NULL, 'c'},
    {"validity", required_argument, NULL, 'v'},
    {"renew-period", required_argument, NULL, 'r'},
    {"list-modes", no_argument, NULL, 'L'},
    {"help", no_argument, NULL, 'H'},
    {NULL, 0, NULL, 0},
};

static void usage_print(FILE *out)
{
    (void)fputs("usage: mde-server --directory DIR [--listen 127.0.0.1:0] [--host NAME]\n"
                "         [--policy OnPremise|Federated|Certificate] [--key rsa|ec|rsa3072|rsa4096|ec384]\n"
                "         [--user NAME --password-file FILE] [--token-file FILE] [--mode NAME[=VALUE]]...\n"
                "         [--chain N] [--validity DAYS] [--renew-period DAYS]\n"
                "       mde-server --list-modes\n",
                out);
}

const char *options_policy_name(enum auth_policy policy)
{
    return policy_names[policy];
}

static bool number_read(const char *option, const char *text, unsigned long maximum, unsigned *ret_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || end == text || *end || number > maximum || *text == '-') {
        (void)fprintf(stderr, "mde-server: --%s %s: a number from 0 to %lu is wanted\n", option, text,
                      maximum);
        return false;
    }
    *ret_number = (unsigned)number;
    return true;
}

static bool listen_read(const char *text, struct options *options)
{
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (!colon || length == 0 || length >= sizeof options->listen_address) {
        (void)fprintf(stderr, "mde-server: --listen wants ADDRESS:PORT\n");
        return false;
    }
    memcpy(options->listen_address, text, length);
    options->listen_address[length] = '\0';
    return number_read("listen", colon + 1, 65535, &options->listen_port);
}

static bool policy_read(const char *text, struct options *options)
{
    for (size_t i = 0; i < sizeof policy_names / sizeof *policy_names; i++) {
        if (strcmp(text, policy_names[i]) == 0) {
            options->policy = (enum auth_policy)i;
            return true;
        }
    }
    (void)fprintf(stderr, "mde-server: --policy %s is not known\n", text);
    return false;
}

static bool key_read(const char *text, struct options *options)
{
    for (size_t i = 0; i < sizeof key_demands / sizeof *key_demands; i++) {
        if (strcmp(text, key_demands[i].name) == 0) {
            options->key = &key_demands[i];
            return true;
        }
    }
    (void)fprintf(stderr, "mde-server: --key %s is not known\n", text);
    return false;
}

/* A password or token file: its content without the line end. */
static bool secret_read(const char *path, char **ret_secret)
{
    size_t size = 0;
    char *secret = text_file_read(path, &size);
    if (!secret) {
        (void)fprintf(stderr, "mde-server: %s: %s\n", path, strerror(errno));
        return false;
    }
    while (size > 0 && (secret[size - 1] == '\n' || secret[size - 1] == '\r'))
        secret[--size] = '\0';
    if (size == 0 || strlen(secret) != size) {
        (void)fprintf(stderr, "mde-server: %s is empty or holds a NUL\n", path);
        free(secret);
        return false;
    }
    free(*ret_secret);
    *ret_secret = secret;
    return true;
}

static bool option_read(int option, const char *argument, struct options *options)
{
    switch (option) {
    case 'd':
        options->directory = argument;
        return true;
    case 'l':
        return listen_read(argument, options);
    case 'h':
        options->host = argument;
        return true;
    case 'p':
        return policy_read(argument, options);
    case 'k':
        return key_read(argument, options);
    case 'u':
        options->user = argument;
        return true;
    case 'P':
        return secret_read(argument, &options->password);
    case 't':
        return secret_read(argument, &options->token);
    case 'm':
        return modes_argument_add(&options->modes, argument);
    case 'c':
        return number_read("chain", argument, 8, &options->chain);
    case 'v':
        return number_read("validity", argument, 36500, &options->validity);
    case 'r':
        return number_read("renew-period", argument, 1000, &options->renew_period);
    default:
        usage_print(stderr);
        return false;
    }
}

static bool options_check(struct options *options)
{
    if (!options->directory) {
        usage_print(stderr);
        return false;
    }
    const char *dot = strchr(options->host, '.');
    if (!dot || strlen(dot + 1) == 0 || strlen(options->host) > 200 || strpbrk(options->host, "<>&\"'/: ")) {
        (void)fprintf(stderr, "mde-server: --host wants a name with a domain\n");
        return false;
    }
    (void)snprintf(options->domain, sizeof options->domain, "%s", dot + 1);
    if (options->policy == AUTH_ON_PREMISE && !(options->user && options->password) && !options->token) {
        (void)fprintf(stderr, "mde-server: OnPremise needs --user and --password-file, or --token-file\n");
        return false;
    }
    return true;
}

bool options_read(int argc, char **argv, struct options *ret_options, int *ret_status)
{
    struct options options = {
        .listen_address = "127.0.0.1",
        .host = "EnterpriseEnrollment.contoso.test",
        .policy = AUTH_FEDERATED,
        .key = &key_demands[0],
        .chain = 1,
        .validity = 365,
        .renew_period = 42,
    };
    int option = 0;
    *ret_status = 2;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'L' || option == 'H') {
            if (option == 'L')
                modes_list_print(stdout);
            else
                usage_print(stdout);
            *ret_status = 0;
            options_clear(&options);
            return false;
        }
        if (!option_read(option, optarg, &options)) {
            options_clear(&options);
            return false;
        }
    }
    if (optind != argc || !options_check(&options)) {
        if (optind != argc)
            usage_print(stderr);
        options_clear(&options);
        return false;
    }
    *ret_options = options;
    return true;
}

void options_clear(struct options *options)
{
    if (options->password)
        OPENSSL_cleanse(options->password, strlen(options->password));
    if (options->token)
        OPENSSL_cleanse(options->token, strlen(options->token));
    free(options->password);
    free(options->token);
    options->password = NULL;
    options->token = NULL;
}
