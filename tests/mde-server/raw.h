/* The raw modes: bytes on the wire that no HTTP library would send, for every connection. */
#ifndef MDE_SERVER_RAW_H
#define MDE_SERVER_RAW_H

struct identity;
struct raw;
struct server;

/* Serves in a thread of its own; sets server->port first. NULL when it cannot, with the reason printed. */
struct raw *raw_start(struct server *server, const struct identity *identity, const char *mode);
void raw_stop(struct raw *raw);

#endif
