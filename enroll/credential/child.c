#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MILLISECONDS  100 /* between two looks at the time and at signals */
#define WAIT_MILLISECONDS  20
#define GRACE_MILLISECONDS 2000 /* from SIGTERM to SIGKILL */

extern char **environ;

static int64_t now(void)
{
    struct timespec clock;

    clock_gettime(CLOCK_MONOTONIC, &clock);
    return (int64_t)clock.tv_sec * 1000 + clock.tv_nsec / 1000000;
}

/* Our terminal, if we are in its foreground: only then is it ours to hand on. */
static int terminal_open(void)
{
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (terminal >= 0 && tcgetpgrp(terminal) != getpgrp()) {
        close(terminal);
        terminal = -1;
    }
    return terminal;
}

/* To whom the terminal belongs may be changed from the background only by who does not stop for it. */
static void terminal_give(const struct child *child, pid_t group)
{
    sigset_t stop, before;

    if (child->terminal < 0)
        return;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &stop, &before);
    (void)tcsetpgrp(child->terminal, group);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A group of its own, in the foreground where we are; the signals that we ignore are not to be ignored there.
 */
static int child_spawn(char *const words[], int output, struct child *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int result = posix_spawn_file_actions_init(&actions);

    if (result != 0)
        return result;
    result = posix_spawnattr_init(&attributes);
    if (result != 0)
        goto no_attributes;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    if (result == 0)
        result = posix_spawnattr_setpgroup(&attributes, 0);
    if (result == 0)
        result = posix_spawnattr_setsigdefault(&attributes, &defaults);
    if (result == 0)
        result = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    if (result == 0 && child->terminal >= 0)
        result = posix_spawn_file_actions_addtcsetpgrp_np(&actions, child->terminal);
    /* Not the connection to the server, and whatever else a library keeps open. */
    if (result == 0)
        result = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    if (result == 0)
        result = posix_spawnp(&child->pid, words[0], &actions, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
no_attributes:
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

static void terminal_take_back(struct child *child)
{
    terminal_give(child, getpgrp());
    if (child->terminal >= 0)
        close(child->terminal);
    child->terminal = -1;
}

int child_start(char *const words[], unsigned seconds, struct child *child)
{
    int ends[2], result;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    /* Only our end: the command's has to be as any pipe. */
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        result = errno;
        close(ends[0]);
        close(ends[1]);
        return result;
    }
    child->output = ends[0];
    child->end = CHILD_ENDED;
    child->limit = now() + (int64_t)seconds * 1000;
    child->terminal = terminal_open();
    result = child_spawn(words, ends[1], child);
    close(ends[1]);
    if (result != 0) {
        close(child->output);
        terminal_take_back(child);
    }
    return result;
}

/*
 * The stop key stopped the command: we stop too, as one job, and go on with it. In the background it does
 * not get the terminal back. The time of the stop is not the command's.
 */
static void stop_follow(struct child *child)
{
    siginfo_t seen = {.si_pid = 0};
    int64_t stopped;

    if (waitid(P_PID, (id_t)child->pid, &seen, WSTOPPED | WNOHANG) != 0 || seen.si_pid == 0 ||
        child->terminal < 0)
        return;
    terminal_give(child, getpgrp());
    stopped = now();
    kill(0, SIGTSTP);
    child->limit += now() - stopped;
    if (tcgetpgrp(child->terminal) == getpgrp())
        terminal_give(child, child->pid);
    kill(-child->pid, SIGCONT);
}

/* False on timeout or cancellation. */
static bool still_wanted(struct child *child)
{
    stop_follow(child);
    if (child->cancelled != NULL && child->cancelled(child->context))
        child->end = CHILD_CANCELLED;
    else if (now() >= child->limit)
        child->end = CHILD_LATE;
    return child->end == CHILD_ENDED;
}

bool child_output_wait(void *context)
{
    struct child *child = context;
    struct pollfd output = {.fd = child->output, .events = POLLIN};

    while (still_wanted(child))
        if (poll(&output, 1, POLL_MILLISECONDS) > 0)
            return true;
    return false;
}

/* Whether it ended; it can still be waited for, so that its number is nobody else's. */
static bool has_ended(const struct child *child)
{
    siginfo_t seen = {.si_pid = 0};
    int result = waitid(P_PID, (id_t)child->pid, &seen, WEXITED | WNOHANG | WNOWAIT);

    return (result == 0 && seen.si_pid != 0) || (result != 0 && errno == ECHILD);
}

static void group_end(const struct child *child)
{
    kill(-child->pid, SIGTERM);
    kill(-child->pid, SIGCONT);
    for (int waited = 0; waited < GRACE_MILLISECONDS && !has_ended(child); waited += WAIT_MILLISECONDS)
        poll(NULL, 0, WAIT_MILLISECONDS);
    kill(-child->pid, SIGKILL);
}

enum child_end child_wait(struct child *child, int *ret_state)
{
    bool interactive = child->terminal >= 0;

    close(child->output);
    child->output = -1;
    while (child->end == CHILD_ENDED && !has_ended(child) && still_wanted(child))
        poll(NULL, 0, WAIT_MILLISECONDS);
    if (child->end != CHILD_ENDED)
        group_end(child);
    *ret_state = 0;
    while (waitpid(child->pid, ret_state, 0) < 0 && errno == EINTR)
        continue;
    terminal_take_back(child);
    /* The interrupt key reaches the foreground alone: we, and a script that runs us, were not in it. */
    if (interactive && WIFSIGNALED(*ret_state) && WTERMSIG(*ret_state) == SIGINT) {
        child->end = CHILD_CANCELLED;
        kill(0, SIGINT);
    }
    return child->end;
}
