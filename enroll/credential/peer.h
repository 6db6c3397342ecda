/* Who is at the other end of a loopback connection. Private to enroll/credential. */
#ifndef ENROLL_CREDENTIAL_PEER_H
#define ENROLL_CREDENTIAL_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * The owner of the peer's socket of an IPv4 connection within this machine; it may be an IPv6 socket with a
 * mapped address. False if unknown: the socket is closed already, or the kernel does not list it.
 */
bool peer_user_find(const struct sockaddr_in *peer, const struct sockaddr_in *own, uid_t *ret_user)
    __attribute__((warn_unused_result));

/*
 * Whether this user's browser may answer: the one we run as, whose browser is the one that we start; and,
 * when that is root, the person who became root, who may open the address in a browser of his own: of sudo,
 * of pkexec, or of the login session.
 */
bool peer_user_expected(uid_t user) __attribute__((warn_unused_result));

#endif
