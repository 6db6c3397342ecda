#include "command_line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "protocol.h"

#define BIT(command) (1U << COMMAND_##command)
#define REGISTERING  BIT(REGISTER)
#define ASKING       (BIT(ENROLL) | BIT(POLICY))
#define REPORTING    (BIT(RENEW) | BIT(CHECK_IN) | BIT(REMOVE))
#define WIRE         (ASKING | REPORTING)
#define OURS                                                                                                 \
    (BIT(ENROLL) | BIT(STATUS) | BIT(VERIFY) | BIT(RENEW) | BIT(CHECK_IN) | BIT(REMOVE) | BIT(PIN) |         \
     BIT(EXPORT) | BIT(POLICY))

static const struct command {
    const char *name, *operand, *summary;
    bool operand_optional;
} commands[COMMAND_COUNT] = {
    [COMMAND_ENROLL] = {"enroll", "USER@DOMAIN|DOMAIN|URL", "enrol this machine with an MDM server", true},
    [COMMAND_STATUS] = {"status", NULL, "show the enrolment", true},
    [COMMAND_VERIFY] = {"verify", NULL, "check everything that applications need", true},
    [COMMAND_RENEW] = {"renew", NULL, "renew the certificate, with a new key", true},
    [COMMAND_CHECK_IN] = {"check-in", NULL, "report this device and ask whether it complies", true},
    [COMMAND_REMOVE] = {"remove", NULL, "remove key, certificate and token", true},
    [COMMAND_PIN] = {"pin", NULL, "change or take away the key's PIN", true},
    [COMMAND_EXPORT] = {"export", NULL, "print the certificate and its chain", true},
    [COMMAND_POLICY] = {"policy", "USER@DOMAIN|DOMAIN|URL",
                        "show what the server would ask for, without enrolling", true},
    [COMMAND_REGISTER] = {"register", NULL, "make the token known to browsers", true},
    [COMMAND_SHOW] = {"show", "openvpn|strongswan|wpa_supplicant|ssh|java|openssl|curl|firefox|chromium",
                      "show an application's configuration for this token", false},
};

enum group { GROUP_SIGN_IN, GROUP_SERVER, GROUP_KEY, GROUP_BEHAVIOUR, GROUP_COUNT };

static const char *const group_names[GROUP_COUNT] = {"Signing in", "Server", "Key and token", "Behaviour"};

/* In --help before the groups. */
static const char *const most_used[] = {"auth", "username", "token-file", "discovery-url", "pin-file"};

struct option {
    const char *name, *argument, *help;
    unsigned commands;
    enum group group;
    const char *values; /* for completion, separated by blanks; NULL: by the argument */
    bool repeats;
};

