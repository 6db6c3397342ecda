/* enroll/protocol/intune_linux: this machine's facts from files, and the rules against them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "compliance.h"

static char root[] = "/tmp/intune-facts.XXXXXX";

static void file_write(const char *path, const char *text)
{
    char name[512];
    snprintf(name, sizeof(name), "%s%s", root, path);
    for (char *slash = strchr(name + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(name, 0755);
        *slash = '/';
    }
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int root_make(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/intune-facts.XXXXXX");
    return mkdtemp(root) == NULL;
}

static int root_remove(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", root);
    return system(command);
}

static struct machine_facts facts_read(void)
{
    struct machine_facts facts;
    machine_facts_read(root, "workstation-7.contoso.test", &facts);
    return facts;
}

static void a_machine_says_what_it_is(void **state)
{
    (void)state;
    file_write("/etc/os-release", "NAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID='12'\n");
    file_write("/sys/class/dmi/id/sys_vendor", "LENOVO  \n");
    struct machine_facts facts = facts_read();
    assert_string_equal(facts.device_name, "workstation-7");
    assert_string_equal(facts.distribution, "Debian GNU/Linux");
    assert_string_equal(facts.distribution_id, "debian");
    assert_string_equal(facts.version, "12");
    assert_string_equal(facts.manufacturer, "LENOVO");
}

/* The service wants no empty member. */
static void a_machine_that_says_nothing_has_a_name_for_everything(void **state)
{
    (void)state;
    struct machine_facts facts = facts_read();
    assert_string_equal(facts.distribution, "Linux");
    assert_string_equal(facts.version, "0");
    assert_string_equal(facts.manufacturer, "unknown");
    assert_int_equal(facts.encryption, ENCRYPTION_UNKNOWN);
    assert_false(facts.password.known);
}

static void every_way_down_to_a_disk_has_to_be_encrypted(void **state)
{
    (void)state;
    file_write("/proc/self/mountinfo", "1 0 253:1 / / rw - ext4 /dev/mapper/vg-root rw\n"
                                       "2 1 253:2 / /home rw - ext4 /dev/mapper/vg-home rw\n");
    /* LVM on LUKS on a partition; /home the same. */
    file_write("/sys/dev/block/253:1/dm/uuid", "LVM-abc\n");
    file_write("/sys/dev/block/253:1/slaves/dm-0/dev", "253:0\n");
    file_write("/sys/dev/block/253:2/dm/uuid", "LVM-def\n");
    file_write("/sys/dev/block/253:2/slaves/dm-0/dev", "253:0\n");
    file_write("/sys/dev/block/253:0/dm/uuid", "CRYPT-LUKS2-123-root\n");
    assert_int_equal(facts_read().encryption, ENCRYPTION_ALL);
    /* The volume group gets a second disk, which is not. */
    file_write("/sys/dev/block/253:2/slaves/sdb1/dev", "8:17\n");
    struct machine_facts facts = facts_read();
    assert_int_equal(facts.encryption, ENCRYPTION_NONE);
    assert_string_equal(facts.unencrypted, "/home");
}

static void a_file_system_without_a_device_is_not_known(void **state)
{
    (void)state;
    file_write("/proc/self/mountinfo", "1 0 0:31 / / rw - overlay overlay rw\n");
    assert_int_equal(facts_read().encryption, ENCRYPTION_UNKNOWN);
    file_write("/proc/self/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n");
    assert_int_equal(facts_read().encryption, ENCRYPTION_NONE);
}

static void a_password_rule_counts_when_pam_enforces_it(void **state)
{
    (void)state;
    file_write("/etc/security/pwquality.conf", "minlen = 14\ndcredit = -1\nucredit = 2\n");
    file_write("/etc/pam.d/common-password",
               "password required pam_unix.so\n#password requisite pam_pwquality.so\n");
    struct password_rules rules = facts_read().password;
    assert_true(rules.known);
    assert_int_equal(rules.length, 0);
    file_write("/etc/pam.d/common-password", "password requisite pam_pwquality.so retry=3 lcredit=-3\n");
    rules = facts_read().password;
    assert_int_equal(rules.length, 12); /* two upper case letters count as two more characters */
    assert_int_equal(rules.digits, 1);
    assert_int_equal(rules.lowercase, 3);
    assert_int_equal(rules.uppercase, 0);
    file_write("/etc/security/pwquality.conf.d/50-local.conf", "minlen=20\nenforcing = 0\n");
    assert_int_equal(facts_read().password.length, 0);
}

/* ---- rules ---- */

static struct intune_policies policies;
static struct rule_verdict verdicts[INTUNE_RULES_MAX];

static void rule_add(const char *rule_id, const char *item, const char *value)
{
    struct intune_rule *rule = &policies.rules[policies.count++];
    *rule = (struct intune_rule){strdup("p"), strdup(rule_id), strdup(item), strdup(value), NULL};
}

