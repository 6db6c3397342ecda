#include "trace.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "trace_events.h"

#define PAGE_NAME "flow.html"

struct trace {
    char *path;
    int directory;
    double began;
    unsigned exchanges;
    struct trace_event events[TRACE_EVENTS_MAX];
    size_t event_count;
    const struct protocol *protocol;
    unsigned step;      /* under way */
    double key_started; /* when the step that makes the key began; 0: not waiting for its first message */
    struct trace_secrets secrets;
    struct trace_outcome outcome;
    int failure; /* errno of the first file that could not be written */
};

static double clock_read(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

enum enroll_exit trace_new(const char *directory, struct trace **ret_trace, struct enroll_error *ret_error)
{
    struct trace *trace = calloc(1, sizeof(*trace));

    if (trace == NULL || (trace->path = strdup(directory)) == NULL) {
        free(trace);
        return enroll_error_memory(ret_error);
    }
    trace->began = clock_read();
    trace->directory = -1;
    if (mkdir(directory, 0700) == 0 || errno == EEXIST)
        trace->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (trace->directory < 0) {
        enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --trace",
                         "the directory %s for the trace cannot be used: %s", directory,
                         strerrordesc_np(errno));
    } else if (faccessat(trace->directory, PAGE_NAME, F_OK, 0) == 0) {
        close(trace->directory);
        trace->directory = -1;
        enroll_error_set(ret_error, ENROLL_CONFIGURATION, "give --trace a directory of its own",
                         "there is another trace in %s already", directory);
    }
    if (trace->directory < 0) {
        free(trace->path);
        free(trace);
        return ENROLL_CONFIGURATION;
    }
    *ret_trace = trace;
    return ENROLL_OK;
}

/* ---- files ---- */

