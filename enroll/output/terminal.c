#include "terminal.h"

#include <langinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal_state.h"

#define PAINT_NANOSECONDS 100000000L
#define SHOWN_AFTER       0.15 /* seconds; what is quicker shows its end only */

/* "[1/5] " for the steps of the protocol, nothing for the work around them. */
static void step_number(const struct terminal *terminal, unsigned step, char ret_number[16])
{
    size_t count = protocol_step_count(terminal->protocol);
    if (step != STEP_PREPARE && step <= count)
        snprintf(ret_number, 16, "[%u/%zu] ", step, count);
    else
        ret_number[0] = '\0';
}

void terminal_protocol_set(struct terminal *terminal, const struct protocol *protocol)
{
    terminal->protocol = protocol;
}

/* JOURNAL_STREAM is DEVICE:INODE of the socket to the journal, systemd.exec(5). */
static bool stderr_is_journal(void)
{
    char *end;
    struct stat status;
    const char *stream = getenv("JOURNAL_STREAM");
    if (!stream || fstat(STDERR_FILENO, &status))
        return false;
    unsigned long device = strtoul(stream, &end, 10);
    return *end == ':' && device == status.st_dev && strtoul(end + 1, &end, 10) == status.st_ino &&
           *end == '\0';
}

static double elapsed(const struct terminal *terminal)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - terminal->started.tv_sec) +
           (double)(now.tv_nsec - terminal->started.tv_nsec) / 1e9;
}

static const char *paint_on(const struct terminal *terminal, const char *color)
{
    return terminal->color ? color : "";
}

#define BOLD   "\033[1m"
#define DIM    "\033[2m"
#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

/* The moving line. The lock is held. */
static void paint(struct terminal *terminal)
{
    static const char *const round[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const ascii[] = {"-", "\\", "|", "/"};
    char number[16];
    double seconds = elapsed(terminal);
    if (!terminal->running || terminal->held || seconds < SHOWN_AFTER)
        return;
    step_number(terminal, terminal->step, number);
    const char *frame = terminal->utf8 ? round[terminal->frame % 10] : ascii[terminal->frame % 4];
    terminal->frame++;
    fprintf(stderr, "\r\033[K%s%s%s %s%s %s%5.1f s%s%s%s", paint_on(terminal, BOLD), frame,
            paint_on(terminal, PLAIN), number, protocol_step_title(terminal->protocol, terminal->step),
            paint_on(terminal, DIM), seconds, terminal->text[0] ? "  " : "", terminal->text,
            paint_on(terminal, PLAIN));
    fflush(stderr);
}

static void *painter_run(void *context)
{
    struct terminal *terminal = context;
    pthread_mutex_lock(&terminal->lock);
    while (!terminal->ending) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += PAINT_NANOSECONDS;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&terminal->wake, &terminal->lock, &until);
        paint(terminal);
    }
    pthread_mutex_unlock(&terminal->lock);
    return NULL;
}

