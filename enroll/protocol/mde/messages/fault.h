/* SOAP faults in plain words: MS-MDE2 2.2.9.3 and 3.1.4.1.1.4, in every case and prefix that servers use.
 * Pure. */
#ifndef ENROLL_MDE_FAULT_H
#define ENROLL_MDE_FAULT_H

#include <stdbool.h>

#include "error.h"
#include "soap.h"

#define HRESULT_MESSAGE_FORMAT   0x80180001u
#define HRESULT_INTERNAL_SERVICE 0x80180006u
#define HRESULT_UNKNOWN          0x80180008u
#define HRESULT_NOT_ELIGIBLE     0x80180016u

/*
 * True when the reply is a fault: *ret_error then says which step was refused and why, with the HRESULT, the
 * server's text, trace id, activity id, and what to do.
 */
bool fault_read(const struct soap_reply *reply, const char *name, struct enroll_error *ret_error);

/* The short name of an HRESULT: "AUTHENTICATION". "UNKNOWN" for those nobody knows. */
const char *fault_hresult_name(uint32_t hresult);

#endif
