/*
 * Any other TCTI ("tabrmd", "mssim" ...) by its explicit name. Its library is opened here and not by the
 * TSS's loader, which prints to stderr when it is not there, and stays: tabrmd's registers types with GLib
 * that outlive an unloading.
 */
#include "connection.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_tcti.h>

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
    rc = tpm_socket_connect(NULL, tpm->address, &descriptor);
    if (rc == TPM2_RC_SUCCESS)
        close(descriptor);
    return rc;
}

/* What the library says about itself (TCG TSS 2.0 TCTI, 3.6); NULL when there is no such library. */
static const TSS2_TCTI_INFO *library_info(const struct tpm *tpm)
{
    TSS2_TCTI_INFO_FUNC function;
    void *library, *symbol;
    char name[64];

    if (!library_name(tpm->tcti, name, sizeof(name)))
        return NULL;
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    symbol = library != NULL ? dlsym(library, TSS2_TCTI_INFO_SYMBOL) : NULL;
    if (symbol == NULL)
        return NULL;
    memcpy(&function, &symbol, sizeof(function)); /* ISO C has no cast from an object to a function */
    return function();
}

static uint32_t tss_open(struct tpm *tpm)
{
    const TSS2_TCTI_INFO *info = library_info(tpm);
    const char *configuration = tpm->address[0] != '\0' ? tpm->address : NULL;
    TSS2_TCTI_CONTEXT *context;
    size_t size = 0;
    uint32_t rc;

    if (info == NULL || info->init == NULL)
        return DOOR_RC_BAD_TCTI;
    rc = simulator_look(tpm);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    if (info->init(NULL, &size, configuration) != TSS2_RC_SUCCESS)
        return DOOR_RC_UNREACHABLE;
    context = calloc(1, size);
    if (context == NULL)
        return DOOR_RC_NO_MEMORY;
    if (info->init(context, &size, configuration) != TSS2_RC_SUCCESS) {
        free(context);
        return DOOR_RC_UNREACHABLE;
    }
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
        Tss2_Tcti_Finalize(context);
    free(context);
    tpm->tss_context = NULL;
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
