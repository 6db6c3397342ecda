/* The sign-in page of Federated enrolment: it signs in at once and posts wresult to appru (MS-MDE2 3.2). */
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "server.h"
#include "tokens.h"

static void page_write(const struct request *request, const char *target, const char *user, struct text *out)
{
    const struct modes *modes = &request->server->options.modes;
    bool denied = modes_has(modes, "federated", "denied");
    bool click = modes_has(modes, "federated", "click");
    text_format(
        out,
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in</title></head><body%s>"
        "<form id=\"answer\" method=\"post\" action=\"",
        click ? "" : " onload=\"document.getElementById('answer').submit()\"");
    text_xml_append(out, target);
    text_append(out, "\">");
    if (denied) {
        text_append(out, "<input type=\"hidden\" name=\"error\" value=\"access_denied\">");
    } else {
        char *token = tokens_issue(request->server->tokens, user, "mde2-test", true);
        text_append(out, "<input type=\"hidden\" name=\"wresult\" value=\"");
        text_xml_append(out, token);
        text_append(out, "\">");
        free(token);
    }
    text_append(out, "<p>Signed in as ");
    text_xml_append(out, user);
    text_append(out, ".</p><button type=\"submit\">Continue</button></form></body></html>\n");
}

void federated_page_answer(const struct request *request, struct reply *reply)
{
    const struct modes *modes = &request->server->options.modes;
    char *target = http_query_get(request, "appru");
    char *user = http_query_get(request, "login_hint");
    if (!target || !*target) {
        reply->status = 400;
        reply->content_type = "text/plain";
        text_append(&reply->body, "appru is missing\n");
        (void)snprintf(reply->outcome, sizeof reply->outcome, "appru is missing");
    } else {
        bool fixed = modes_has(modes, "federated", "ms-app");
        page_write(request, fixed ? "ms-app://windows.immersivecontrolpanel" : target, user ? user : "",
                   &reply->body);
        reply->content_type = "text/html; charset=utf-8";
        if (modes_has(modes, "federated", "csp"))
            reply->security_policy = "form-action 'self'";
        (void)snprintf(reply->outcome, sizeof reply->outcome, "signed in%s",
                       user ? "" : " (login_hint is missing)");
    }
    free(target);
    free(user);
}
