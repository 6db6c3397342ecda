/* Who asks: the wsse:Security header of the policy and token requests (MS-MDE2 2.2.7 and 3.x; WS-Security
 * 2004). */
#ifndef MDE_SERVER_CREDENTIALS_H
#define MDE_SERVER_CREDENTIALS_H

#include <stdbool.h>

struct fault;
struct request;
struct soap_message;

enum credentials_for { CREDENTIALS_POLICY, CREDENTIALS_ENROLLMENT, CREDENTIALS_RENEWAL };

/* Is the message's sender who the server's AuthPolicy asks for? At renewal the TLS certificate says who it
 * is, checked elsewhere; the header may then be missing or name the user without a password. */
bool credentials_check(const struct request *request, const struct soap_message *message,
                       enum credentials_for use, struct fault *ret_fault);

#endif
