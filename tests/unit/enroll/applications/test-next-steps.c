/* enroll/applications: what is left to do after an enrolment, and nothing that was done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "next_steps.h"

static char root[] = "/tmp/intune-next.XXXXXX";

static void run(const char *command)
{
    char line[512];
    snprintf(line, sizeof(line), "cd %s && %s", root, command);
    assert_int_equal(system(line), 0);
}

static void what_was_done_is_not_said_again(void **state)
{
    const char *steps[NEXT_STEPS_MAX];
    (void)state;
    assert_non_null(mkdtemp(root));
    run("mkdir -p etc/systemd/system/timers.target.wants etc/systemd/system/sockets.target.wants "
        "etc/firefox/policies");
    run("printf 'tss:x:1:\\nintune-tpm:x:2:\\n' >etc/group");
    assert_int_equal(next_steps_list(root, true, steps), 5);
    assert_string_equal(steps[0], "systemctl enable --now intune-enroll-renew.timer");
    assert_string_equal(steps[4], "adduser USER intune-tpm, for each user of the token");
    assert_int_equal(next_steps_list(root, false, steps), 4); /* a service without check-in */
    run("ln -s /nowhere etc/systemd/system/timers.target.wants/intune-enroll-renew.timer");
    run("ln -s /nowhere etc/systemd/system/sockets.target.wants/intune-tpm.socket");
    run("printf 'intune-tpm:x:2:alice\\n' >etc/group");
    assert_int_equal(next_steps_list(root, true, steps), 2);
    assert_string_equal(steps[0], "systemctl enable --now intune-enroll-check-in.timer");
    assert_string_equal(steps[1], "intune-enroll register");
    run("ln -s /nowhere etc/systemd/system/timers.target.wants/intune-enroll-check-in.timer");
    run("touch etc/firefox/policies/policies.json");
    assert_int_equal(next_steps_list(root, true, steps), 0);
    run("rm -r etc");
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_done_is_not_said_again)};
    return cmocka_run_group_tests_name("next-steps", tests, NULL, NULL);
}
