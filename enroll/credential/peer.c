#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3 /* the kernel's list, read while others connect, may leave a socket out */

/*
 * The line of the socket from `near` to `far` in one of the kernel's lists (proc(5)): addresses are 32-bit
 * words of network order printed as this machine's numbers. `before` is what a mapped address begins with.
 */
static bool list_search(const char *path, const char *before, const struct sockaddr_in *near,
                        const struct sockaddr_in *far, uid_t *ret_user)
{
    char ends[128], *line = NULL;
    size_t size = 0;
    bool found = false;
    FILE *list = fopen(path, "re");

    if (list == NULL)
        return false;
    snprintf(ends, sizeof(ends), ": %s%08X:%04X %s%08X:%04X ", before, near->sin_addr.s_addr,
             ntohs(near->sin_port), before, far->sin_addr.s_addr, ntohs(far->sin_port));
    while (!found && getline(&line, &size, list) > 0) {
        const char *at = strstr(line, ends);
        unsigned long inode = 0;
        unsigned user = 0;

        /* State, queues, timer, retransmissions; user, timeout, inode. What is closed already has no inode
         * and seems to be root's. */
        found = at != NULL &&
                sscanf(at + strlen(ends), "%*x %*x:%*x %*x:%*x %*x %u %*u %lu", &user, &inode) == 2 &&
                inode != 0;
        if (found)
            *ret_user = (uid_t)user;
    }
    free(line);
    fclose(list);
    return found;
}

bool peer_user_find(const struct sockaddr_in *peer, const struct sockaddr_in *own, uid_t *ret_user)
{
    char mapped[32];

    snprintf(mapped, sizeof(mapped), "%08X%08X%08X", 0U, 0U, htonl(0xffff));
    for (int i = 0; i < TRIES; i++)
        if (list_search("/proc/self/net/tcp", "", peer, own, ret_user) ||
            list_search("/proc/self/net/tcp6", mapped, peer, own, ret_user))
            return true;
    return false;
}

/* Whether a decimal number is this user's; NULL and other text are not. */
static bool is_user(const char *text, uid_t user)
{
    char *end = NULL;
    unsigned long number;

    if (text == NULL || *text < '0' || *text > '9')
        return false;
    errno = 0;
    number = strtoul(text, &end, 10);
    return errno == 0 && (*end == '\0' || *end == '\n') && number < UINT32_MAX && (uid_t)number == user;
}

/* Who logged in, whoever he became since; the kernel keeps it. pam_loginuid(8). */
static bool is_login(uid_t user)
{
    char text[16] = "";
    FILE *file = fopen("/proc/self/loginuid", "re");

    if (file == NULL)
        return false;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);
    return is_user(text, user);
}

bool peer_user_expected(uid_t user)
{
    if (user == geteuid())
        return true;
    return geteuid() == 0 &&
           (is_user(getenv("SUDO_UID"), user) || is_user(getenv("PKEXEC_UID"), user) || is_login(user));
}
