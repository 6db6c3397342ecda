/* What Intune's service for Linux devices may answer; the first byte chooses the message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "compliance.h"
#include "json_read.h"
#include "json_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void policies_fuzz(const char *json, size_t size)
{
    static const struct machine_facts facts = {.distribution_id = "debian",
                                               .version = "12",
                                               .encryption = ENCRYPTION_ALL,
                                               .password = {.known = true, .length = 12}};
    static struct intune_policies policies;
    static struct rule_verdict verdicts[INTUNE_RULES_MAX];
    struct enroll_error error;
    if (intune_policies_read(json, size, &policies, &error) != ENROLL_OK)
        return;
    compliance_evaluate(&policies, &facts, verdicts);
    /* Whatever the rules are, there is a status to send. */
    char *text = intune_status_write("4b6a2c1e-0000-4000-8000-000000000000", &policies, verdicts, (time_t)0);
    if (text == NULL)
        abort();
    free(text);
    intune_policies_clear(&policies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *json = (const char *)data + 1;
    static struct intune_device device;
    struct intune_services services;
    struct intune_enrolled enrolled;
    struct enroll_error error = {0};
    if (size == 0)
        return 0;
    switch (data[0]) {
    case '0':
        (void)!intune_services_read(json, size - 1, &services, &error);
        break;
    case '1':
        if (intune_enrolled_read(json, size - 1, &enrolled, &error) == ENROLL_OK)
            intune_enrolled_clear(&enrolled);
        break;
    case '2':
        policies_fuzz(json, size - 1);
        break;
    case '3':
        if (intune_device_read(json, size - 1, &device, &error) == ENROLL_OK)
            intune_device_clear(&device);
        break;
    default:
        intune_fault_read(json, size - 1, &error);
    }
    return 0;
}
