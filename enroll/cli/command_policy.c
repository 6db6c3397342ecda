#include "commands.h"

#include "service_command.h"

int command_policy(int argc, char **argv)
{
    static const struct service_command command = {
        .command = COMMAND_POLICY, .writes = false, .use_case = attempt_describe};
    return service_command_run(&command, argc, argv);
}
