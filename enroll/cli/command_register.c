#include "commands.h"

#include <stdio.h>

#include "command_line.h"
#include "error.h"
#include "registration.h"

#define WAIT_SECONDS 30

/* What the options ask for together and cannot be; NULL when they fit. */
static const char *contradiction(const struct command_line *line)
{
    const bool *given = line->given;

    if (given[OPTION_DIRECT] && given[OPTION_SOCKET])
        return "--direct and --socket contradict each other";
    if (given[OPTION_UNDO] && (given[OPTION_URL] || given[OPTION_DIRECT] || given[OPTION_SOCKET]))
        return "--undo takes everything back, and goes with none of --url, --direct and --socket";
    if (given[OPTION_USER] && given[OPTION_URL])
        return "--url is for all users, and does not go with --user";
    return NULL;
}

int command_register(int argc, char **argv)
{
    struct command_line line;
    struct registration registration = {.wait_seconds = WAIT_SECONDS};
    struct enroll_error error = {0};
    enum command_line_result parsed = command_line_parse(COMMAND_REGISTER, argc, argv, &line);

    if (parsed != LINE_RUN)
        return parsed == LINE_HELP_SHOWN ? ENROLL_OK : ENROLL_USAGE;
    if (contradiction(&line))
        return command_line_refuse(&line, contradiction(&line));
    if (line.given[OPTION_WAIT] &&
        !command_line_number(&line, OPTION_WAIT, 0, 86400, &registration.wait_seconds))
        return ENROLL_USAGE;
    registration.user = line.given[OPTION_USER];
    registration.undo = line.given[OPTION_UNDO];
    registration.print = line.given[OPTION_PRINT];
    registration.urls = line.lists[OPTION_URL];
    registration.way = line.given[OPTION_DIRECT]   ? REGISTRATION_DIRECT
                       : line.given[OPTION_SOCKET] ? REGISTRATION_SOCKET
                                                   : REGISTRATION_AS_IT_IS;
    enum enroll_exit status = registration_change(&registration, &error);
    if (status != ENROLL_OK)
        fprintf(stderr, "intune-enroll register: %s%s%s\n", error.message, error.advice[0] ? "\n  " : "",
                error.advice);
    return (int)status;
}
