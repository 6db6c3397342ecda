/* Microsoft's device management enrolment (MS-MDE2) as a protocol of protocol.h. */
#ifndef ENROLL_PROTOCOL_MDE_H
#define ENROLL_PROTOCOL_MDE_H

#include "protocol.h"

extern const struct protocol protocol_mde2;

#endif