static const struct option options[OPTION_COUNT] = {
    [OPTION_AUTH] = {"auth", "METHOD", "how to sign in (default auto)", ASKING | REPORTING, GROUP_SIGN_IN},
    [OPTION_DISCOVERY_URL] = {"discovery-url", "URL", "URL of the discovery service; no look-up", ASKING,
                              GROUP_SERVER},
    [OPTION_ACCEPT_REDIRECT] = {"accept-redirect", "HOST", "allow a redirect to this host", ASKING,
                                GROUP_SERVER, NULL, true},
    [OPTION_PROTOCOL] = {"protocol", "NAME", "protocol of the service", ASKING, GROUP_SERVER},
    [OPTION_CA_FILE] = {"ca-file", "FILE", "CA certificates of a private server, PEM", WIRE, GROUP_SERVER},
    [OPTION_RESOLVE] = {"resolve", "HOST:PORT:ADDRESS", "address of a host, as in curl(1)", WIRE,
                        GROUP_SERVER, NULL, true},
    [OPTION_TIMEOUT] = {"timeout", "SECONDS", "time limit of one request (default 60)", WIRE, GROUP_SERVER},
    [OPTION_KEY] = {"key", "TYPE", "key type, where the policy allows it", BIT(ENROLL) | BIT(RENEW),
                    GROUP_KEY, "rsa2048 rsa3072 rsa4096 p256 p384 p521"},
    [OPTION_CSR_EXT] = {"csr-ext", NULL, "add Windows' extensions to the certificate request",
                        BIT(ENROLL) | BIT(RENEW), GROUP_KEY},
    [OPTION_LABEL] = {"label", "TEXT", "label of the token (default intune-tpm)", BIT(ENROLL), GROUP_KEY},
    [OPTION_PIN_FILE] = {"pin-file", "FILE", "file with the PIN of the key; - prompts for it",
                         BIT(ENROLL) | BIT(RENEW) | BIT(VERIFY) | BIT(PIN), GROUP_KEY},
    [OPTION_NEW_PIN_FILE] = {"new-pin-file", "FILE", "file with the new PIN; - prompts for it (default)",
                             BIT(PIN), GROUP_KEY},
    [OPTION_NO_PIN] = {"no-pin", NULL, "remove the PIN", BIT(PIN), GROUP_KEY},
    [OPTION_PERSISTENT] = {"persistent", NULL, "require a persistent handle for the key",
                           BIT(ENROLL) | BIT(RENEW), GROUP_KEY},
    [OPTION_NO_PERSISTENT] = {"no-persistent", NULL, "use no persistent handle", BIT(ENROLL) | BIT(RENEW),
                              GROUP_KEY},
    [OPTION_REPLACE] = {"replace", NULL, "replace a valid enrolment", BIT(ENROLL), GROUP_BEHAVIOUR},
    [OPTION_KEEP_DEAD] = {"keep-dead", NULL, "keep an enrolment whose key is lost", BIT(ENROLL),
                          GROUP_BEHAVIOUR},
    [OPTION_RESUME] = {"resume", NULL, "continue a pending request", BIT(ENROLL), GROUP_BEHAVIOUR},
    [OPTION_IF_DUE] = {"if-due", NULL, "exit successfully if there is nothing to do",
                       BIT(RENEW) | BIT(CHECK_IN), GROUP_BEHAVIOUR},
    [OPTION_FORCE] = {"force", NULL, "renew even if not due", BIT(RENEW), GROUP_BEHAVIOUR},
    [OPTION_FORCE_REMOVE] = {"force", NULL, "remove the files even if the TPM is unavailable", BIT(REMOVE),
                             GROUP_BEHAVIOUR},
    [OPTION_TRACE] = {"trace", "DIRECTORY", "write all messages and flow.html there, without secrets", WIRE,
                      GROUP_BEHAVIOUR},
    [OPTION_POLICIES] = {"policies", NULL, "show the rules of the service, and what was found", BIT(CHECK_IN),
                         GROUP_BEHAVIOUR},
    [OPTION_METRICS] = {"metrics", NULL, "print the state for Prometheus' node exporter", BIT(STATUS),
                        GROUP_BEHAVIOUR},
    [OPTION_YES] = {"yes", NULL, "do not prompt for confirmation", BIT(REMOVE), GROUP_BEHAVIOUR},
    [OPTION_OUTPUT] = {"output", "FILE", "write to FILE instead of standard output", BIT(EXPORT),
                       GROUP_BEHAVIOUR},
    [OPTION_NO_CHAIN] = {"no-chain", NULL, "omit the issuing certificates", BIT(EXPORT), GROUP_BEHAVIOUR},
    [OPTION_WAIT] = {"wait", "SECONDS", "wait for another run to finish (default 0; 30 for register)",
                     BIT(ENROLL) | REPORTING | BIT(PIN) | REGISTERING, GROUP_BEHAVIOUR},
    [OPTION_TOKEN_DIR] = {"token-dir", "DIRECTORY", "token directory", OURS | BIT(SHOW), GROUP_BEHAVIOUR},
    [OPTION_TCTI] = {"tcti", "TCTI", "TPM connection (default device:/dev/tpmrm0)", OURS & ~BIT(EXPORT),
                     GROUP_KEY, "device:/dev/tpmrm0 tabrmd: swtpm:path="},
    [OPTION_JSON] = {"json", NULL, "print the result as JSON", OURS, GROUP_BEHAVIOUR},
    [OPTION_VERBOSE] = {"verbose", NULL, "print more details (-v)", OURS, GROUP_BEHAVIOUR},
    [OPTION_HELP] = {"help", NULL, "show this help (-h)", OURS | REGISTERING | BIT(SHOW), GROUP_BEHAVIOUR},
    [OPTION_USER] = {"user", NULL, "register in this user's NSS database, for Chromium", REGISTERING,
                     GROUP_BEHAVIOUR},
    [OPTION_UNDO] = {"undo", NULL, "remove the registration", REGISTERING, GROUP_BEHAVIOUR},
    [OPTION_PRINT] = {"print", NULL, "show what would change, without changing it", REGISTERING,
                      GROUP_BEHAVIOUR},
    [OPTION_URL] = {"url", "PATTERN", "sites to which Chromium sends the certificate without prompting",
                    REGISTERING, GROUP_BEHAVIOUR, NULL, true},
    [OPTION_DIRECT] = {"direct", NULL, "applications open the TPM themselves, through p11-kit remote",
                       REGISTERING, GROUP_BEHAVIOUR},
    [OPTION_SOCKET] = {"socket", NULL, "applications reach the TPM through intune-tpm.socket", REGISTERING,
                       GROUP_BEHAVIOUR},
};

