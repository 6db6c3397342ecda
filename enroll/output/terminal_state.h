/* What terminal.c shares with prompt.c: the line under way must get out of the way of a question. */
#ifndef ENROLL_TERMINAL_INTERNAL_H
#define ENROLL_TERMINAL_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

struct protocol;

enum terminal_shape { SHAPE_PLAIN, SHAPE_JOURNAL, SHAPE_LIVE };

struct terminal {
    enum terminal_shape shape;
    bool interactive, verbose, color, utf8;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    pthread_t painter;
    bool has_painter, ending, held;
    bool stepping; /* the command has steps; an error names the one that failed */
    bool running;  /* a step's line is under way */
    unsigned step;
    const struct protocol *protocol; /* NULL: none was chosen yet */
    char text[160];
    struct timespec started;
    unsigned frame;
    unsigned instruction_seconds; /* last shown to a terminal without moving lines */
    char instruction_shown[64];
};

/* Takes the moving line away until terminal_release(). */
void terminal_hold(struct terminal *terminal);
void terminal_release(struct terminal *terminal);

#endif
