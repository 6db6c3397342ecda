/*
 * flow.html: the sequence drawn with lists, grid and details elements. No script, no network, nothing but
 * this file. The lanes are columns on a wide screen and on paper; on a narrow one each event names its two
 * ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trace_events.h"

#define SHOWN_MAX 60000 /* bytes of a message in the page; the file has all of it */

#define LANE_TPM    0
#define LANE_DEVICE 1

/* The lanes from left to right: the TPM, this device, and who the protocol's steps speak to. */
struct lanes {
    size_t count;
    const char *names[2 + PROTOCOL_STEPS_MAX];
    size_t of_step[PROTOCOL_STEPS_MAX]; /* step - 1 */
};

static size_t lane_find(struct lanes *lanes, const char *name)
{
    for (size_t i = 0; i < lanes->count; i++)
        if (strcmp(lanes->names[i], name) == 0)
            return i;
    lanes->names[lanes->count] = name;
    return lanes->count++;
}

static struct lanes lanes_of(const struct protocol *protocol)
{
    struct lanes lanes = {.count = 2, .names = {[LANE_TPM] = "TPM", [LANE_DEVICE] = "This device"}};
    for (size_t i = 0; i < protocol_step_count(protocol); i++)
        lanes.of_step[i] = lane_find(&lanes, protocol->steps[i].peer);
    return lanes;
}

/* Who answered an exchange of that step. */
static size_t lane_of(const struct lanes *lanes, unsigned step)
{
    if (step != STEP_PREPARE && step <= PROTOCOL_STEPS_MAX && lanes->of_step[step - 1] > LANE_DEVICE)
        return lanes->of_step[step - 1];
    return LANE_DEVICE + 1;
}

/* Everything that is not ours goes through here. Control characters cannot be written in HTML. */
static void text_write(FILE *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size && text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '&')
            fputs("&amp;", out);
        else if (c == '<')
            fputs("&lt;", out);
        else if (c == '>')
            fputs("&gt;", out);
        else if (c == '"')
            fputs("&quot;", out);
        else if (c >= ' ' || c == '\n' || c == '\t')
            fputc(c, out);
    }
}

static void words_write(FILE *out, const char *text)
{
    text_write(out, text, strlen(text));
}

/* XML with its tags apart from its text. */
static void markup_write(FILE *out, const char *text, size_t size)
{
    size_t at = 0;

    while (at < size) {
        const char *end =
            text[at] == '<' ? memchr(text + at, '>', size - at) : memchr(text + at, '<', size - at);
        size_t run = end == NULL ? size - at : (size_t)(end - text) - at + (text[at] == '<');

        if (text[at] == '<') {
            fputs("<i>", out);
            text_write(out, text + at, run);
            fputs("</i>", out);
        } else {
            text_write(out, text + at, run);
        }
        at += run;
    }
}

static void size_write(FILE *out, size_t size)
{
    if (size < 1000)
        fprintf(out, "%zu bytes", size);
    else
        fprintf(out, "%.1f kB", (double)size / 1000);
}

static void seconds_write(FILE *out, double seconds)
{
    if (seconds < 1)
        fprintf(out, "%.0f ms", seconds * 1000);
    else
        fprintf(out, "%.2f s", seconds);
}

/* ---- head ---- */

static void pairs_write(FILE *out, const char *title, char *const pairs[16][2], size_t count)
{
    if (count == 0)
        return;
    fprintf(out, "<section><h2>%s</h2><dl>", title);
    for (size_t i = 0; i < count; i++) {
        fputs("<dt>", out);
        words_write(out, pairs[i][0]);
        fputs("</dt><dd>", out);
        words_write(out, pairs[i][1]);
        fputs("</dd>", out);
    }
    fputs("</dl></section>\n", out);
}

