#include "connection.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"

struct tpm *tpm_new(const char *tcti)
{
    struct tpm *tpm = calloc(1, sizeof(*tpm));

    if (tpm == NULL)
        return NULL;
    tpm->descriptor = -1;
    tpm->tcti = strdup(tcti != NULL ? tcti : TPM_TCTI_DEFAULT);
    if (tpm->tcti == NULL) {
        free(tpm);
        return NULL;
    }
    return tpm;
}

static void tpm_forget(struct tpm *tpm)
{
    for (size_t i = 0; i < TPM_CURVE_COUNT; i++)
        EC_GROUP_free(tpm->groups[i]);
    free(tpm->tcti);
    free(tpm->sapi);
    free(tpm);
}

void tpm_free(struct tpm *tpm)
{
    if (tpm == NULL)
        return;
    tpm_connection_close(tpm);
    tpm_forget(tpm);
}

/*
 * The child's copy of the descriptor is closed, if it is one still: a simulator, and a TPM device without a
 * resource manager, serve nobody else as long as a copy is open. That sends nothing on the connection.
 * The TCTIs of the TSS would, so theirs stay open; they are close-on-exec.
 */
void tpm_abandon_in_use(struct tpm *tpm)
{
    if (tpm != NULL && tpm_descriptor_is_ours(tpm)) {
        close(tpm->descriptor);
        tpm->descriptor = -1;
    }
}

void tpm_abandon(struct tpm *tpm)
{
    if (tpm == NULL)
        return;
    tpm_abandon_in_use(tpm);
    tpm_forget(tpm);
}

uint32_t tpm_last_response_code(const struct tpm *tpm)
{
    return tpm->last_rc;
}

static const struct {
    const char *prefix;
    const struct tpm_transport *transport;
} transports[] = {
    {"device", &tpm_transport_device},
    {"swtpm", &tpm_transport_socket},
};

/* An empty configuration would start the TSS's own search, which waits for a D-Bus service: refused. */
static uint32_t transport_choose(struct tpm *tpm)
{
    size_t name_size = strcspn(tpm->tcti, ":");

    if (name_size == 0)
        return LOCAL_RC_BAD_TCTI;
    tpm->address = tpm->tcti + name_size + (tpm->tcti[name_size] == ':' ? 1 : 0);
    tpm->transport = &tpm_transport_tss;
    for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++)
        if (strlen(transports[i].prefix) == name_size &&
            memcmp(tpm->tcti, transports[i].prefix, name_size) == 0)
            tpm->transport = transports[i].transport;
    return TPM2_RC_SUCCESS;
}

uint32_t tpm_connection_open(struct tpm *tpm)
{
    if (tpm->transport == NULL) {
        uint32_t rc = transport_choose(tpm);

        if (rc != TPM2_RC_SUCCESS)
            return rc;
    }
    if (tpm->transport->is_open(tpm))
        return TPM2_RC_SUCCESS;
    return tpm->transport->open(tpm);
}

void tpm_connection_close(struct tpm *tpm)
{
    if (tpm->transport != NULL)
        tpm->transport->close(tpm);
}

void tpm_connection_release(struct tpm *tpm)
{
    if (tpm->transport != NULL && !tpm->transport->keeps(tpm))
        tpm->transport->close(tpm);
}
