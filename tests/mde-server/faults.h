/*
 * SOAP faults: why a message is refused, and how that is written (MS-MDE2 2.2.8; MS-WSTEP 3.1.4.1.1).
 */
#ifndef MDE_SERVER_FAULTS_H
#define MDE_SERVER_FAULTS_H

#include <stdbool.h>

struct modes;
struct mode;
struct reply;

struct fault {
    char name[32]; /* of the table in faults.c */
    char text[512];
};

/* Fills in *fault. Returns false, so that a check can end with "return fault_set(...)". */
bool fault_set(struct fault *fault, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Writes the answer. relates_to is the MessageID, "" when there is none; look is the mode that changes how
 * the fault is written, or NULL. */
void fault_write(const struct modes *modes, const struct fault *fault, const char *relates_to,
                 const struct mode *look, struct reply *reply);

#endif
