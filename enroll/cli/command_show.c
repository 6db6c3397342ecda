#include "commands.h"

#include <stdio.h>

#include "command_line.h"
#include "error.h"
#include "registration.h"

int command_show(int argc, char **argv)
{
    struct command_line line;
    struct enroll_error error = {0};
    enum command_line_result parsed = command_line_parse(COMMAND_SHOW, argc, argv, &line);

    if (parsed != LINE_RUN)
        return parsed == LINE_HELP_SHOWN ? ENROLL_OK : ENROLL_USAGE;
    if (!line.operand)
        return command_line_refuse(&line, "an application is needed");
    enum enroll_exit status = registration_show(line.operand, line.values[OPTION_TOKEN_DIR], &error);
    if (status == ENROLL_USAGE)
        return command_line_refuse(&line, error.message);
    if (status != ENROLL_OK)
        fprintf(stderr, "intune-enroll show: %s%s%s\n", error.message, error.advice[0] ? "\n  " : "",
                error.advice);
    return (int)status;
}
