/* Requests that wait for a decision (MS-WSTEP 3.1.4.1.3.3 and 4.1.3): kept in the server's directory. */
#ifndef MDE_SERVER_PENDING_H
#define MDE_SERVER_PENDING_H

#include <stdbool.h>
#include <stddef.h>

struct fault;
struct server;
struct text;

struct pending {
    unsigned identifier;
    unsigned asked; /* how often it was answered as pending */
    char device[128];
    bool full;
    unsigned char *pkcs10;
    size_t size;
};

/* Keeps a request; its identifier is set. */
void pending_keep(const struct server *server, struct pending *pending);

/* The request of that identifier; counts the query. The caller clears it. */
bool pending_query(const struct server *server, const char *identifier, struct pending *ret_pending,
                   struct fault *ret_fault);
void pending_forget(const struct server *server, const struct pending *pending);
void pending_clear(struct pending *pending);

/* The RequestSecurityTokenResponse's end for a request that waits: everything after TokenType. */
void pending_write(const struct server *server, unsigned identifier, struct text *out);

#endif
