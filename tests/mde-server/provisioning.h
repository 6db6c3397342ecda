/* The wap-provisioning document that carries the certificate (MS-MDE2 2.2.9.1 and 2.2.9.2). */
#ifndef MDE_SERVER_PROVISIONING_H
#define MDE_SERVER_PROVISIONING_H

#include <stdbool.h>

#include <openssl/types.h>

#include "text.h"

struct server;

struct provisioning {
    const struct server *server;
    const char *host; /* with its port, as the client knows it */
    const char *device;
    bool full; /* the certificate goes to My/User, otherwise to My/System */
    X509 *certificate;
    bool renewal; /* only what a renewal changes */
};

void provisioning_document_write(const struct provisioning *provisioning, struct text *out);

#endif
