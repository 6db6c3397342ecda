/* Whether this machine meets the rules of Intune's policies. Pure. What cannot be evaluated here is never
 * compliant. */
#ifndef ENROLL_INTUNE_LINUX_COMPLIANCE_H
#define ENROLL_INTUNE_LINUX_COMPLIANCE_H

#include "json_read.h"
#include "machine_facts.h"

enum compliance { COMPLIANCE_UNKNOWN, COMPLIANCE_YES, COMPLIANCE_NO };

struct rule_verdict {
    enum compliance state;
    enum compliance before; /* at the last check-in; the caller's */
    char actual[65];        /* what was found; "" where it cannot be told */
    const char *remedy;     /* what would meet the rule; NULL where it is met or not known */
};

/* "Compliant", "NonCompliant", "Unknown". */
const char *compliance_name(enum compliance state);
/* The other way round; anything else is COMPLIANCE_UNKNOWN. */
enum compliance compliance_of(const char *name);

/* A verdict for each rule, in their order. */
void compliance_evaluate(const struct intune_policies *policies, const struct machine_facts *facts,
                         struct rule_verdict *ret_verdicts);

#endif