/* The settings of the credential sources, then of the protocols; NULL at the end. */
static const struct setting *setting_at(size_t index, bool *ret_credential)
{
    size_t count = 0;
    const struct setting *setting = credential_option_at(index);
    *ret_credential = setting != NULL;
    if (setting != NULL)
        return setting;
    while (credential_option_at(count) != NULL)
        count++;
    return protocol_setting_at(index - count);
}

/* The options of this table, then the settings; false at the end. */
static bool option_at(size_t index, struct option *ret_option)
{
    bool credential;
    if (index < OPTION_COUNT) {
        *ret_option = options[index];
        return true;
    }
    const struct setting *setting = setting_at(index - OPTION_COUNT, &credential);
    if (setting == NULL || index - OPTION_COUNT >= COMMAND_LINE_SETTINGS_MAX)
        return false;
    *ret_option = (struct option){.name = setting->name,
                                  .argument = setting->argument,
                                  .help = setting->help,
                                  .commands = setting->help == NULL ? 0
                                              : credential          ? ASKING | REPORTING
                                                                    : WIRE,
                                  .group = credential ? GROUP_SIGN_IN : GROUP_SERVER,
                                  .values = setting->values};
    return true;
}

const char *command_line_name(enum command_id command)
{
    return command < COMMAND_COUNT ? commands[command].name : NULL;
}

enum command_id command_line_find(const char *name)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return (enum command_id)i;
    }
    return COMMAND_COUNT;
}

static bool takes(enum command_id command, const struct option *option)
{
    return (option->commands & 1U << command) != 0;
}

static void usage_line(enum command_id command, FILE *out)
{
    const struct command *entry = &commands[command];
    fprintf(out, "intune-enroll %s", entry->name);
    if (entry->operand != NULL)
        fprintf(out, entry->operand_optional ? " [%s]" : " %s", entry->operand);
    fputs(" [OPTION...]", out);
}

#define HELP_INDENT  32
#define HELP_COLUMNS 80

/* The text in a column of its own, broken at blanks; the line is at column `at`. */
static void text_print(const char *text, size_t at)
{
    while (*text != '\0') {
        size_t size = strlen(text);
        if (size > HELP_COLUMNS - HELP_INDENT) {
            size = HELP_COLUMNS - HELP_INDENT;
            while (size > 1 && text[size] != ' ')
                size--;
        }
        if (at >= HELP_INDENT) {
            putchar('\n');
            at = 0;
        }
        printf("%*s%.*s\n", (int)(HELP_INDENT - at), "", (int)size, text);
        at = 0;
        text += size;
        text += strspn(text, " ");
    }
}

