/* The bearer tokens of the tests: JSON Web Tokens signed with RS256 (RFC 7519, RFC 7515), as Entra issues
 * access tokens. */
#ifndef INTUNE_SERVER_JWT_H
#define INTUNE_SERVER_JWT_H

#include <stdbool.h>

#include <openssl/types.h>

/* The application that the tokens are for: Company Portal for Linux. */
#define JWT_APPLICATION "b743a22d-6705-4147-8670-d92fa515ee2b"
#define JWT_DEVICE_SIZE 64
#define JWT_WHY_SIZE    128

struct jwt_claims {
    const char *audience;
    const char *user;
    const char *device; /* Entra's id of the registered device; NULL for a token of none */
    const char *application;
    long begins; /* seconds from now */
    long ends;
};

/* The caller frees the result with free(). What cannot be made ends the program. */
char *jwt_issue(EVP_PKEY *key, const struct jwt_claims *claims);

/*
 * Verifies signature, times, application and audience. Returns 0 with the device that the token names, else
 * the HTTP status to refuse with (401, or 403 for a token without a device) and the reason.
 */
unsigned jwt_check(EVP_PKEY *key, const char *token, const char *audience, char ret_device[JWT_DEVICE_SIZE],
                   char ret_why[JWT_WHY_SIZE]);

/* Reads the private key at path, or makes one of 2048 bits and writes it there. Never NULL. */
EVP_PKEY *jwt_key_open(const char *path);

#endif
