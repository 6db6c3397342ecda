#include "redirect.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "server.h"

#define LONG_SIZE 60000

static void port_append(const struct request *request, struct text *out)
{
    if (request->server->port != 443)
        text_format(out, ":%u", request->server->port);
}

/* Is the request for this host already, so that a redirect there is done? */
static bool host_is(const struct request *request, const char *host)
{
    size_t length = strlen(host);
    return strncasecmp(request->host, host, length) == 0 &&
           (request->host[length] == '\0' || request->host[length] == ':');
}

static bool to_host(const struct request *request, const char *host, struct text *location)
{
    if (host_is(request, host))
        return false;
    text_format(location, "https://%s", host);
    port_append(request, location);
    text_append(location, request->path);
    return true;
}

static bool to_scheme(const struct request *request, const char *scheme, const char *user,
                      struct text *location)
{
    text_format(location, "%s://%s%s%s", scheme, user, request->host, request->path);
    return true;
}

/* /redirected/1, /redirected/2 ... up to the last, which is served. */
static bool to_next(const struct request *request, unsigned last, struct text *location)
{
    unsigned hop = 0;
    if (strncasecmp(request->path, "/redirected/", 12) == 0)
        hop = (unsigned)strtoul(request->path + 12, NULL, 10);
    if (hop >= last)
        return false;
    text_format(location, "https://%s/redirected/%u", request->host, hop + 1);
    return true;
}

/* Writes the Location. Returns false when the request has arrived and is to be served. */
static bool location_write(const struct request *request, const char *target, struct text *location)
{
    char domain_host[300];
    (void)snprintf(domain_host, sizeof domain_host, "mdm.%s", request->server->options.domain);
    if (target[0] == '3')
        return to_host(request, domain_host, location);
    if (strcmp(target, "other-host") == 0)
        return to_host(request, "mdm.fabrikam.test", location);
    if (strcmp(target, "loopback") == 0)
        return to_host(request, "127.0.0.1", location);
    if (strcmp(target, "link-local") == 0)
        return to_host(request, "169.254.169.254", location);
    if (strcmp(target, "same-host") == 0)
        return to_next(request, 1, location);
    if (strcmp(target, "three") == 0)
        return to_next(request, 3, location);
    if (strcmp(target, "many") == 0)
        return to_next(request, 5, location);
    if (strcmp(target, "loop") == 0)
        return to_scheme(request, "https", "", location);
    if (strcmp(target, "http") == 0)
        return to_scheme(request, "http", "", location);
    if (strcmp(target, "user-info") == 0)
        return to_scheme(request, "https", "alice:secret@", location);
    if (strcmp(target, "file") == 0)
        text_append(location, "file:///etc/passwd");
    if (strcmp(target, "empty") == 0)
        text_append(location, " "); /* what remains is nothing; the library takes no shorter one */
    if (strcmp(target, "long") == 0) {
        (void)to_scheme(request, "https", "", location);
        text_append(location, "?");
        while (location->size < LONG_SIZE)
            text_append(location, "0123456789abcdef");
    }
    return true;
}

static void retry_after_write(const struct modes *modes, const struct mode *mode, struct text *out)
{
    const char *form = modes_value(modes, "retry-after");
    if (form && strcmp(form, "date") == 0) {
        char stamp[64];
        time_t then = time(NULL) + (time_t)mode->seconds;
        struct tm broken_down;
        (void)strftime(stamp, sizeof stamp, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &broken_down));
        text_append(out, stamp);
    } else if (form && strcmp(form, "huge") == 0) {
        text_append(out, "31536000");
    } else if (form && strcmp(form, "garbage") == 0) {
        text_append(out, "soon; -1");
    } else if (mode->seconds || form) {
        text_format(out, "%u", mode->seconds);
    }
}

bool redirect_answer(const struct request *request, struct reply *reply)
{
    struct modes *modes = &request->server->options.modes;
    struct mode *mode = modes_take(modes, "http-status", reply->step, "discover");
    if (mode) {
        reply->status = (unsigned)strtoul(mode->value, NULL, 10);
        retry_after_write(modes, mode, &reply->retry_after);
        (void)snprintf(reply->outcome, sizeof reply->outcome, "http-status=%s", mode->value);
        return true;
    }
    bool early = strcmp(reply->step, "probe") == 0 || strcmp(reply->step, "discover") == 0;
    mode = modes_take(modes, "redirect", reply->step, early ? reply->step : "discover");
    if (!mode || !location_write(request, mode->value, &reply->location))
        return false;
    unsigned status = mode->value[0] == '3' ? (unsigned)strtoul(mode->value, NULL, 10) : mode->status;
    reply->status = status ? status : 302;
    (void)snprintf(reply->outcome, sizeof reply->outcome, "redirect=%s", mode->value);
    return true;
}