static void option_print(const struct option *option)
{
    char text[512];
    int at = printf("  --%s%s%s", option->name, option->argument != NULL ? " " : "",
                    option->argument != NULL ? option->argument : "");
    snprintf(text, sizeof(text), "%s%s", option->help, option->repeats ? " (repeatable)" : "");
    if (at > 0)
        text_print(text, (size_t)at);
    if (option->name == options[OPTION_AUTH].name) {
        size_t size = (size_t)snprintf(text, sizeof(text), "auto");
        const struct credential_source *source;
        for (size_t i = 0; (source = credential_source_at(i)) != NULL && size < sizeof(text); i++)
            size +=
                (size_t)snprintf(text + size, sizeof(text) - size, ", %s", credential_source_name(source));
        text_print(text, 0);
    } else if (option->name == options[OPTION_KEY].name) {
        text_print(option->values, 0);
    } else if (option->name == options[OPTION_PROTOCOL].name) {
        for (size_t i = 0; protocols[i] != NULL; i++) {
            snprintf(text, sizeof(text), "%s: %s", protocols[i]->name, protocols[i]->title);
            text_print(text, 0);
        }
    }
}

static bool is_most_used(const char *name)
{
    for (size_t i = 0; i < sizeof(most_used) / sizeof(most_used[0]); i++)
        if (strcmp(name, most_used[i]) == 0)
            return true;
    return false;
}

/* The options of one group, or the most used of all for GROUP_COUNT. */
static void group_print(enum command_id command, enum group group)
{
    const char *name = group < GROUP_COUNT ? group_names[group] : "Most used";
    struct option option;
    for (size_t i = 0; option_at(i, &option); i++) {
        if (!takes(command, &option) ||
            (is_most_used(option.name) ? group != GROUP_COUNT : option.group != group))
            continue;
        if (name != NULL)
            printf("\n%s:\n", name);
        name = NULL;
        option_print(&option);
    }
}

static void help(enum command_id command)
{
    fputs("usage: ", stdout);
    usage_line(command, stdout);
    printf("\n%s.\n", commands[command].summary);
    group_print(command, GROUP_COUNT);
    for (unsigned group = 0; group < GROUP_COUNT; group++)
        group_print(command, (enum group)group);
    puts("\nSee intune-enroll(8).");
}

void command_line_overview(void)
{
    puts("usage: intune-enroll COMMAND [OPTION...]\n"
         "Enrols this machine with an MDM server, with a key that is made in the TPM and stays there.\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    puts("\n  --help, --version\n\n"
         "intune-enroll COMMAND --help shows a command's options. See intune-enroll(8).");
}

static void option_list(const char *command, const struct option *option)
{
    const struct credential_source *source;
    printf("%s --%s%s%s", command, option->name, option->argument != NULL ? "= " : "",
           option->argument != NULL ? option->argument : "");
    if (option->values != NULL)
        printf(" %s", option->values);
    if (option->name == options[OPTION_AUTH].name)
        fputs(" auto", stdout);
    for (size_t i = 0;
         option->name == options[OPTION_AUTH].name && (source = credential_source_at(i)) != NULL; i++)
        printf(" %s", credential_source_name(source));
    for (size_t i = 0; option->name == options[OPTION_PROTOCOL].name && protocols[i] != NULL; i++)
        printf(" %s", protocols[i]->name);
    putchar('\n');
}

void command_line_list(void)
{
    struct option option;
    for (unsigned command = 0; command < COMMAND_COUNT; command++) {
        for (size_t i = 0; option_at(i, &option); i++)
            if (takes((enum command_id)command, &option))
                option_list(commands[command].name, &option);
        if (commands[command].operand_optional)
            continue;
        for (const char *at = commands[command].operand; *at != '\0'; at += strspn(at, "|")) {
            int size = (int)strcspn(at, "|");
            printf("%s %.*s\n", commands[command].name, size, at);
            at += size;
        }
    }
}

static enum command_line_result __attribute__((format(printf, 2, 3)))
wrong(enum command_id command, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "intune-enroll %s: ", commands[command].name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputs("\nusage: ", stderr);
    usage_line(command, stderr);
    fprintf(stderr, "\nTry 'intune-enroll %s --help'.\n", commands[command].name);
    return LINE_WRONG;
}

int command_line_refuse(const struct command_line *line, const char *reason)
{
    wrong(line->command, "%s", reason);
    return ENROLL_USAGE;
}

