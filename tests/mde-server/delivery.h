/* How a reply's bytes go out: whole, or slowly, cut, without end. */
#ifndef MDE_SERVER_DELIVERY_H
#define MDE_SERVER_DELIVERY_H

struct MHD_Connection;
struct MHD_Response;
struct reply;

/* Never NULL. */
struct MHD_Response *delivery_response_make(struct MHD_Connection *connection, const struct reply *reply);

/* Ends all pauses: the server is stopping. */
void delivery_stop(void);

#endif
