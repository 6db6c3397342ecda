#include "pending.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "server.h"
#include "soap.h"

#define IDENTIFIER_FIRST 65
#define IDENTIFIER_LAST  9999

static char *path_make(const struct server *server, unsigned identifier)
{
    char *path = NULL;
    if (asprintf(&path, "%s/pending/%u", server->options.directory, identifier) < 0)
        abort();
    return path;
}

/* One line: how often asked, Full or Device, the device, the request in base64. */
static void pending_store(const struct server *server, const struct pending *pending)
{
    struct text line = {0};
    char *path = path_make(server, pending->identifier);
    text_format(&line, "%u %s ", pending->asked, pending->full ? "Full" : "Device");
    text_base64_append(&line, pending->device, strlen(pending->device));
    text_append(&line, " ");
    text_base64_append(&line, pending->pkcs10, pending->size);
    if (!text_file_write(path, line.data, line.size, 0600)) {
        perror(path);
        exit(1);
    }
    text_clear(&line);
    free(path);
}

void pending_keep(const struct server *server, struct pending *pending)
{
    char *folder = NULL;
    if (asprintf(&folder, "%s/pending", server->options.directory) < 0)
        abort();
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        perror(folder);
        exit(1);
    }
    free(folder);
    bool taken = true;
    for (pending->identifier = IDENTIFIER_FIRST; taken && pending->identifier < IDENTIFIER_LAST;) {
        char *path = path_make(server, pending->identifier);
        taken = access(path, F_OK) == 0;
        free(path);
        if (taken)
            pending->identifier++;
    }
    pending_store(server, pending);
}

static bool pending_parse(char *line, struct pending *pending)
{
    char *rest = line;
    const char *asked = strsep(&rest, " ");
    const char *type = strsep(&rest, " ");
    const char *device = strsep(&rest, " ");
    unsigned char *name = NULL;
    size_t size = 0;
    if (!rest || !text_base64_decode(device, &name, &size))
        return false;
    pending->asked = (unsigned)strtoul(asked, NULL, 10);
    pending->full = strcmp(type, "Full") == 0;
    (void)snprintf(pending->device, sizeof pending->device, "%s", (char *)name);
    free(name);
    return text_base64_decode(rest, &pending->pkcs10, &pending->size);
}

bool pending_query(const struct server *server, const char *identifier, struct pending *ret_pending,
                   struct fault *ret_fault)
{
    struct pending pending = {0};
    if (strlen(identifier) == 0 || strspn(identifier, "0123456789") != strlen(identifier) ||
        strlen(identifier) > 5)
        return fault_set(ret_fault, "MessageFormat", "RequestID is \"%.40s\", not a number", identifier);
    pending.identifier = (unsigned)strtoul(identifier, NULL, 10);
    char *path = path_make(server, pending.identifier);
    char *line = text_file_read(path, NULL);
    bool known = line && pending_parse(line, &pending);
    free(line);
    free(path);
    if (!known)
        return fault_set(ret_fault, "CertificateRequest", "no request waits under RequestID %s", identifier);
    pending.asked++;
    pending_store(server, &pending);
    *ret_pending = pending;
    return true;
}

void pending_forget(const struct server *server, const struct pending *pending)
{
    char *path = path_make(server, pending->identifier);
    (void)unlink(path);
    free(path);
}

void pending_clear(struct pending *pending)
{
    free(pending->pkcs10);
    pending->pkcs10 = NULL;
}

void pending_write(const struct server *server, unsigned identifier, struct text *out)
{
    const char *mode = modes_value(&server->options.modes, "pending");
    text_append(out, "<DispositionMessage xmlns=\"" WSTEP_NAMESPACE
                     "\" xml:lang=\"en-us\">An administrator decides "
                     "about this request.</DispositionMessage>");
    if (mode && strcmp(mode, "nil") == 0)
        text_append(out, "<RequestedSecurityToken xmlns:xsi=\"" SCHEMA_INSTANCE "\" xsi:nil=\"true\"/>");
    else if (mode && strcmp(mode, "empty") == 0)
        text_append(out, "<RequestedSecurityToken><BinarySecurityToken xmlns=\"" SECURITY_NAMESPACE
                         "\"></BinarySecurityToken></RequestedSecurityToken>");
    text_format(out, "<RequestID xmlns=\"" WSTEP_NAMESPACE "\">%u</RequestID>", identifier);
}
