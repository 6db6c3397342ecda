/*
 * How the server departs from the well-behaved one: --mode
 * NAME=VALUE[,at=STEP][,status=N][,times=N][,seconds=N]. The known names and values stand in the table of
 * behaviour.c, which --list-modes prints; anything else is refused.
 */
#ifndef INTUNE_SERVER_BEHAVIOUR_H
#define INTUNE_SERVER_BEHAVIOUR_H

#include <stdbool.h>
#include <stdio.h>

#define DEPARTURES_MAX 16

struct departure {
    char name[24];
    char value[24];
    char at[16];     /* the step, "" for every one */
    unsigned status; /* HTTP status of an error, 0 for the default */
    unsigned times;  /* how often, 0 for always */
    unsigned seconds;
    unsigned done;
};

struct behaviour {
    struct departure list[DEPARTURES_MAX];
    unsigned count;
};

/* Reads one --mode. Prints what is wrong with it and returns false. */
bool behaviour_mode_add(struct behaviour *behaviour, const char *argument);
void behaviour_modes_print(FILE *out);

bool behaviour_is(const struct behaviour *behaviour, const char *name, const char *value);

/* The departure of that name that is on at this step and has not happened often enough; counts it. NULL for
 * none. */
const struct departure *behaviour_take(struct behaviour *behaviour, const char *name, const char *step);

#endif
