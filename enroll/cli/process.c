#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

static volatile sig_atomic_t signals_seen;

void process_protect(void)
{
    static const struct rlimit none = {0, 0};
    /* A descriptor below 3 that is closed would be taken by the first file we open. */
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            _exit(ENROLL_FAILED);
    }
    if (prctl(PR_SET_DUMPABLE, 0) || setrlimit(RLIMIT_CORE, &none))
        _exit(ENROLL_FAILED);
    umask(022);
    /* libcurl writes the keys of TLS connections to the file that it names, and a token travels in them. */
    unsetenv("SSLKEYLOGFILE");
}

static void signal_seen(int number)
{
    (void)number;
    if (signals_seen++)
        _exit(ENROLL_CANCELLED);
}

void process_signals_catch(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    /* No SA_RESTART: a read from the terminal or a wait for the lock has to end. */
    struct sigaction action = {.sa_handler = signal_seen};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* Who starts us may ignore it, and that lasts: then no command could be waited for, nor its failure be
     * seen. */
    signal(SIGCHLD, SIG_DFL);
}

bool process_cancelled(void *context)
{
    (void)context;
    return signals_seen != 0;
}
