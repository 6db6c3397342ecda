/* HTTPS through libmicrohttpd: requests in, replies out, and who answers which path. */
#ifndef MDE_SERVER_HTTP_H
#define MDE_SERVER_HTTP_H

#include <stdbool.h>

#include "server.h"

struct identity;
struct http;

/* Listens and serves in threads of its own; sets server->port first. NULL when it cannot, with the reason
 * printed. */
struct http *http_start(struct server *server, const struct identity *identity);
void http_stop(struct http *http);

/* An argument of the query or of a posted form, decoded; NULL when there is none. The caller frees it. */
char *http_query_get(const struct request *request, const char *name);
char *http_form_get(const struct request *request, const char *name);

/* A listening socket at the address of the options, and the port it has; -1 when it cannot, with the reason
 * printed. */
int http_socket_open(const struct options *options, unsigned *ret_port);

#endif
