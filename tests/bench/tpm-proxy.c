/*
 * A proxy between the TSS's swtpm TCTI and a software TPM, on Unix sockets: PATH for commands, PATH.ctrl for
 * the control channel. It records every command with the process that sent it, can be as slow as a real chip,
 * and can manage resources as the kernel's /dev/tpmrm0 does. The TCTI of tpm2-tss 3.2 connects anew for each
 * command, so a client is a process: its id comes from the socket.
 *
 *   tpm-proxy --listen PATH --tpm PATH [--record FILE] [--delay CHIP] [--resource-manager]
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tpm-chip.h"
#include "tpm-space.h"

struct client {
    struct tpm_space space;
    int pidfd;
    struct client *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the chip, its record, and the list of clients */
static struct tpm_chip chip;
static struct client *clients;
static bool managing;
static char control_socket[sizeof((struct sockaddr_un *)0)->sun_path];

static void die(const char *what)
{
    fprintf(stderr, "tpm-proxy: %s: %s\n", what, strerror(errno));
    exit(1);
}

static bool socket_address(const char *path, const char *suffix, struct sockaddr_un *ret_address)
{
    int n;

    memset(ret_address, 0, sizeof *ret_address);
    ret_address->sun_family = AF_UNIX;
    n = snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "%s%s", path, suffix);
    return n > 0 && (size_t)n < sizeof ret_address->sun_path;
}

/* Others than root use the TPM through it too. */
static int listen_at(const char *path, const char *suffix)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !socket_address(path, suffix, &address))
        die(path);
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || chmod(address.sun_path, 0666) != 0 ||
        listen(fd, 256) != 0)
        die(address.sun_path);
    return fd;
}

static void spawn(void *(*function)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (pthread_attr_init(&attributes) != 0 || pthread_attr_setstacksize(&attributes, 256 * 1024UL) != 0 ||
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED) != 0 ||
        pthread_create(&thread, &attributes, function, argument) != 0)
        die("thread");
    pthread_attr_destroy(&attributes);
}

static void client_remove(struct client *client)
{
    struct client **link = &clients;

    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    close(client->pidfd);
    free(client);
}

/* As the kernel when the last descriptor is closed: the process has ended. */
static void *client_wait(void *argument)
{
    struct client *client = argument;
    struct pollfd ended = {.fd = client->pidfd, .events = POLLIN};

    while (poll(&ended, 1, -1) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&lock);
    tpm_space_close(&client->space, &chip);
    client_remove(client);
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* NULL when the process has ended already. */
static struct client *client_find(pid_t pid)
{
    struct client *client;

    for (client = clients; client != NULL; client = client->next)
        if (client->space.pid == pid)
            return client;
    client = calloc(1, sizeof *client);
    if (client == NULL)
        die("memory");
    client->space.pid = pid;
    client->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (client->pidfd < 0) {
        free(client);
        return NULL;
    }
    client->next = clients;
    clients = client;
    spawn(client_wait, client);
    return client;
}

static bool serve_command(pid_t pid, struct tpm_message *command, struct tpm_message *ret_response)
{
    struct client *client;
    bool answered = false;

    pthread_mutex_lock(&lock);
    if (!managing) {
        answered = tpm_chip_transmit(&chip, pid, ORIGIN_SENT, command, ret_response);
    } else {
        client = client_find(pid);
        if (client != NULL)
            answered = tpm_space_execute(&client->space, &chip, command, ret_response);
    }
    pthread_mutex_unlock(&lock);
    return answered;
}

static void *serve_commands(void *argument)
{
    int fd = (int)(intptr_t)argument;
    struct tpm_message command, response;
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        while (tpm_message_read(fd, &command))
            if (!serve_command(peer.pid, &command, &response) || !tpm_message_write(fd, &response))
                break;
    close(fd);
    return NULL;
}

static bool forward(int from, int to)
{
    char buffer[4096];
    ssize_t n = read(from, buffer, sizeof buffer);

    return n > 0 && send(to, buffer, (size_t)n, MSG_NOSIGNAL) == n;
}

/* The control channel is passed on as it is; the TCTI uses it to set the locality and to cancel. */
static void *serve_control(void *argument)
{
    struct pollfd ends[2] = {{.fd = (int)(intptr_t)argument, .events = POLLIN}, {.events = POLLIN}};
    struct sockaddr_un address;
    bool open;

    ends[1].fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    open = ends[1].fd >= 0 && socket_address(control_socket, "", &address) &&
           connect(ends[1].fd, (struct sockaddr *)&address, sizeof address) == 0;
    while (open) {
        if (poll(ends, 2, -1) < 0 && errno != EINTR)
            break;
        if (ends[0].revents != 0)
            open = forward(ends[0].fd, ends[1].fd);
        if (open && ends[1].revents != 0)
            open = forward(ends[1].fd, ends[0].fd);
    }
    close(ends[0].fd);
    if (ends[1].fd >= 0)
        close(ends[1].fd);
    return NULL;
}

static void serve(const char *path)
{
    struct pollfd listeners[2] = {{.events = POLLIN}, {.events = POLLIN}};
    void *(*const functions[2])(void *) = {serve_control, serve_commands};

    /* The command socket appears last: who waits for it may start. */
    listeners[0].fd = listen_at(path, ".ctrl");
    listeners[1].fd = listen_at(path, "");
    for (;;) {
        if (poll(listeners, 2, -1) < 0 && errno != EINTR)
            die("poll");
        for (size_t i = 0; i < 2; i++) {
            int fd;

            if ((listeners[i].revents & POLLIN) == 0)
                continue;
            fd = accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0)
                spawn(functions[i], (void *)(intptr_t)fd);
        }
    }
}

static void usage(void)
{
    fputs("usage: tpm-proxy --listen PATH --tpm PATH [--record FILE] [--delay CHIP] "
          "[--resource-manager]\nchips: ",
          stderr);
    tpm_figures_list(stderr);
    fputs("\n", stderr);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},     {"tpm", required_argument, NULL, 't'},
        {"record", required_argument, NULL, 'r'},     {"delay", required_argument, NULL, 'd'},
        {"resource-manager", no_argument, NULL, 'm'}, {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            path = optarg;
            break;
        case 't':
            chip.socket = optarg;
            break;
        case 'r':
            chip.record = fopen(optarg, "ae");
            if (chip.record == NULL)
                die(optarg);
            break;
        case 'd':
            chip.figures = tpm_figures_find(optarg);
            if (chip.figures == NULL)
                usage();
            break;
        case 'm':
            managing = true;
            break;
        default:
            usage();
        }
    }
    if (path == NULL || chip.socket == NULL || optind != argc)
        usage();
    if ((size_t)snprintf(control_socket, sizeof control_socket, "%s.ctrl", chip.socket) >=
        sizeof control_socket)
        usage();
    signal(SIGPIPE, SIG_IGN);
    serve(path);
}
