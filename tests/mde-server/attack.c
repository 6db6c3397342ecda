#include "attack.h"

#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "soap.h"

#define NESTING 100000

static void body_set(struct reply *reply, const char *content)
{
    text_clear(&reply->body);
    text_append(&reply->body, content);
}

/* Inserts before or after the first place of a mark; an answer without the mark stays as it is. */
static void insert_at(struct text *body, const char *mark, bool after, const char *content)
{
    const char *found = strstr(body->data, mark);
    if (found)
        text_replace(body, (size_t)(found - body->data) + (after ? strlen(mark) : 0), 0, content);
}

static void billion_laughs(struct reply *reply)
{
    struct text start = {0};
    text_append(&start, "<?xml version=\"1.0\"?><!DOCTYPE s:Envelope [<!ENTITY l0 \"lol\">");
    for (int i = 1; i < 10; i++)
        text_format(&start, "<!ENTITY l%d \"&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;&l%d;\">", i, i - 1,
                    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    text_append(&start, "]>");
    text_replace(&reply->body, 0, 0, start.data);
    insert_at(&reply->body, "<s:Body>", true, "<x>&l9;</x>");
    text_clear(&start);
}

static void external_entity(struct reply *reply)
{
    text_replace(&reply->body, 0, 0, "<!DOCTYPE s:Envelope [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>");
    insert_at(&reply->body, "<s:Body>", true, "<x>&e;</x>");
}

static void external_dtd(struct reply *reply)
{
    text_replace(&reply->body, 0, 0, "<!DOCTYPE s:Envelope SYSTEM \"file:///etc/hostname\">");
}

static void doctype(struct reply *reply)
{
    text_replace(&reply->body, 0, 0, "<!DOCTYPE s:Envelope>");
}

static void deep_nesting(struct reply *reply)
{
    struct text deep = {0};
    for (int i = 0; i < NESTING; i++)
        text_append(&deep, "<x>");
    for (int i = 0; i < NESTING; i++)
        text_append(&deep, "</x>");
    insert_at(&reply->body, "<s:Body>", true, deep.data);
    text_clear(&deep);
}

static void megabytes(struct reply *reply)
{
    reply->delivery = DELIVERY_HUGE;
}

static void megabytes_chunked(struct reply *reply)
{
    reply->delivery = DELIVERY_ENDLESS;
}

static void slow_drip(struct reply *reply)
{
    reply->delivery = DELIVERY_DRIP;
}

static void stall(struct reply *reply)
{
    reply->delivery = DELIVERY_STALL;
}

static void truncated(struct reply *reply)
{
    reply->delivery = DELIVERY_CUT;
}

static void content_type(struct reply *reply)
{
    reply->content_type = "text/html; charset=utf-8";
}

static void no_content_type(struct reply *reply)
{
    reply->content_type = NULL;
}

static void html(struct reply *reply)
{
    reply->content_type = "text/html";
    body_set(reply,
             "<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>It works!<br></body></html>");
}

static void json(struct reply *reply)
{
    reply->content_type = "application/json";
    body_set(reply, "{\"error\":\"no such thing\"}");
}

static void empty(struct reply *reply)
{
    body_set(reply, "");
}

static void nul(struct reply *reply)
{
    const char *found = strstr(reply->body.data, "<s:Body>");
    if (found)
        reply->body.data[found - reply->body.data + 2] = '\0';
}

static void invalid_utf8(struct reply *reply)
{
    insert_at(&reply->body, "<s:Body>", false, "<!-- \xC3\x28 \xFF\xFE \xED\xA0\x80 -->");
}

static void utf_16(struct reply *reply)
{
    struct text wide = {0};
    text_bytes_append(&wide, "\xFF\xFE", 2);
    for (size_t i = 0; i < reply->body.size; i++) {
        char pair[2] = {reply->body.data[i], '\0'};
        text_bytes_append(&wide, pair, 2);
    }
    text_clear(&reply->body);
    reply->body = wide;
    reply->content_type = "application/soap+xml; charset=utf-16";
}

/* The body's text is a fault whose words hold what a terminal would obey, in C1 controls and as right-to-left
 * marks, which XML allows. */
static void control_characters(struct reply *reply)
{
    static const char words[] = "\xC2\x9B"
                                "2J\xC2\x9B"
                                "31m owned \xE2\x80\xAE txt.exe \xC2\x9D"
                                "0;title\xC2\x9C";
    struct text fault = {0};
    text_format(&fault,
                "<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>s:EnrollmentServer</"
                "s:Value></s:Subcode>"
                "</s:Code><s:Reason><s:Text "
                "xml:lang=\"en\">%s</s:Text></s:Reason><s:Detail><DeviceEnrollmentServiceError "
                "xmlns=\"" WSTEP_NAMESPACE
                "\"><ErrorType>CustomServerError</ErrorType><Message>%s</Message><TraceId>%s"
                "</TraceId></DeviceEnrollmentServiceError></s:Detail></s:Fault>",
                words, words, words);
    char *start = strstr(reply->body.data, "<s:Body>");
    char *end = strstr(reply->body.data, "</s:Body>");
    if (start && end)
        text_replace(&reply->body, (size_t)(start - reply->body.data) + 8, (size_t)(end - start) - 8,
                     fault.data);
    reply->status = 500;
    text_clear(&fault);
}

/* What lies between two marks once more. */
static void between_repeat(struct text *body, const char *from, const char *to)
{
    char *start = strstr(body->data, from);
    char *end = start ? strstr(start, to) : NULL;
    if (!end)
        return;
    char *copy = strndup(start, (size_t)(end - start));
    if (!copy)
        abort();
    text_replace(body, (size_t)(end - body->data), 0, copy);
    free(copy);
}

static void duplicate_elements(struct reply *reply)
{
    char *start = strstr(reply->body.data, "<s:Body>");
    char *end = strstr(reply->body.data, "</s:Body>");
    if (!start || !end)
        return;
    char *copy = strndup(start + 8, (size_t)(end - start) - 8);
    if (!copy)
        abort();
    text_replace(&reply->body, (size_t)(end - reply->body.data), 0, copy);
    free(copy);
}

static void duplicate_values(struct reply *reply)
{
    static const char *const elements[][2] = {
        {"<AuthPolicy>", "<AuthenticationServiceUrl"},
        {"<EnrollmentPolicyServiceUrl>", "<EnrollmentServiceUrl>"},
        {"<EnrollmentServiceUrl>", "</DiscoverResult>"},
        {"<response>", "<cAs"},
        {"<RequestedSecurityToken>", "<RequestID"},
    };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        between_repeat(&reply->body, elements[i][0], elements[i][1]);
}

static void two_bodies(struct reply *reply)
{
    between_repeat(&reply->body, "<s:Body>", "</s:Envelope>");
}

static void two_envelopes(struct reply *reply)
{
    char *copy = strdup(reply->body.data);
    if (!copy)
        abort();
    text_append(&reply->body, copy);
    free(copy);
}

static void trailing_garbage(struct reply *reply)
{
    text_append(&reply->body, "\r\n0123456789 <more>");
}

static void wrong_action(struct reply *reply)
{
    char *end = strstr(reply->body.data, "</a:Action>");
    if (end)
        text_replace(&reply->body, (size_t)(end - reply->body.data), 0, "/Other");
}

static void wrong_body(struct reply *reply)
{
    char *start = strstr(reply->body.data, "<s:Body>");
    char *end = strstr(reply->body.data, "</s:Body>");
    if (start && end)
        text_replace(&reply->body, (size_t)(start - reply->body.data) + 8, (size_t)(end - start) - 8,
                     "<Weather xmlns=\"urn:weather\"><Rain>tomorrow</Rain></Weather>");
}

/* The attacks on the policies and the provisioning document are made where those are written. */
static const struct {
    const char *name;
    void (*make)(struct reply *reply);
} attacks[] = {
    {"billion-laughs", billion_laughs},
    {"external-entity", external_entity},
    {"external-dtd", external_dtd},
    {"doctype", doctype},
    {"deep-nesting", deep_nesting},
    {"megabytes", megabytes},
    {"megabytes-chunked", megabytes_chunked},
    {"slow-drip", slow_drip},
    {"stall", stall},
    {"truncated", truncated},
    {"content-type", content_type},
    {"no-content-type", no_content_type},
    {"html", html},
    {"json", json},
    {"empty", empty},
    {"nul", nul},
    {"invalid-utf8", invalid_utf8},
    {"utf-16", utf_16},
    {"control-characters", control_characters},
    {"duplicate-elements", duplicate_elements},
    {"duplicate-values", duplicate_values},
    {"two-bodies", two_bodies},
    {"two-envelopes", two_envelopes},
    {"trailing-garbage", trailing_garbage},
    {"wrong-action", wrong_action},
    {"wrong-body", wrong_body},
};

void attack_apply(const struct request *request, struct reply *reply)
{
    struct mode *mode = modes_take(&request->server->options.modes, "attack", reply->step, "discover");
    if (!mode)
        return;
    text_append(&reply->body, "");
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        if (strcmp(attacks[i].name, mode->value) != 0)
            continue;
        attacks[i].make(reply);
        reply->seconds = mode->seconds;
        if (mode->status)
            reply->status = mode->status;
        (void)snprintf(reply->outcome, sizeof reply->outcome, "attack=%s", mode->value);
    }
}
