/*
 * A TPM character device: a command is one write(2), its response one read(2) (Linux,
 * Documentation/security/tpm). Opened here and not by the TSS's device TCTI, which prints to stderr and hides
 * why open(2) failed.
 */
#include "connection.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"

static const char *device_path(const struct tpm *tpm)
{
    return tpm->address[0] != '\0' ? tpm->address : "/dev/tpmrm0";
}

static uint32_t device_open(struct tpm *tpm)
{
    struct stat status;
    int descriptor;

    do {
        descriptor = tpm_descriptor_lift(open(device_path(tpm), O_RDWR | O_CLOEXEC | O_NOCTTY));
    } while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0)
        return tpm_descriptor_rc_from_errno(errno);
    /* A file that is none must not be written to. */
    if (fstat(descriptor, &status) != 0 || !S_ISCHR(status.st_mode)) {
        close(descriptor);
        return LOCAL_RC_BAD_TCTI;
    }
    tpm_descriptor_remember(tpm, descriptor);
    return TPM2_RC_SUCCESS;
}

static bool device_is_open(struct tpm *tpm)
{
    return tpm_descriptor_is_ours(tpm);
}

static uint32_t device_transmit(struct tpm *tpm, const uint8_t *command, size_t size)
{
    ssize_t done;

    do {
        done = write(tpm->descriptor, command, size);
    } while (done < 0 && errno == EINTR);
    return done == (ssize_t)size ? TPM2_RC_SUCCESS : LOCAL_RC_LOST;
}

static uint32_t device_receive(struct tpm *tpm, uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size)
{
    ssize_t done;

    do {
        done = read(tpm->descriptor, ret_response, TPM_MESSAGE_MAX);
    } while (done < 0 && errno == EINTR);
    if (done <= 0)
        return LOCAL_RC_LOST;
    *ret_size = (size_t)done;
    return TPM2_RC_SUCCESS;
}

static void device_close(struct tpm *tpm)
{
    if (tpm_descriptor_is_ours(tpm))
        close(tpm->descriptor);
    tpm->descriptor = -1;
}

/* The kernel's resource manager serves any number of openers; a bare /dev/tpm0 only one. */
static bool device_keeps(const struct tpm *tpm)
{
    return strncmp(device_path(tpm), "/dev/tpmrm", strlen("/dev/tpmrm")) == 0;
}

const struct tpm_transport tpm_transport_device = {
    .name = "device",
    .open = device_open,
    .is_open = device_is_open,
    .transmit = device_transmit,
    .receive = device_receive,
    .close = device_close,
    .keeps = device_keeps,
};
