/* Intune's own service for Linux devices, as a protocol of protocol.h. Not tried against Microsoft's. */
#ifndef ENROLL_PROTOCOL_INTUNE_LINUX_H
#define ENROLL_PROTOCOL_INTUNE_LINUX_H

#include "protocol.h"

extern const struct protocol protocol_intune_linux;

#endif
