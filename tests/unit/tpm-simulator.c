#include "tpm-simulator.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <cmocka.h>

static void sleep_milliseconds(long milliseconds)
{
    const struct timespec pause = {.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

static int answers(const struct simulator *simulator)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), connected;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", simulator->data);
    connected = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(descriptor);
    return connected;
}

static void launch(struct simulator *simulator)
{
    char state[128], server[128], control[128];
    pid_t parent = getpid();

    snprintf(state, sizeof(state), "dir=%s,mode=0600", simulator->directory);
    snprintf(server, sizeof(server), "type=unixio,path=%s", simulator->data);
    snprintf(control, sizeof(control), "type=unixio,path=%s", simulator->control);
    unlink(simulator->data);
    unlink(simulator->control);
    simulator->pid = fork();
    assert_true(simulator->pid >= 0);
    if (simulator->pid == 0) {
        int null = open("/dev/null", O_RDWR);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--ctrl",
               control, "--flags", "not-need-init,startup-clear", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 1000 && !answers(simulator); i++) {
        assert_int_equal(waitpid(simulator->pid, NULL, WNOHANG), 0);
        sleep_milliseconds(10);
    }
    assert_true(answers(simulator));
}

void simulator_start(struct simulator *simulator)
{
    const char *base = getenv("TMPDIR");

    snprintf(simulator->directory, sizeof(simulator->directory), "%s/tpm-XXXXXX",
             base != NULL && strlen(base) < 40 ? base : "/tmp");
    assert_non_null(mkdtemp(simulator->directory));
    snprintf(simulator->data, sizeof(simulator->data), "%s/tpm", simulator->directory);
    snprintf(simulator->control, sizeof(simulator->control), "%s/tpm.ctrl", simulator->directory);
    snprintf(simulator->tcti, sizeof(simulator->tcti), "swtpm:path=%s", simulator->data);
    launch(simulator);
}

void simulator_stop(struct simulator *simulator)
{
    if (simulator->pid > 0) {
        kill(simulator->pid, SIGKILL);
        waitpid(simulator->pid, NULL, 0);
    }
    simulator->pid = 0;
}

void simulator_restart(struct simulator *simulator)
{
    simulator_stop(simulator);
    launch(simulator);
}

static int run(const char *command)
{
    int status = system(command);

    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void simulator_reset(const struct simulator *simulator)
{
    char command[256];

    snprintf(command, sizeof(command), "swtpm_ioctl --unix %s -i", simulator->control);
    assert_int_equal(run(command), 0);
}

void simulator_remove(struct simulator *simulator)
{
    char command[128];

    simulator_stop(simulator);
    snprintf(command, sizeof(command), "rm -r %s", simulator->directory);
    assert_int_equal(run(command), 0);
}

int simulator_tool(const struct simulator *simulator, const char *command)
{
    char line[1024];

    snprintf(line, sizeof(line),
             "cd %s && export TPM2TOOLS_TCTI=%s && { %s; } >tool.log 2>&1 || { cat tool.log >&2; false; }",
             simulator->directory, simulator->tcti, command);
    return run(line);
}

int simulator_count(const struct simulator *simulator, const char *capability)
{
    char command[256], line[128];
    int count = 0;
    FILE *output;

    snprintf(command, sizeof(command), "TPM2TOOLS_TCTI=%s tpm2_getcap %s", simulator->tcti, capability);
    output = popen(command, "r");
    assert_non_null(output);
    while (fgets(line, sizeof(line), output) != NULL)
        count += strstr(line, "0x") != NULL;
    assert_int_equal(pclose(output), 0);
    return count;
}
