/*
 * The modes: how the server departs from the well-behaved one, each given as --mode
 * NAME[=VALUE[,WORD=VALUE]...]. Every known name and value stands in the table in modes.c; --list-modes
 * prints it; anything else is refused at start.
 */
#ifndef MDE_SERVER_MODES_H
#define MDE_SERVER_MODES_H

#include <stdbool.h>
#include <stdio.h>

#define MODES_MAX 32

struct mode {
    const char *name;
    char value[256];
    char at[16];     /* the step it happens at, "" for the default of the mode */
    unsigned status; /* HTTP status, 0 for the default */
    bool lower_case;
    char prefix[16];  /* namespace prefix of a fault, "" for s */
    unsigned times;   /* how often it happens, 0 for always */
    unsigned seconds; /* Retry-After, slow drip: the pause */
    unsigned done;    /* how often it happened */
};

struct modes {
    struct mode list[MODES_MAX];
    unsigned count;
};

/* Reads one --mode argument. Prints what is wrong with it to standard error and returns false when it is not
 * known. */
bool modes_argument_add(struct modes *modes, const char *argument);

void modes_list_print(FILE *out);

/* Is the mode on, with this value? The first for modes without steps and limits (deviations and the like). */
bool modes_has(const struct modes *modes, const char *name, const char *value);
bool modes_deviate(const struct modes *modes, const char *deviation);

/* The mode's value, NULL when it is off. */
const char *modes_value(const struct modes *modes, const char *name);
long modes_number(const struct modes *modes, const char *name, long fallback);

/* The mode of that name that is on at this step and has not happened often enough yet, NULL for none; counts
 * it. Without at= it is on at default_step. */
struct mode *modes_take(struct modes *modes, const char *name, const char *step, const char *default_step);

#endif
