/* Reaching a TPM: which transport a TCTI configuration means, opening late, closing where others wait. */
#ifndef INTUNE_TPM_CONNECTION_H
#define INTUNE_TPM_CONNECTION_H

#include "context.h"

struct tpm_transport {
    const char *name;
    bool starts_up; /* nobody else sends TPM2_Startup to this TPM after a reset: a simulator has no firmware
                       before it */
    uint32_t (*open)(struct tpm *tpm);
    bool (*is_open)(struct tpm *tpm);
    /* Sends one command. */
    uint32_t (*transmit)(struct tpm *tpm, const uint8_t *command, size_t size);
    /* Receives its whole response. */
    uint32_t (*receive)(struct tpm *tpm, uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size);
    void (*close)(struct tpm *tpm);
    bool (*keeps)(
        const struct tpm *tpm); /* it may stay open between two calls, since others reach the TPM too */
};

extern const struct tpm_transport tpm_transport_device; /* "device:PATH" */
extern const struct tpm_transport tpm_transport_socket; /* "swtpm:path=PATH", "swtpm:host=HOST,port=PORT" */
extern const struct tpm_transport tpm_transport_tss;    /* any other TCTI of the TSS, by name */

/*
 * Connects to "path=PATH" or "host=HOST,port=PORT"; 127.0.0.1 and 2321 where they are not given. `owner`,
 * which may be NULL, remembers the descriptor before it is connected: a child that is forked while this waits
 * has to know of it.
 */
uint32_t tpm_socket_connect(struct tpm *owner, const char *address, int *ret_descriptor)
    __attribute__((warn_unused_result));

/* Opens the connection if it is not open. */
uint32_t tpm_connection_open(struct tpm *tpm);
/* At the end of a call: closes the connection unless it may stay. */
void tpm_connection_release(struct tpm *tpm);
void tpm_connection_close(struct tpm *tpm);

#endif
