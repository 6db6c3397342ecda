/*
 * A PKCS #11 application as small as it can be: loads any module by path, finds a key, signs with it. It
 * links nothing but libc, so that what it costs is what the module costs.
 */
#ifndef BENCH_P11_CLIENT_H
#define BENCH_P11_CLIENT_H

#include <stdbool.h>

#include "pkcs11.h"

struct p11_options {
    const char *module;
    const char *pin;      /* NULL: no login */
    const char *token;    /* label; NULL: the first token that is initialized */
    CK_KEY_TYPE key_type; /* CKK_RSA or CKK_EC */
    bool pss;             /* RSA: CKM_RSA_PKCS_PSS in place of CKM_RSA_PKCS */
};

struct p11_client {
    const struct p11_options *options;
    void *library;
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
};

/* Each says what failed on the standard error and ends the process: a bench without its module has nothing to
 * tell. */
void p11_client_load(struct p11_client *client, const struct p11_options *options);
void p11_client_initialize(struct p11_client *client);
void p11_client_open(struct p11_client *client);  /* slots, token info, session */
void p11_client_login(struct p11_client *client); /* nothing without a PIN */
void p11_client_search(
    struct p11_client *client); /* all certificates and keys with the attributes that NSS reads */
void p11_client_close(struct p11_client *client); /* C_Finalize; the library stays mapped */

/* A session of one's own, for a thread. */
CK_RV p11_client_session(const struct p11_client *client, CK_SESSION_HANDLE *ret_session);

/* One signature over 32 bytes. */
CK_RV p11_client_sign(const struct p11_client *client, CK_SESSION_HANDLE session);

#endif