static int rules_clear(void **state)
{
    (void)state;
    intune_policies_clear(&policies);
    return 0;
}

static void one_allowed_distribution_is_enough(void **state)
{
    struct machine_facts facts = {.distribution_id = "debian", .version = "12"};
    (void)state;
    rule_add("1", "linux_distribution_alloweddistros_item_$type", "ubuntu");
    rule_add("1", "linux_distribution_alloweddistros_item_minimumversion", "22.04");
    rule_add("2", "linux_distribution_alloweddistros_item_$type", "debian");
    rule_add("2", "linux_distribution_alloweddistros_item_minimumversion", "12");
    rule_add("2", "linux_distribution_alloweddistros_item_maximumversion", "12");
    compliance_evaluate(&policies, &facts, verdicts);
    for (size_t i = 0; i < policies.count; i++)
        assert_int_equal(verdicts[i].state, COMPLIANCE_YES);
    assert_string_equal(verdicts[0].actual, "debian"); /* the truth all the same */
    snprintf(facts.version, sizeof(facts.version), "11");
    compliance_evaluate(&policies, &facts, verdicts);
    assert_int_equal(verdicts[3].state, COMPLIANCE_NO);
    snprintf(facts.version, sizeof(facts.version), "12.9"); /* "12" as the highest takes it */
    compliance_evaluate(&policies, &facts, verdicts);
    assert_int_equal(verdicts[4].state, COMPLIANCE_YES);
    snprintf(facts.version, sizeof(facts.version), "13");
    compliance_evaluate(&policies, &facts, verdicts);
    assert_int_equal(verdicts[4].state, COMPLIANCE_NO);
    /* The other one's highest version is of no use. */
    snprintf(facts.distribution_id, sizeof(facts.distribution_id), "fedora");
    compliance_evaluate(&policies, &facts, verdicts);
    assert_int_equal(verdicts[2].state, COMPLIANCE_NO);
}

static void what_cannot_be_told_is_never_compliant(void **state)
{
    static const struct machine_facts unknown;
    (void)state;
    rule_add("1", "linux_deviceencryption_required", "True");
    rule_add("2", "linux_passwordpolicy_minimumlength", "12");
    rule_add("3", "linux_passwordpolicy_minimumlength", "a dozen");
    rule_add("4", "linux_passwordpolicy_minimumhieroglyphs", "1");
    rule_add("5", "linux_quantumflux_required", "True");
    rule_add("6", "linux_customconfig_script", "IyEvYmluL3NoCg==");
    compliance_evaluate(&policies, &unknown, verdicts);
    for (size_t i = 0; i < policies.count; i++) {
        assert_int_equal(verdicts[i].state, COMPLIANCE_UNKNOWN);
        assert_null(verdicts[i].remedy);
    }
}

static void what_is_not_met_comes_with_what_would_meet_it(void **state)
{
    static const struct machine_facts facts = {.encryption = ENCRYPTION_NONE,
                                               .password = {.known = true, .length = 8, .digits = 1}};
    (void)state;
    rule_add("1", "linux_deviceencryption_required", "True");
    rule_add("2", "linux_passwordpolicy_minimumlength", "12");
    rule_add("3", "linux_passwordpolicy_minimumdigits", "1");
    compliance_evaluate(&policies, &facts, verdicts);
    assert_int_equal(verdicts[0].state, COMPLIANCE_NO);
    assert_non_null(strstr(verdicts[0].remedy, "dm-crypt"));
    assert_int_equal(verdicts[1].state, COMPLIANCE_NO);
    assert_string_equal(verdicts[1].actual, "8");
    assert_non_null(strstr(verdicts[1].remedy, "minlen"));
    assert_int_equal(verdicts[2].state, COMPLIANCE_YES);
    assert_null(verdicts[2].remedy);
}

int main(void)
{
#define WITH_ROOT(test)  cmocka_unit_test_setup_teardown(test, root_make, root_remove)
#define WITH_RULES(test) cmocka_unit_test_teardown(test, rules_clear)
    const struct CMUnitTest tests[] = {
        WITH_ROOT(a_machine_says_what_it_is),
        WITH_ROOT(a_machine_that_says_nothing_has_a_name_for_everything),
        WITH_ROOT(every_way_down_to_a_disk_has_to_be_encrypted),
        WITH_ROOT(a_file_system_without_a_device_is_not_known),
        WITH_ROOT(a_password_rule_counts_when_pam_enforces_it),
        WITH_RULES(one_allowed_distribution_is_enough),
        WITH_RULES(what_cannot_be_told_is_never_compliant),
        WITH_RULES(what_is_not_met_comes_with_what_would_meet_it),
    };
    return cmocka_run_group_tests_name("compliance", tests, NULL, NULL);
}
