#include "redirect.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "url.h"

bool redirect_status(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool listed(const char *const *hosts, const char *host)
{
    for (; hosts != NULL && *hosts != NULL; hosts++)
        if (strcasecmp(*hosts, host) == 0)
            return true;
    return false;
}

static enum enroll_exit refuse(const struct https_request *request, const char *from_host,
                               const char *to_host, const char *why, struct enroll_error *ret_error)
{
    char advice[512];

    snprintf(advice, sizeof(advice), "if %s is the right server: --accept-redirect %s", to_host, to_host);
    enroll_error_set(ret_error, ENROLL_UNSAFE,
                     request->credentials || request->bearer != NULL ? NULL : advice,
                     "%s: redirected from %s to %s: %s", request->name, from_host, to_host, why);
    ret_error->hresult = HRESULT_UNSAFE_REDIRECT;
    return ENROLL_UNSAFE;
}

enum enroll_exit redirect_judge(const struct https_request *request, const char *from, const char *to,
                                struct enroll_error *ret_error)
{
    const struct https_redirects *redirects = request->redirects;
    char from_host[URL_HOST_MAX] = "", to_host[URL_HOST_MAX] = "";
    char question[700];
    const char *refusal;
    bool accepted;

    if (!url_host(from, from_host) || !url_host(to, to_host)) {
        enroll_error_set(ret_error, ENROLL_UNSAFE, "contact the server's administrator",
                         "%s: redirect to a URL without a host refused", request->name);
        ret_error->hresult = HRESULT_UNSAFE_REDIRECT;
        return ENROLL_UNSAFE;
    }
    accepted = redirects != NULL && listed(redirects->accept, to_host);
    /* A host that is spoken to already, or was typed, may be an IP address; others may not. */
    refusal = url_refusal(to, accepted || strcmp(from_host, to_host) == 0 ? to_host : NULL);
    if (refusal != NULL) {
        enroll_error_set(ret_error, ENROLL_UNSAFE, "contact the server's administrator",
                         "%s: redirect refused: the URL on %s %s", request->name, to_host, refusal);
        ret_error->hresult = HRESULT_UNSAFE_REDIRECT;
        return ENROLL_UNSAFE;
    }
    if (strcmp(from_host, to_host) == 0)
        return ENROLL_OK;
    if (request->credentials || request->bearer != NULL)
        return refuse(request, from_host, to_host, "a message with credentials goes to no other host",
                      ret_error);
    if (accepted)
        return ENROLL_OK;
    if (redirects == NULL)
        return refuse(request, from_host, to_host, "that host was not accepted when this device was enrolled",
                      ret_error);
    snprintf(question, sizeof(question), "The server %s sends us on to %s. Go on with %s?", from_host,
             to_host, to_host);
    if (redirects->confirm != NULL && redirects->confirm(redirects->context, question))
        return ENROLL_OK;
    return refuse(request, from_host, to_host, "another host is not gone to without consent", ret_error);
}