static void painter_start(struct terminal *terminal)
{
    sigset_t all, before;
    /* Signals are the main thread's: it may be waiting in a system call that they have to end. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    terminal->has_painter = pthread_create(&terminal->painter, NULL, painter_run, terminal) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct terminal *terminal_new(bool verbose)
{
    struct terminal *terminal = calloc(1, sizeof(*terminal));
    const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
    if (!terminal)
        return NULL;
    bool tty = isatty(STDERR_FILENO);
    bool dumb = !term || !*term || strcmp(term, "dumb") == 0;
    terminal->verbose = verbose;
    terminal->interactive = tty && isatty(STDIN_FILENO);
    terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    terminal->color = tty && !dumb && !(no_color && *no_color);
    terminal->shape = stderr_is_journal() ? SHAPE_JOURNAL : tty && !dumb ? SHAPE_LIVE : SHAPE_PLAIN;
    pthread_mutex_init(&terminal->lock, NULL);
    pthread_cond_init(&terminal->wake, NULL);
    if (terminal->shape == SHAPE_LIVE)
        painter_start(terminal);
    return terminal;
}

void terminal_free(struct terminal *terminal)
{
    if (!terminal)
        return;
    pthread_mutex_lock(&terminal->lock);
    if (terminal->running && terminal->shape == SHAPE_LIVE)
        fputs("\r\033[K", stderr);
    terminal->ending = true;
    pthread_cond_signal(&terminal->wake);
    pthread_mutex_unlock(&terminal->lock);
    if (terminal->has_painter)
        pthread_join(terminal->painter, NULL);
    pthread_cond_destroy(&terminal->wake);
    pthread_mutex_destroy(&terminal->lock);
    free(terminal);
}

bool terminal_is_interactive(const struct terminal *terminal)
{
    return terminal->interactive;
}

bool terminal_is_live(const struct terminal *terminal)
{
    return terminal->shape == SHAPE_LIVE;
}

void terminal_hold(struct terminal *terminal)
{
    pthread_mutex_lock(&terminal->lock);
    if (terminal->shape == SHAPE_LIVE && terminal->running && !terminal->held)
        fputs("\r\033[K", stderr);
    terminal->held = true;
    pthread_mutex_unlock(&terminal->lock);
}

void terminal_release(struct terminal *terminal)
{
    pthread_mutex_lock(&terminal->lock);
    terminal->held = false;
    pthread_mutex_unlock(&terminal->lock);
}

/* One whole line; `level` is syslog's. The lock is held. */
static void line(struct terminal *terminal, int level, const char *text)
{
    if (terminal->shape == SHAPE_JOURNAL)
        fprintf(stderr, "<%d>%s\n", level, text);
    else if (terminal->shape == SHAPE_LIVE && terminal->running)
        fprintf(stderr, "\r\033[K%s\n", text);
    else
        fprintf(stderr, "%s\n", text);
    fflush(stderr);
}

static void step_end(struct terminal *terminal, unsigned step, bool done, const char *text)
{
    char number[16], out[512];
    double seconds = terminal->running && terminal->step == step ? elapsed(terminal) : 0;
    step_number(terminal, step, number);
    if (terminal->shape == SHAPE_LIVE) {
        const char *mark = done ? (terminal->utf8 ? "✓" : "ok") : (terminal->utf8 ? "✗" : "failed");
        snprintf(out, sizeof(out), "%s%s%s %s%s %s%5.1f s%s%s%s", paint_on(terminal, done ? GREEN : RED),
                 mark, paint_on(terminal, PLAIN), number, protocol_step_title(terminal->protocol, step),
                 paint_on(terminal, DIM), seconds, text[0] ? "  " : "", text, paint_on(terminal, PLAIN));
    } else {
        snprintf(out, sizeof(out), "%s%s: %s%s%s (%.1f s)", number,
                 protocol_step_title(terminal->protocol, step), done ? "done" : "failed", text[0] ? ": " : "",
                 text, seconds);
    }
    line(terminal, done ? 6 : 3, out);
    terminal->running = false;
}

static void step_note(struct terminal *terminal, unsigned step, bool warning, const char *text)
{
    char number[16], out[1024];
    step_number(terminal, step, number);
    if (warning) {
        snprintf(out, sizeof(out), "%s%swarning:%s %s", number, paint_on(terminal, YELLOW),
                 paint_on(terminal, PLAIN), text);
        line(terminal, 4, out);
        return;
    }
    snprintf(terminal->text, sizeof(terminal->text), "%s", text);
    if (terminal->verbose) {
        snprintf(out, sizeof(out), "%s%s", number[0] ? number : "", text);
        line(terminal, 6, out);
    }
}

void terminal_progress(struct terminal *terminal, unsigned step, enum progress_state state, const char *text)
{
    if (!text)
        text = "";
    pthread_mutex_lock(&terminal->lock);
    terminal->stepping = true;
    switch (state) {
    case PROGRESS_STARTED:
        terminal->running = true;
        terminal->step = step;
        snprintf(terminal->text, sizeof(terminal->text), "%s", text);
        clock_gettime(CLOCK_MONOTONIC, &terminal->started);
        break;
    case PROGRESS_NOTE:
    case PROGRESS_WARNING:
        step_note(terminal, step, state == PROGRESS_WARNING, text);
        break;
    case PROGRESS_DONE:
        step_end(terminal, step, true, text);
        break;
    case PROGRESS_FAILED:
        /* Why is said once, by terminal_error(). */
        step_end(terminal, step, false, "");
        break;
    }
    pthread_mutex_unlock(&terminal->lock);
}

void terminal_say(struct terminal *terminal, const char *text)
{
    pthread_mutex_lock(&terminal->lock);
    line(terminal, 6, text);
    pthread_mutex_unlock(&terminal->lock);
}

void terminal_warn(struct terminal *terminal, const char *text)
{
    pthread_mutex_lock(&terminal->lock);
    step_note(terminal, STEP_PREPARE, true, text);
    pthread_mutex_unlock(&terminal->lock);
}

void terminal_error(struct terminal *terminal, const struct enroll_error *error)
{
    char out[2048], number[16];
    pthread_mutex_lock(&terminal->lock);
    if (terminal->running)
        step_end(terminal, terminal->step, false, "");
    step_number(terminal, error->step, number);
    /* One message; under systemd each line of it is one of the journal. */
    bool named = terminal->stepping;
    size_t length = strlen(error->message);
    if (length > 0 && error->message[length - 1] == '.')
        length--;
    snprintf(out, sizeof(out), "%sintune-enroll: %s%s%s%s%.*s", paint_on(terminal, RED),
             paint_on(terminal, PLAIN), named ? number : "",
             named ? protocol_step_title(terminal->protocol, error->step) : "", named ? " failed: " : "",
             (int)length, error->message);
    line(terminal, 3, out);
    const char *const more[][2] = {{"Server message: ", error->server_text},
                                   {"Trace id: ", error->trace_id},
                                   {"Activity id: ", error->activity_id}};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        if (!more[i][1][0])
            continue;
        snprintf(out, sizeof(out), "  %s%s", more[i][0], more[i][1]);
        line(terminal, 3, out);
    }
    if (error->hresult) {
        snprintf(out, sizeof(out), "  Code: 0x%08x", (unsigned)error->hresult);
        line(terminal, 3, out);
    }
    if (error->advice[0]) {
        snprintf(out, sizeof(out), "  %s", error->advice);
        line(terminal, 5, out);
    }
    pthread_mutex_unlock(&terminal->lock);
}
