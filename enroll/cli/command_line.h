/*
 * The command line: one table of commands and one of options, joined by the settings of the
 * credential sources and protocols, drive parsing, --help and completion; tests/faults checks the manual page
 * against them.
 */
#ifndef ENROLL_COMMAND_LINE_H
#define ENROLL_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "credential.h"

enum command_id {
    COMMAND_ENROLL,
    COMMAND_STATUS,
    COMMAND_VERIFY,
    COMMAND_RENEW,
    COMMAND_CHECK_IN,
    COMMAND_REMOVE,
    COMMAND_PIN,
    COMMAND_EXPORT,
    COMMAND_POLICY,
    COMMAND_REGISTER,
    COMMAND_SHOW,
    COMMAND_COUNT
};

enum option_id {
    OPTION_AUTH,
    OPTION_DISCOVERY_URL,
    OPTION_ACCEPT_REDIRECT,
    OPTION_CA_FILE,
    OPTION_RESOLVE,
    OPTION_TIMEOUT,
    OPTION_PROTOCOL,
    OPTION_KEY,
    OPTION_CSR_EXT,
    OPTION_LABEL,
    OPTION_PIN_FILE,
    OPTION_NEW_PIN_FILE,
    OPTION_NO_PIN,
    OPTION_PERSISTENT,
    OPTION_NO_PERSISTENT,
    OPTION_REPLACE,
    OPTION_KEEP_DEAD,
    OPTION_RESUME,
    OPTION_IF_DUE,
    OPTION_FORCE,
    OPTION_FORCE_REMOVE,
    OPTION_TRACE,
    OPTION_POLICIES,
    OPTION_METRICS,
    OPTION_YES,
    OPTION_OUTPUT,
    OPTION_NO_CHAIN,
    OPTION_WAIT,
    OPTION_TOKEN_DIR,
    OPTION_TCTI,
    OPTION_JSON,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_USER,
    OPTION_UNDO,
    OPTION_PRINT,
    OPTION_URL,
    OPTION_DIRECT,
    OPTION_SOCKET,
    OPTION_COUNT
};

#define OPTION_REPEATS_MAX        64
#define COMMAND_LINE_SETTINGS_MAX 96

struct command_line {
    enum command_id command;
    bool given[OPTION_COUNT];
    const char *values[OPTION_COUNT];                        /* of an option that is not repeatable */
    const char *lists[OPTION_COUNT][OPTION_REPEATS_MAX + 1]; /* NULL-terminated, of a repeatable option */
    const char
        *settings[COMMAND_LINE_SETTINGS_MAX]; /* of credential sources, then of protocols, in their order */
    const char *operand;                      /* USER@DOMAIN, or NULL */
};

enum command_line_result { LINE_RUN, LINE_HELP_SHOWN, LINE_WRONG };

/*
 * Parses argv[1...], NULL-terminated, of a command (argv[0] is its name). LINE_HELP_SHOWN: --help was
 * printed. LINE_WRONG: the reason was printed on stderr, the exit status is ENROLL_USAGE.
 */
enum command_line_result command_line_parse(enum command_id command, int argc, char **argv,
                                            struct command_line *ret_line)
    __attribute__((warn_unused_result));

/* Prints the reason and the usage on stderr, for a line that parsed but is wrong. Returns ENROLL_USAGE. */
int command_line_refuse(const struct command_line *line, const char *reason);

/* A whole number from `minimum` to `maximum`; otherwise prints the reason on stderr and returns false. */
bool command_line_number(const struct command_line *line, enum option_id option, unsigned minimum,
                         unsigned maximum, unsigned *ret_number) __attribute__((warn_unused_result));

/* The same for each number among the settings. */
bool command_line_settings_check(const struct command_line *line) __attribute__((warn_unused_result));

/* The name of a command, NULL past the end; and the command of a name, COMMAND_COUNT when there is none. */
const char *command_line_name(enum command_id command);
enum command_id command_line_find(const char *name);

/* --help without a command. */
void command_line_overview(void);
/* Lines for completion and tests: "COMMAND --OPTION", "COMMAND --OPTION= ARGUMENT [VALUE...]" and
 * "COMMAND OPERAND". */
void command_line_list(void);

#endif