static void head_write(FILE *out, const struct trace_page *page)
{
    const struct trace_outcome *outcome = page->outcome;
    time_t began = (time_t)page->began;
    char when[64] = "";
    struct tm tm;

    if (gmtime_r(&began, &tm) != NULL)
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">"
          "<title>Enrolment, message by message</title>\n<style>",
          out);
    for (const char *const *piece = trace_page_style; *piece != NULL; piece++)
        fputs(*piece, out);
    fprintf(out,
            "</style></head>\n<body><main>\n<header><p class=\"eyebrow\">intune-enroll · %s</p>"
            "<h1>Enrolment, message by message</h1>",
            when);
    if (outcome->failure != NULL) {
        fputs("<p class=\"verdict bad\"><strong>Failed.</strong> ", out);
        words_write(out, outcome->failure);
        if (outcome->advice != NULL) {
            fputs(" ", out);
            words_write(out, outcome->advice);
        }
        fputs("</p>", out);
    } else if (outcome->certificate_count > 0) {
        fputs("<p class=\"verdict good\"><strong>Enrolled.</strong> The certificate is installed; its key is "
              "in the TPM.</p>",
              out);
    } else if (outcome->known) {
        fputs("<p class=\"verdict\"><strong>Done.</strong> No certificate was issued in this run.</p>", out);
    }
    fputs("</header>\n", out);
}

/* ---- events ---- */

static const char *status_class(const struct trace_event *event)
{
    if (event->status == 0 || event->status >= 400)
        return "bad";
    return event->status >= 300 ? "warn" : "good";
}

static void message_write(FILE *out, const char *what, const char *text, const char *extension, size_t size)
{
    size_t shown = strlen(text);
    bool cut = shown > SHOWN_MAX;

    fprintf(out, "<details><summary>%s <small>", what);
    size_write(out, size);
    fputs("</small></summary><pre tabindex=\"0\">", out);
    if (strcmp(extension, "xml") == 0)
        markup_write(out, text, cut ? SHOWN_MAX : shown);
    else
        text_write(out, text, cut ? SHOWN_MAX : shown);
    fputs(cut ? "\n... (the rest is in the file beside this page)</pre></details>" : "</pre></details>", out);
}

/* One arrow: from lane to lane, on the grid lines in the middle of the two. */
static void arrow_write(FILE *out, size_t from, size_t to, const char *kind)
{
    size_t left = from < to ? from : to, right = from < to ? to : from;

    fprintf(out, "<span class=\"arrow %s %s\" style=\"grid-column:%zu/%zu\" aria-hidden=\"true\"></span>",
            kind, from < to ? "right" : "left", 2 * left + 2, 2 * right + 2);
}

static void address_write(FILE *out, const char *url)
{
    const char *shown = strncmp(url, "https://", 8) == 0 ? url + 8 : url;

    fputs("<span class=\"address\">", out);
    words_write(out, shown);
    fputs("</span>", out);
}

static void exchange_write(FILE *out, const struct lanes *lanes, const struct trace_event *event)
{
    size_t right = lane_of(lanes, event->step);

    fprintf(out,
            "<li class=\"exchange\"><div class=\"lanes\"><p class=\"label\" style=\"grid-column:%d/-1\">",
            2 * LANE_DEVICE + 2);
    fprintf(out, "<span class=\"ends\">%s → %s</span><strong>", lanes->names[LANE_DEVICE],
            right < lanes->count ? lanes->names[right] : "");
    words_write(out, event->name);
    fprintf(out, "</strong> <span class=\"method\">%s</span> ", event->post ? "POST" : "GET");
    address_write(out, event->url != NULL ? event->url : "");
    fputs("</p>", out);
    arrow_write(out, LANE_DEVICE, right, "ask");
    fprintf(out, "<p class=\"label answer\" style=\"grid-column:%d/-1\"><span class=\"chip %s\">",
            2 * LANE_DEVICE + 2, status_class(event));
    if (event->status != 0)
        fprintf(out, "HTTP %ld", event->status);
    else
        fputs("no answer", out);
    fputs("</span> <span class=\"quiet\">", out);
    seconds_write(out, event->seconds);
    if (event->tls[0] != '\0')
        fprintf(out, " · %s", event->tls);
    if (event->client_certificate)
        fputs(" · with this device's certificate", out);
    fputs("</span>", out);
    if (event->failure != NULL || event->location != NULL) {
        fputs(event->failure != NULL ? " <span class=\"why\">" : " <span class=\"why\">→ ", out);
        words_write(out, event->failure != NULL ? event->failure : event->location);
        fputs("</span>", out);
    }
    fputs("</p>", out);
    arrow_write(out, right, LANE_DEVICE, "reply");
    fputs("</div><div class=\"messages\">", out);
    if (event->request.text != NULL)
        message_write(out, "Request", event->request.text, event->request.extension, event->request_size);
    if (event->response.text != NULL && event->response_size > 0)
        message_write(out, "Answer", event->response.text, event->response.extension, event->response_size);
    if (event->response.document != NULL)
        message_write(out, "Provisioning document", event->response.document, "xml",
                      strlen(event->response.document));
    fputs("</div></li>\n", out);
}

