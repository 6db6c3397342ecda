/*
 * Two TCTIs of the TSS, by name: a resource manager's and a simulator's. The others that it has print on an
 * error
 * ("cmd"), or start the TSS's own search ("pcap"). Their libraries are opened here and not by the TSS's
 * loader, which prints to stderr when one is not there, and stay: tabrmd's registers types with GLib that
 * outlive an unloading.
 */
#include "connection.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tss2/tss2_tcti.h>

static const struct tcti {
    const char *name;
    const char *library;
    bool keeps; /* a resource manager serves any number of clients; a simulator only one */
} tctis[] = {
    {"tabrmd", "libtss2-tcti-tabrmd.so.0", true},
    {"mssim", "libtss2-tcti-mssim.so.0", false},
};

static const struct tcti *tcti_find(const struct tpm *tpm)
{
    size_t size = strcspn(tpm->tcti, ":");

    for (size_t i = 0; i < sizeof(tctis) / sizeof(tctis[0]); i++)
        if (strlen(tctis[i].name) == size && memcmp(tpm->tcti, tctis[i].name, size) == 0)
            return &tctis[i];
    return NULL;
}

/*
 * What tabrmd's library has to say when its service is not there goes to GLib's log, in no domain of its own,
 * and from there to stderr. For the time of a call into it such messages of this thread are dropped; the
 * application's pass.
 */
#define GLIB_LEVELS (1 << 3 | 1 << 4) /* G_LOG_LEVEL_CRITICAL, G_LOG_LEVEL_WARNING */

typedef void glib_log_function(const char *domain, int level, const char *message, void *context);
typedef unsigned glib_set_handler(const char *domain, int levels, glib_log_function *function, void *context);
typedef void glib_remove_handler(const char *domain, unsigned handler);

struct log_suppression {
    pthread_t thread;
    unsigned handler; /* 0 where the library does not come with GLib */
    glib_log_function *others;
    glib_remove_handler *remove;
};

static void log_message_suppress(const char *domain, int level, const char *message, void *context)
{
    const struct log_suppression *suppression = context;

    if (!pthread_equal(pthread_self(), suppression->thread))
        suppression->others(domain, level, message, NULL);
}

/* ISO C has no cast from an object to a function. */
static void symbol_take(void *library, const char *name, void *ret_function)
{
    void *symbol = library != NULL ? dlsym(library, name) : NULL;

    memcpy(ret_function, &symbol, sizeof(symbol));
}

static void log_suppression_begin(const struct tpm *tpm, struct log_suppression *ret_suppression)
{
    glib_set_handler *set;

    *ret_suppression = (struct log_suppression){.thread = pthread_self()};
    symbol_take(tpm->tss_library, "g_log_set_handler", &set);
    symbol_take(tpm->tss_library, "g_log_remove_handler", &ret_suppression->remove);
    symbol_take(tpm->tss_library, "g_log_default_handler", &ret_suppression->others);
    if (set != NULL && ret_suppression->remove != NULL && ret_suppression->others != NULL)
        ret_suppression->handler = set(NULL, GLIB_LEVELS, log_message_suppress, ret_suppression);
}

static void log_suppression_end(const struct log_suppression *suppression)
{
    if (suppression->handler != 0)
        suppression->remove(NULL, suppression->handler);
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

/* The TSS2_TCTI_INFO of the library (TCG TSS 2.0 TCTI, 3.6); NULL when there is no such library. */
static const TSS2_TCTI_INFO *library_info(struct tpm *tpm)
{
    const struct tcti *tcti = tcti_find(tpm);
    TSS2_TCTI_INFO_FUNC function;

    if (tcti == NULL)
        return NULL;
    if (tpm->tss_library == NULL)
        tpm->tss_library = dlopen(tcti->library, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    symbol_take(tpm->tss_library, TSS2_TCTI_INFO_SYMBOL, &function);
    return function != NULL ? function() : NULL;
}

static uint32_t context_make(const TSS2_TCTI_INFO *info, const char *configuration,
                             TSS2_TCTI_CONTEXT **ret_context)
{
    TSS2_TCTI_CONTEXT *context;
    size_t size = 0;

    if (info->init(NULL, &size, configuration) != TSS2_RC_SUCCESS)
        return LOCAL_RC_UNREACHABLE;
    context = calloc(1, size);
    if (context == NULL)
        return LOCAL_RC_NO_MEMORY;
    if (info->init(context, &size, configuration) != TSS2_RC_SUCCESS) {
        free(context);
        return LOCAL_RC_UNREACHABLE;
    }
    *ret_context = context;
    return TPM2_RC_SUCCESS;
}

static uint32_t tss_open(struct tpm *tpm)
{
    const TSS2_TCTI_INFO *info = library_info(tpm);
    TSS2_TCTI_CONTEXT *context = NULL;
    struct log_suppression suppression;
    uint32_t rc;

    if (info == NULL || info->init == NULL)
        return LOCAL_RC_BAD_TCTI;
    rc = simulator_look(tpm);
    if (rc != TPM2_RC_SUCCESS)
        return rc;
    log_suppression_begin(tpm, &suppression);
    rc = context_make(info, tpm->address[0] != '\0' ? tpm->address : NULL, &context);
    log_suppression_end(&suppression);
    tpm->tss_context = context;
    return rc;
}

static bool tss_is_open(struct tpm *tpm)
{
    return tpm->tss_context != NULL;
}

/* Only the resource manager's library knows of time. */
static int32_t receive_timeout(const struct tpm *tpm)
{
    const struct tcti *tcti = tcti_find(tpm);

    return tpm->timeout_seconds != 0 && tcti != NULL && tcti->keeps ? (int32_t)tpm->timeout_seconds * 1000
                                                                    : TSS2_TCTI_TIMEOUT_BLOCK;
}

static uint32_t tss_transmit(struct tpm *tpm, const uint8_t *command, size_t size)
{
    struct log_suppression suppression;

    log_suppression_begin(tpm, &suppression);
    TSS2_RC rc = Tss2_Tcti_Transmit((TSS2_TCTI_CONTEXT *)tpm->tss_context, size, command);
    log_suppression_end(&suppression);
    return rc == TSS2_RC_SUCCESS ? TPM2_RC_SUCCESS : LOCAL_RC_LOST;
}

static uint32_t tss_receive(struct tpm *tpm, uint8_t ret_response[TPM_MESSAGE_MAX], size_t *ret_size)
{
    size_t size = TPM_MESSAGE_MAX;
    struct log_suppression suppression;

    log_suppression_begin(tpm, &suppression);
    TSS2_RC rc =
        Tss2_Tcti_Receive((TSS2_TCTI_CONTEXT *)tpm->tss_context, &size, ret_response, receive_timeout(tpm));
    log_suppression_end(&suppression);
    if (rc == TSS2_TCTI_RC_TRY_AGAIN)
        return LOCAL_RC_TIMEOUT;
    if (rc != TSS2_RC_SUCCESS)
        return LOCAL_RC_LOST;
    if (size > TPM_MESSAGE_MAX)
        return LOCAL_RC_MALFORMED;
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

static bool tss_keeps(const struct tpm *tpm)
{
    const struct tcti *tcti = tcti_find(tpm);

    return tcti != NULL && tcti->keeps;
}

const struct tpm_transport tpm_transport_tss = {
    .name = "tss",
    .open = tss_open,
    .is_open = tss_is_open,
    .transmit = tss_transmit,
    .receive = tss_receive,
    .close = tss_close,
    .keeps = tss_keeps,
};
