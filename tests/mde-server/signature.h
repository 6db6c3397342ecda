/* Enrolment by an existing certificate: the XML signature of the token request (MS-MDE2, Certificate policy).
 */
#ifndef MDE_SERVER_SIGNATURE_H
#define MDE_SERVER_SIGNATURE_H

#include <stdbool.h>

#include <libxml/tree.h>
#include <openssl/types.h>

struct fault;
struct server;
struct soap_message;

/* Once, before the first message. */
bool signature_start(void);
void signature_stop(void);

/* The certificate in a BinarySecurityToken; NULL after a fault. The caller frees it. */
X509 *signature_certificate_read(xmlNode *token, struct fault *ret_fault);

/* Is the message dated, and signed whole by a certificate of the authority that it carries? */
bool signature_check(const struct server *server, const struct soap_message *message,
                     struct fault *ret_fault);

#endif