static void file_write(struct trace *trace, const char *name, const char *text, size_t size)
{
    int fd = openat(trace->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    size_t done = 0;

    while (fd >= 0 && done < size) {
        ssize_t count = write(fd, text + done, size - done);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        done += (size_t)count;
    }
    if ((fd < 0 || done < size) && trace->failure == 0)
        trace->failure = errno != 0 ? errno : EIO;
    if (fd >= 0 && close(fd) != 0 && trace->failure == 0)
        trace->failure = errno;
}

/* "03-getpolicies-response.xml" */
static void message_write(struct trace *trace, const struct trace_event *event, const char *what,
                          const char *extension, const char *text)
{
    char word[48], name[96];
    size_t size = 0;

    for (const char *c = event->name; *c != '\0' && size + 1 < sizeof(word); c++)
        if (isalnum((unsigned char)*c))
            word[size++] = (char)tolower((unsigned char)*c);
        else if (size > 0 && word[size - 1] != '-')
            word[size++] = '-';
    word[size] = '\0';
    snprintf(name, sizeof(name), "%02u-%s-%s.%s", event->number, word, what, extension);
    file_write(trace, name, text, strlen(text));
}

/* ---- events ---- */

static struct trace_event *event_add(struct trace *trace, enum trace_event_kind kind, unsigned step,
                                     double at, const char *name)
{
    struct trace_event *event;

    if (trace->event_count == TRACE_EVENTS_MAX)
        return NULL;
    event = &trace->events[trace->event_count++];
    *event = (struct trace_event){.kind = kind, .step = step, .at = at - trace->began, .name = strdup(name)};
    if (event->name == NULL) {
        trace->event_count--;
        return NULL;
    }
    trace_secrets_cut(&trace->secrets, event->name);
    return event;
}

static char *copy_cut(const struct trace *trace, const char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    if (copy != NULL)
        trace_secrets_cut(&trace->secrets, copy);
    return copy;
}

static void exchange_write(struct trace *trace, const struct trace_event *event)
{
    if (event->request.text != NULL)
        message_write(trace, event, "request", event->request.extension, event->request.text);
    if (event->response.text != NULL)
        message_write(trace, event, "response", event->response.extension, event->response.text);
    if (event->response.document != NULL)
        message_write(trace, event, "document", "xml", event->response.document);
}

/* Between the begin of that step and its message the key was made and the request was signed. */
static void key_event_add(struct trace *trace, const struct https_exchange *exchange)
{
    struct trace_event *event;

    if (trace->key_started == 0)
        return;
    event = event_add(trace, EVENT_TPM, trace->step, trace->key_started, "Make the key, sign the request");
    if (event != NULL)
        event->seconds = exchange->started - trace->key_started;
    trace->key_started = 0;
}

void trace_observe(void *context, const struct https_exchange *exchange)
{
    struct trace *trace = context;
    struct trace_event *event;

    key_event_add(trace, exchange);
    event = event_add(trace, EVENT_EXCHANGE, trace->step, exchange->started, exchange->name);
    if (event == NULL)
        return;
    event->number = ++trace->exchanges;
    event->seconds = exchange->seconds;
    event->status = exchange->status;
    event->post = exchange->request != NULL;
    event->client_certificate = exchange->client_certificate;
    event->request_size = exchange->request_size;
    event->response_size = exchange->response_size;
    snprintf(event->tls, sizeof(event->tls), "%s", exchange->tls != NULL ? exchange->tls : "");
    /* The request first: what it holds of secrets has to be known before the answer that may echo them. */
    if (exchange->request != NULL &&
        !trace_text_make(&trace->secrets, exchange->request_type, exchange->request, exchange->request_size,
                         &event->request))
        trace->failure = ENOMEM;
    if (exchange->status != 0 &&
        !trace_text_make(&trace->secrets, exchange->response_type, exchange->response,
                         exchange->response_size, &event->response))
        trace->failure = ENOMEM;
    event->url = copy_cut(trace, exchange->url);
    event->failure = copy_cut(trace, exchange->failure);
    event->location = copy_cut(trace, exchange->location);
    exchange_write(trace, event);
}

void trace_progress(struct trace *trace, unsigned step, enum progress_state state, const char *text)
{
    static const enum trace_event_kind kinds[] = {
        [PROGRESS_NOTE] = EVENT_NOTE, [PROGRESS_WARNING] = EVENT_WARNING, [PROGRESS_FAILED] = EVENT_FAILURE};

    trace->step = step;
    if (state == PROGRESS_STARTED)
        trace->key_started = trace->protocol != NULL && step == trace->protocol->key_step ? clock_read() : 0;
    if (state == PROGRESS_NOTE || state == PROGRESS_WARNING || state == PROGRESS_FAILED ||
        (state == PROGRESS_DONE && (step == STEP_PREPARE || step == STEP_INSTALL)))
        event_add(trace, state == PROGRESS_DONE ? EVENT_NOTE : kinds[state], step, clock_read(),
                  text != NULL ? text : "");
}

void trace_outcome(struct trace *trace, const struct attempt_outcome *outcome,
                   const struct enroll_error *error)
{
    trace_outcome_fill(&trace->outcome, trace->protocol, outcome, error);
}

void trace_protocol_set(struct trace *trace, const struct protocol *protocol)
{
    trace->protocol = protocol;
}

/* ---- the end ---- */

static void event_clear(struct trace_event *event)
{
    free(event->name);
    free(event->url);
    free(event->failure);
    free(event->location);
    trace_text_clear(&event->request);
    trace_text_clear(&event->response);
}

static void trace_free(struct trace *trace)
{
    for (size_t i = 0; i < trace->event_count; i++)
        event_clear(&trace->events[i]);
    trace_outcome_clear(&trace->outcome);
    trace_secrets_clear(&trace->secrets);
    if (trace->directory >= 0)
        close(trace->directory);
    free(trace->path);
    free(trace);
}

enum enroll_exit trace_close(struct trace *trace, struct enroll_error *ret_error)
{
    const struct trace_page page = {.protocol = trace->protocol,
                                    .events = trace->events,
                                    .event_count = trace->event_count,
                                    .began = trace->began,
                                    .outcome = &trace->outcome};
    enum enroll_exit status = ENROLL_OK;
    size_t size = 0;
    char *html = trace_page_write(&page, &size);

    if (html != NULL) {
        trace_secrets_cut(&trace->secrets, html);
        file_write(trace, PAGE_NAME, html, size);
    } else if (trace->failure == 0) {
        trace->failure = ENOMEM;
    }
    if (trace->failure != 0)
        status = enroll_error_set(ret_error, ENROLL_CONFIGURATION, "check --trace and the space on that disk",
                                  "the trace in %s is not complete: %s", trace->path,
                                  strerrordesc_np(trace->failure));
    free(html);
    trace_free(trace);
    return status;
}
