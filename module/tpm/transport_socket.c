/*
 * swtpm's data channel: commands and responses as they are, on a stream socket. swtpm serves one connection
 * at a time and lets the others wait, so holding it for the commands of one call keeps every other caller out
 * of the three object slots of a TPM without a resource manager; it is closed at the end of each call.
 */
#include "connection.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "descriptor.h"
#include "wire.h"

#define CONNECT_SECONDS  30  /* in the queue of those who wait for the simulator */
#define CREATE_SECONDS   300 /* making an RSA-4096 key on a slow machine */
#define RESPONSE_SECONDS 60  /* anything else, behind everybody who waits */

static unsigned timeout_choose(const struct tpm *tpm, unsigned usual)
{
    return tpm != NULL && tpm->timeout_seconds != 0 ? tpm->timeout_seconds : usual;
}

/* Copies the value of "key=value" from a comma-separated list; false when it is not there or too long. */
static bool address_value(const char *address, const char *key, char *ret_value, size_t size)
{
    size_t key_size = strlen(key);

    while (*address != '\0') {
        size_t item_size = strcspn(address, ",");

        if (item_size > key_size && address[key_size] == '=' && memcmp(address, key, key_size) == 0) {
            size_t value_size = item_size - key_size - 1;

            if (value_size >= size)
                return false;
            memcpy(ret_value, address + key_size + 1, value_size);
            ret_value[value_size] = '\0';
            return true;
        }
        address += item_size + (address[item_size] == ',' ? 1 : 0);
    }
    return false;
}

static uint32_t socket_connect(struct tpm *owner, int family, const struct sockaddr *address, socklen_t size,
                               int *ret_descriptor)
{
    const struct timeval wait = {.tv_sec = timeout_choose(owner, CONNECT_SECONDS)};
    int descriptor = tpm_socket_make(owner, family);
    int error;

    if (descriptor < 0)
        return tpm_descriptor_rc_from_errno(errno);
    /* On Linux the send time-out also bounds connect(2). */
    if (setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) == 0 &&
        connect(descriptor, address, size) == 0) {
        *ret_descriptor = descriptor;
        return TPM2_RC_SUCCESS;
    }
    error = errno == EINPROGRESS || errno == EINTR ? EAGAIN : errno;
    if (owner != NULL)
        owner->descriptor = -1;
    close(descriptor);
    return tpm_descriptor_rc_from_errno(error);
}

static uint32_t unix_connect(struct tpm *owner, const char *path, int *ret_descriptor)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path))
        return LOCAL_RC_BAD_TCTI;
    memcpy(address.sun_path, path, strlen(path));
    return socket_connect(owner, AF_UNIX, (const struct sockaddr *)&address, sizeof(address), ret_descriptor);
}

static uint32_t internet_connect(struct tpm *owner, const char *host, const char *port, int *ret_descriptor)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *addresses = NULL;
    uint32_t rc = LOCAL_RC_UNREACHABLE;

    if (getaddrinfo(host, port, &hints, &addresses) != 0)
        return LOCAL_RC_UNREACHABLE;
    for (const struct addrinfo *item = addresses; item != NULL; item = item->ai_next) {
        rc = socket_connect(owner, item->ai_family, item->ai_addr, item->ai_addrlen, ret_descriptor);
        if (rc == TPM2_RC_SUCCESS)
            break;
    }
    freeaddrinfo(addresses);
    return rc;
}

uint32_t tpm_socket_connect(struct tpm *owner, const char *address, int *ret_descriptor)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)], host[256] = "127.0.0.1", port[8] = "2321";

    if (address_value(address, "path", path, sizeof(path)))
        return unix_connect(owner, path, ret_descriptor);
    if (strstr(address, "path=") != NULL)
        return LOCAL_RC_BAD_TCTI;
    (void)address_value(address, "host", host, sizeof(host));
    (void)address_value(address, "port", port, sizeof(port));
    return internet_connect(owner, host, port, ret_descriptor);
}

static uint32_t socket_open(struct tpm *tpm)
{
    int descriptor;

    return tpm_socket_connect(tpm, tpm->address, &descriptor);
}

static void socket_close(struct tpm *tpm)
{
    if (tpm_descriptor_is_ours(tpm))
        close(tpm->descriptor);
    tpm->descriptor = -1;
}

/* A simulator told to hang up after each command has done so by now: then a new connection is made. */
static bool socket_is_open(struct tpm *tpm)
{
    uint8_t byte;

    if (!tpm_descriptor_is_ours(tpm))
        return false;
    if (recv(tpm->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
        (errno == EAGAIN || errno == EWOULDBLOCK))
        return true;
    socket_close(tpm);
    return false;
}

static bool bytes_send(int descriptor, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = send(descriptor, bytes, size, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

static int milliseconds_left(const struct timespec *deadline)
{
    struct timespec now;
    long long left;

    clock_gettime(CLOCK_MONOTONIC, &now);
    left = (deadline->tv_sec - now.tv_sec) * 1000LL + (deadline->tv_nsec - now.tv_nsec) / 1000000;
    return left > 0 ? (int)left : 0;
}

static uint32_t bytes_receive(int descriptor, const struct timespec *deadline, uint8_t *ret_bytes,
                              size_t size)
{
    while (size > 0) {
        struct pollfd wait = {.fd = descriptor, .events = POLLIN};
        ssize_t done = recv(descriptor, ret_bytes, size, MSG_DONTWAIT);

        if (done == 0)
            return LOCAL_RC_LOST;
        if (done > 0) {
            ret_bytes += done;
            size -= (size_t)done;
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            return LOCAL_RC_LOST;
        if (poll(&wait, 1, milliseconds_left(deadline)) == 0)
            return LOCAL_RC_TIMEOUT;
    }
    return TPM2_RC_SUCCESS;
}

static uint32_t socket_transmit(struct tpm *tpm, const uint8_t *command, size_t size)
{
    struct tpm_reader code = {.data = command + 6, .size = size - 6};

    clock_gettime(CLOCK_MONOTONIC, &tpm->deadline);
    tpm->deadline.tv_sec +=
        timeout_choose(tpm, tpm_read_u32(&code) == TPM2_CC_Create ? CREATE_SECONDS : RESPONSE_SECONDS);
    return bytes_send(tpm->descriptor, command, size) ? TPM2_RC_SUCCESS : LOCAL_RC_LOST;
}

static uint32_t socket_receive(struct tpm *tpm, uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size)
{
    uint32_t rc = bytes_receive(tpm->descriptor, &tpm->deadline, ret_response, TPM_HEADER_SIZE);

    if (rc != TPM2_RC_SUCCESS)
        return rc;
    struct tpm_reader field = {.data = ret_response + 2, .size = 4};
    const uint32_t size = tpm_read_u32(&field);
    if (size < TPM_HEADER_SIZE || size > TPM_MESSAGE_MAX)
        return LOCAL_RC_MALFORMED;
    rc = bytes_receive(tpm->descriptor, &tpm->deadline, ret_response + TPM_HEADER_SIZE,
                       size - TPM_HEADER_SIZE);
    if (rc == TPM2_RC_SUCCESS)
        *ret_size = size;
    return rc;
}

static bool socket_keeps(const struct tpm *tpm)
{
    (void)tpm;
    return false;
}

const struct tpm_transport tpm_transport_socket = {
    .name = "swtpm",
    .starts_up = true,
    .open = socket_open,
    .is_open = socket_is_open,
    .transmit = socket_transmit,
    .receive = socket_receive,
    .close = socket_close,
    .keeps = socket_keeps,
};
