/*
 * intune-token: a bearer token for the Intune test server, on standard output; what --token-command takes.
 *
 *   intune-token --key FILE [--user NAME] [--device UUID | --no-device] [--application UUID] [--expired]
 *                [--not-yet-valid] AUDIENCE
 *
 * FILE is DIR/token.key of the server. AUDIENCE is the application id of the resource; a scope of it
 * ("AUDIENCE/.default") is taken as well.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "jwt.h"

static bool options_read(int argc, char **argv, const char **ret_key, struct jwt_claims *claims)
{
    static const struct option long_options[] = {
        {"key", required_argument, NULL, 'k'},         {"user", required_argument, NULL, 'u'},
        {"device", required_argument, NULL, 'd'},      {"no-device", no_argument, NULL, 'n'},
        {"application", required_argument, NULL, 'a'}, {"expired", no_argument, NULL, 'e'},
        {"not-yet-valid", no_argument, NULL, 'y'},     {NULL, 0, NULL, 0},
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'k':
            *ret_key = optarg;
            break;
        case 'u':
            claims->user = optarg;
            break;
        case 'd':
            claims->device = optarg;
            break;
        case 'n':
            claims->device = NULL;
            break;
        case 'a':
            claims->application = optarg;
            break;
        case 'e':
            claims->ends = -60;
            break;
        case 'y':
            claims->begins = 600;
            break;
        default:
            return false;
        }
    }
    if (*ret_key == NULL || optind != argc - 1)
        return false;
    char *scope = strstr(argv[optind], "/.default");
    if (scope != NULL)
        *scope = '\0';
    claims->audience = argv[optind];
    return true;
}

int main(int argc, char **argv)
{
    struct jwt_claims claims = {.user = "alice@contoso.test",
                                .device = "5f8e2d6c-0000-4000-8000-000000000001",
                                .begins = -60,
                                .ends = 3600};
    const char *path = NULL;
    if (!options_read(argc, argv, &path, &claims)) {
        (void)fputs("usage: intune-token --key FILE [--user NAME] [--device UUID | --no-device] "
                    "[--application UUID]\n"
                    "                    [--expired] [--not-yet-valid] AUDIENCE\n",
                    stderr);
        return 2;
    }
    EVP_PKEY *key = jwt_key_open(path);
    char *token = jwt_issue(key, &claims);
    int status = puts(token) >= 0 && fflush(stdout) == 0 ? 0 : 1;
    free(token);
    EVP_PKEY_free(key);
    return status;
}
