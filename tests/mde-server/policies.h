/* The certificate extension that the policy asks for in the mode deviation=extensions: a device identifier.
 */
#ifndef MDE_SERVER_POLICIES_H
#define MDE_SERVER_POLICIES_H

#define POLICIES_EXTENSION_OID  "1.3.6.1.4.1.311.66.1.0"
#define POLICIES_EXTENSION_SIZE 6

/* DER: an OCTET STRING of four bytes */
static const unsigned char policies_extension_value[POLICIES_EXTENSION_SIZE] = {0x04, 0x04, 't',
                                                                                'e',  's',  't'};

#endif
