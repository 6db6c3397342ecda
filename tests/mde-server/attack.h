/* The hostile modes: a proper answer made improper. */
#ifndef MDE_SERVER_ATTACK_H
#define MDE_SERVER_ATTACK_H

struct reply;
struct request;

void attack_apply(const struct request *request, struct reply *reply);

#endif
