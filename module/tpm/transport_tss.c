/*
 * Any other TCTI ("tabrmd", "mssim" ...) through the TSS's loader, by its explicit name. The TSS prints to
 * stderr when a TCTI cannot be found or a simulator does not listen, so both are looked for here first.
 */
#include "connection.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_tcti.h>
#include <tss2/tss2_tctildr.h>

static bool library_name(const char *tcti, char *ret_name, size_t size)
{
    size_t name_size = strcspn(tcti, ":");
    int written;

    for (size_t i = 0; i < name_size; i++)
        if (!islower((unsigned char)tcti[i]) && !isdigit((unsigned char)tcti[i]))
            return false;
    written = snprintf(ret_name, size, "libtss2-tcti-%.*s.so.0", (int)name_size, tcti);
    return written > 0 && (size_t)written < size;
}

static uint32_t simulator_look(const struct tpm *tpm)
{
    int descriptor;
    uint32_t rc;

    if (strncmp(tpm->tcti, "mssim", strlen("mssim")) != 0)
        return TPM2_RC_SUCCESS;
    rc = tpm_socket_connect(tpm->address, &descriptor);
    if (rc == TPM2_RC_SUCCESS)
        close(descriptor);
    return rc;
}

static uint32_t tss_open(struct tpm *tpm)
{
    TSS2_TCTI_CONTEXT *context = NULL;
    char name[64];
    uint32_t rc;

    if (tpm->tss_library == NULL) {
        if (!library_name(tpm->tcti, name, sizeof(name)))
            return DOOR_RC_BAD_TCTI;
        tpm->tss_library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
        if (tpm->tss_library == NULL)
            return DOOR_RC_BAD_TCTI;
    }
    rc = simulator_look(tpm);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (Tss2_TctiLdr_Initialize(tpm->tcti, &context) != TSS2_RC_SUCCESS)
        return DOOR_RC_UNREACHABLE;
    tpm->tss_context = context;
    return TPM2_RC_SUCCESS;
}

static bool tss_is_open(struct tpm *tpm)
{
    return tpm->tss_context != NULL;
}

static uint32_t tss_exchange(struct tpm *tpm, const uint8_t *command, size_t command_size,
                             uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size)
{
    TSS2_TCTI_CONTEXT *context = tpm->tss_context;
    size_t size = TPM_MESSAGE_MAX;

    if (Tss2_Tcti_Transmit(context, command_size, command) != TSS2_RC_SUCCESS ||
        Tss2_Tcti_Receive(context, &size, ret_response, TSS2_TCTI_TIMEOUT_BLOCK) != TSS2_RC_SUCCESS)
        return DOOR_RC_LOST;
    if (size > TPM_MESSAGE_MAX)
        return DOOR_RC_MALFORMED;
    *ret_size = size;
    return TPM2_RC_SUCCESS;
}

static void tss_close(struct tpm *tpm)
{
    TSS2_TCTI_CONTEXT *context = tpm->tss_context;

    if (context != NULL)
        Tss2_TctiLdr_Finalize(&context);
    tpm->tss_context = NULL;
    if (tpm->tss_library != NULL)
        dlclose(tpm->tss_library);
    tpm->tss_library = NULL;
}

/* A resource manager serves any number of clients; a simulator only one. */
static bool tss_keeps(const struct tpm *tpm)
{
    return strncmp(tpm->tcti, "tabrmd", strlen("tabrmd")) == 0;
}

const struct tpm_transport tpm_transport_tss = {
    .name = "tss",
    .open = tss_open,
    .is_open = tss_is_open,
    .exchange = tss_exchange,
    .close = tss_close,
    .keeps = tss_keeps,
};
