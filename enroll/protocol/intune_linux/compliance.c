#include "compliance.h"

#include <ctype.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DISTRIBUTION "linux_distribution_alloweddistros_item_"
#define PASSWORD     "linux_passwordpolicy_minimum"
#define ENCRYPTION   "linux_deviceencryption_required"

static const char *const names[] = {
    [COMPLIANCE_UNKNOWN] = "Unknown", [COMPLIANCE_YES] = "Compliant", [COMPLIANCE_NO] = "NonCompliant"};

const char *compliance_name(enum compliance state)
{
    return names[state];
}

enum compliance compliance_of(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return (enum compliance)i;
    return COMPLIANCE_UNKNOWN;
}

/* "22.04" against "22.4.1": below 0, 0, above 0. A part that is missing is 0. */
static int version_compare(const char *one, const char *other)
{
    while (*one != '\0' || *other != '\0') {
        unsigned long a = strtoul(one, (char **)(uintptr_t)&one, 10),
                      b = strtoul(other, (char **)(uintptr_t)&other, 10);
        if (a != b)
            return a < b ? -1 : 1;
        if ((*one != '\0' && *one != '.') || (*other != '\0' && *other != '.'))
            return strcmp(one, other);
        one += *one == '.';
        other += *other == '.';
    }
    return 0;
}

/* ---- distribution ---- */

static const char *distribution_part(const struct intune_rule *rule)
{
    return strncmp(rule->item, DISTRIBUTION, strlen(DISTRIBUTION)) == 0 ? rule->item + strlen(DISTRIBUTION)
                                                                        : NULL;
}

static bool part_met(const char *part, const char *value, const struct machine_facts *facts)
{
    if (strcmp(part, "$type") == 0)
        return strcasecmp(value, facts->distribution_id) == 0;
    if (strcmp(part, "minimumversion") == 0)
        return value[0] == '\0' || version_compare(facts->version, value) >= 0;
    /* "22" as the highest takes 22.04. */
    return value[0] == '\0' || version_compare(facts->version, value) <= 0 ||
           (strncmp(facts->version, value, strlen(value)) == 0 && facts->version[strlen(value)] == '.');
}

/* Whether every part of the allowed distribution that has this rule id is met. */
static bool distribution_met(const struct intune_policies *policies, const struct intune_rule *of,
                             const struct machine_facts *facts)
{
    for (size_t i = 0; i < policies->count; i++) {
        const struct intune_rule *rule = &policies->rules[i];
        const char *part = distribution_part(rule);
        if (part != NULL && strcmp(rule->rule_id, of->rule_id) == 0 && !part_met(part, rule->value, facts))
            return false;
    }
    return true;
}

/* Each rule id is one allowed distribution; one of a policy's is enough. */
static void distribution_judge(const struct intune_policies *policies, const struct intune_rule *rule,
                               const struct machine_facts *facts, struct rule_verdict *verdict)
{
    bool allowed = false;
    for (size_t i = 0; i < policies->count; i++)
        allowed = allowed || (distribution_part(&policies->rules[i]) != NULL &&
                              strcmp(policies->rules[i].policy_id, rule->policy_id) == 0 &&
                              distribution_met(policies, &policies->rules[i], facts));
    const char *part = distribution_part(rule);
    snprintf(verdict->actual, sizeof(verdict->actual), "%s",
             strcmp(part, "$type") == 0 ? facts->distribution_id : facts->version);
    verdict->state = allowed ? COMPLIANCE_YES : COMPLIANCE_NO;
    verdict->remedy = "use a distribution and version that the organization allows";
}

/* ---- encryption, passwords ---- */

static void encryption_judge(const struct intune_rule *rule, const struct machine_facts *facts,
                             struct rule_verdict *verdict)
{
    bool required = strcasecmp(rule->value, "true") == 0;
    if (facts->encryption == ENCRYPTION_UNKNOWN)
        return;
    snprintf(verdict->actual, sizeof(verdict->actual), "%s",
             facts->encryption == ENCRYPTION_ALL ? "True" : "False");
    verdict->state = !required || facts->encryption == ENCRYPTION_ALL ? COMPLIANCE_YES : COMPLIANCE_NO;
    verdict->remedy = "encrypt the file systems of /, /home and /var with dm-crypt (LUKS)";
}

static void password_judge(const struct intune_rule *rule, const struct machine_facts *facts,
                           struct rule_verdict *verdict)
{
    const struct password_rules *password = &facts->password;
    const struct {
        const char *part;
        int actual;
        const char *remedy;
    } parts[] = {
        {"length", password->length, "set minlen in /etc/security/pwquality.conf, with pam_pwquality in use"},
        {"digits", password->digits,
         "set dcredit below 0 in /etc/security/pwquality.conf, with pam_pwquality in use"},
        {"lowercase", password->lowercase,
         "set lcredit below 0 in /etc/security/pwquality.conf, with pam_pwquality in use"},
        {"uppercase", password->uppercase,
         "set ucredit below 0 in /etc/security/pwquality.conf, with pam_pwquality in use"},
        {"symbols", password->symbols,
         "set ocredit below 0 in /etc/security/pwquality.conf, with pam_pwquality in use"},
    };
    char *end;
    long wanted = strtol(rule->value, &end, 10);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(rule->item + strlen(PASSWORD), parts[i].part) != 0 || !password->known || *end != '\0' ||
            !isdigit((unsigned char)rule->value[0]))
            continue;
        snprintf(verdict->actual, sizeof(verdict->actual), "%d", parts[i].actual);
        verdict->state = parts[i].actual >= wanted ? COMPLIANCE_YES : COMPLIANCE_NO;
        verdict->remedy = parts[i].remedy;
    }
}

void compliance_evaluate(const struct intune_policies *policies, const struct machine_facts *facts,
                         struct rule_verdict *ret_verdicts)
{
    for (size_t i = 0; i < policies->count; i++) {
        const struct intune_rule *rule = &policies->rules[i];
        struct rule_verdict *verdict = &ret_verdicts[i];
        *verdict = (struct rule_verdict){.state = COMPLIANCE_UNKNOWN};
        if (distribution_part(rule) != NULL)
            distribution_judge(policies, rule, facts, verdict);
        else if (strcmp(rule->item, ENCRYPTION) == 0)
            encryption_judge(rule, facts, verdict);
        else if (strncmp(rule->item, PASSWORD, strlen(PASSWORD)) == 0)
            password_judge(rule, facts, verdict);
        if (verdict->state != COMPLIANCE_NO)
            verdict->remedy = NULL;
    }
}
