/* The XML signature of a request that a certificate authenticates: MS-MDE2 3.4.4.1.1, by xmlsec. */
#ifndef ENROLL_AUTH_XML_SIGNATURE_H
#define ENROLL_AUTH_XML_SIGNATURE_H

#include <openssl/evp.h>

#include "error.h"
#include "xml_text.h"

/*
 * Puts a ds:Signature over the whole message into its wsse:Security: exclusive canonicalization, SHA-256,
 * enveloped, KeyInfo naming the BinarySecurityToken by its id. text is replaced. key: RSA or EC. Errors:
 * ENROLL_AUTHENTICATION.
 */
enum enroll_exit xml_signature_add(struct xml_text *text, EVP_PKEY *key, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

#endif
