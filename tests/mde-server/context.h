/* The context items of a token request (MS-MDE2 3.4.4.1.1.1): what the device says about itself. */
#ifndef MDE_SERVER_CONTEXT_H
#define MDE_SERVER_CONTEXT_H

#include <stdbool.h>

#include <libxml/tree.h>

struct fault;
struct modes;

struct context {
    char device[128]; /* DeviceID */
    bool full;        /* EnrollmentType Full, not Device */
};

/* At enrolment all items must be there that the specification marks MUST, apart from those that describe
 * hardware a machine may lack (MAC, IMEI) and EnrollmentData. At renewal those that are there must be
 * well-formed. */
bool context_check(xmlNode *token_request, const struct modes *modes, bool renewal,
                   struct context *ret_context, struct fault *ret_fault);

#endif
