/* What the server leaves in its directory about its work: log, received messages, port and pid. */
#ifndef MDE_SERVER_JOURNAL_H
#define MDE_SERVER_JOURNAL_H

struct journal;
struct reply;
struct request;

/* Never NULL: what cannot be made ends the program. */
struct journal *journal_open(const char *directory);
void journal_close(struct journal *journal);

/* One line in the log, and the message as received/NNN-<step>.xml when the reply names its step. */
void journal_request_write(struct journal *journal, const struct request *request, const struct reply *reply);

/* The server is ready at this port; port and pid are gone again after journal_close. */
void journal_ready_write(struct journal *journal, unsigned port);

#endif