/* The index of option_at(). */
static bool option_find(enum command_id command, const char *word, size_t length, size_t *ret_index,
                        struct option *ret_option)
{
    struct option option;
    if (length <= 2 || strncmp(word, "--", 2) != 0)
        return false;
    for (size_t i = 0; option_at(i, &option); i++) {
        if (takes(command, &option) && strlen(option.name) == length - 2 &&
            strncmp(option.name, word + 2, length - 2) == 0) {
            *ret_index = i;
            *ret_option = option;
            return true;
        }
    }
    return false;
}

/* If an option is repeated, the last value is used. False: too many values of a repeatable one. */
static bool option_store(struct command_line *line, size_t index, const char *value)
{
    if (index >= OPTION_COUNT) {
        line->settings[index - OPTION_COUNT] = value;
        return true;
    }
    line->given[index] = true;
    if (!options[index].repeats) {
        line->values[index] = value;
        return true;
    }
    for (size_t i = 0; i < OPTION_REPEATS_MAX; i++) {
        if (line->lists[index][i] == NULL) {
            line->lists[index][i] = value;
            return true;
        }
    }
    return false;
}

/* One option, with its value in the same word or in the next, which is then taken. */
static enum command_line_result option_parse(struct command_line *line, const char *word, char ***argv)
{
    enum command_id command = line->command;
    enum option_id letter = strcmp(word, "-v") == 0   ? OPTION_VERBOSE
                            : strcmp(word, "-h") == 0 ? OPTION_HELP
                                                      : OPTION_COUNT;
    size_t length = strcspn(word, "="), index;
    const char *value = NULL;
    struct option option;
    if (letter != OPTION_COUNT && takes(command, &options[letter])) {
        line->given[letter] = true;
        return LINE_RUN;
    }
    if (!option_find(command, word, length, &index, &option))
        return wrong(command, "unrecognized option '%s'", word);
    if (option.argument != NULL) {
        value = word[length] == '=' ? word + length + 1 : **argv != NULL ? *(*argv)++ : NULL;
        if (value == NULL)
            return wrong(command, "option '%s' requires an argument", word);
    } else if (word[length] == '=') {
        return wrong(command, "option '--%s' doesn't allow an argument", option.name);
    }
    return option_store(line, index, value) ? LINE_RUN : wrong(command, "too many '%s' options", word);
}

enum command_line_result command_line_parse(enum command_id command, int argc, char **argv,
                                            struct command_line *ret_line)
{
    bool options_ended = false;
    memset(ret_line, 0, sizeof(*ret_line));
    ret_line->command = command;
    for (char **at = argv + 1; at < argv + argc;) {
        const char *word = *at++;
        if (options_ended || word[0] != '-' || word[1] == '\0') {
            if (ret_line->operand != NULL || commands[command].operand == NULL)
                return wrong(command, "unexpected argument '%s'", word);
            ret_line->operand = word;
        } else if (strcmp(word, "--") == 0) {
            options_ended = true;
        } else if (option_parse(ret_line, word, &at) != LINE_RUN) {
            return LINE_WRONG;
        }
    }
    if (!ret_line->given[OPTION_HELP])
        return LINE_RUN;
    help(command);
    return LINE_HELP_SHOWN;
}

static bool number_parse(const char *command, const char *option, const char *text, unsigned minimum,
                         unsigned maximum, unsigned *ret_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = text != NULL && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    if (end == NULL || *end != '\0' || errno != 0 || number < minimum || number > maximum) {
        fprintf(stderr, "intune-enroll %s: invalid number '%s' for --%s: must be from %u to %u\n", command,
                text != NULL ? text : "", option, minimum, maximum);
        return false;
    }
    *ret_number = (unsigned)number;
    return true;
}

bool command_line_number(const struct command_line *line, enum option_id option, unsigned minimum,
                         unsigned maximum, unsigned *ret_number)
{
    return number_parse(commands[line->command].name, options[option].name, line->values[option], minimum,
                        maximum, ret_number);
}

bool command_line_settings_check(const struct command_line *line)
{
    const struct setting *setting;
    unsigned number;
    bool credential;
    for (size_t i = 0; (setting = setting_at(i, &credential)) != NULL; i++) {
        if (setting->maximum != 0 && line->settings[i] != NULL &&
            !number_parse(commands[line->command].name, setting->name, line->settings[i], setting->minimum,
                          setting->maximum, &number))
            return false;
    }
    return true;
}