static void tpm_write(FILE *out, const struct lanes *lanes, const struct trace_event *event)
{
    fprintf(out,
            "<li class=\"exchange tpm\"><div class=\"lanes\"><p class=\"label\" style=\"grid-column:1/-1\">"
            "<span class=\"ends\">%s → %s</span><strong>",
            lanes->names[LANE_DEVICE], lanes->names[LANE_TPM]);
    words_write(out, event->name);
    fputs("</strong> <span class=\"quiet\">", out);
    seconds_write(out, event->seconds);
    fputs("</span></p>", out);
    arrow_write(out, LANE_DEVICE, LANE_TPM, "ask");
    fputs("</div></li>\n", out);
}

static void note_write(FILE *out, const struct trace_event *event)
{
    static const char *const classes[] = {
        [EVENT_NOTE] = "note", [EVENT_WARNING] = "note warn", [EVENT_FAILURE] = "note bad"};

    fprintf(out, "<li class=\"%s\"><p>%s", classes[event->kind],
            event->kind == EVENT_WARNING   ? "<b>Warning</b> "
            : event->kind == EVENT_FAILURE ? "<b>Failed</b> "
                                           : "");
    words_write(out, event->name);
    fputs("</p></li>\n", out);
}

/* "3 · Getting the security token" */
static void step_title_write(FILE *out, const struct protocol *protocol, const struct trace_event *event)
{
    fputs("<li class=\"step\"><h3>", out);
    if (event->step != STEP_PREPARE && event->step != STEP_INSTALL)
        fprintf(out, "%u · ", event->step);
    words_write(out, protocol_step_title(protocol, event->step));
    fprintf(out, " <small>at %.2f s</small></h3></li>\n", event->at > 0 ? event->at : 0.0);
}

static void sequence_write(FILE *out, const struct trace_page *page)
{
    const struct lanes lanes = lanes_of(page->protocol);
    unsigned step = STEP_INSTALL;

    fprintf(out,
            "<h2 id=\"sequence\">The sequence</h2>\n<div style=\"--lanes:%zu;--columns:%zu\">"
            "<div class=\"heads\" aria-hidden=\"true\">",
            lanes.count, 2 * lanes.count);
    for (size_t i = 0; i < lanes.count; i++) {
        fputs("<span>", out);
        words_write(out, lanes.names[i]);
        fputs("</span>", out);
    }
    fputs("</div>\n<ol class=\"sequence\" aria-labelledby=\"sequence\">\n", out);
    for (size_t i = 0; i < page->event_count; i++) {
        const struct trace_event *event = &page->events[i];

        if (i == 0 || event->step != step) {
            step = event->step;
            step_title_write(out, page->protocol, event);
        }
        if (event->kind == EVENT_EXCHANGE)
            exchange_write(out, &lanes, event);
        else if (event->kind == EVENT_TPM)
            tpm_write(out, &lanes, event);
        else
            note_write(out, event);
    }
    fputs("</ol></div>\n", out);
}

char *trace_page_write(const struct trace_page *page, size_t *ret_size)
{
    char *html = NULL;
    FILE *out = open_memstream(&html, ret_size);

    if (out == NULL)
        return NULL;
    head_write(out, page);
    fputs("<div class=\"cards\">\n", out);
    pairs_write(out, "Enrolment", page->outcome->facts, page->outcome->fact_count);
    pairs_write(out, "Policy", page->outcome->policy, page->outcome->policy_count);
    pairs_write(out, "Certificate", page->outcome->certificate, page->outcome->certificate_count);
    fputs("</div>\n", out);
    sequence_write(out, page);
    fputs("<footer><p>Passwords, tokens and the secrets of the management session were cut out before "
          "anything was written. "
          "The numbered files beside this page hold the same messages.</p></footer>\n</main></body></html>\n",
          out);
    if (ferror(out) != 0) {
        fclose(out);
        free(html);
        return NULL;
    }
    if (fclose(out) != 0) {
        free(html);
        return NULL;
    }
    return html;
}
