#include "command_line.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

#define BIT(command) (1U << COMMAND_##command)
#define REGISTERING  BIT(REGISTER)
#define ASKING       (BIT(ENROLL) | BIT(POLICY))
#define WIRE         (ASKING | BIT(RENEW))
#define OURS                                                                                                 \
    (BIT(ENROLL) | BIT(STATUS) | BIT(VERIFY) | BIT(RENEW) | BIT(REMOVE) | BIT(PIN) | BIT(EXPORT) |           \
     BIT(POLICY))

static const struct command {
    const char *name, *operand, *summary;
    bool operand_optional;
} commands[COMMAND_COUNT] = {
    [COMMAND_ENROLL] = {"enroll", "USER@DOMAIN|DOMAIN|URL", "enrol this machine with an MDM server", true},
    [COMMAND_STATUS] = {"status", NULL, "show the enrolment", true},
    [COMMAND_VERIFY] = {"verify", NULL, "check everything that applications need", true},
    [COMMAND_RENEW] = {"renew", NULL, "renew the certificate, with a new key", true},
    [COMMAND_REMOVE] = {"remove", NULL, "remove key, certificate and token", true},
    [COMMAND_PIN] = {"pin", NULL, "change or take away the key's PIN", true},
    [COMMAND_EXPORT] = {"export", NULL, "print the certificate and its chain", true},
    [COMMAND_POLICY] = {"policy", "USER@DOMAIN|DOMAIN|URL",
                        "show what the server would ask for, without enrolling", true},
    [COMMAND_REGISTER] = {"register", NULL, "make the token known to browsers", true},
    [COMMAND_SHOW] = {"show", "openvpn|strongswan|wpa_supplicant|ssh|java|curl|firefox|chromium",
                      "show an application's configuration for this token", false},
};

static const struct option {
    const char *name, *argument, *help;
    unsigned commands;
    bool repeats;
} options[OPTION_COUNT] = {
    [OPTION_TOKEN_FILE] = {"token-file", "FILE", "security token in a file that others cannot read", ASKING},
    [OPTION_TOKEN_FD] = {"token-fd", "N", "security token from an open file descriptor", ASKING},
    [OPTION_TOKEN_COMMAND] = {"token-command", "COMMAND", "security token from a command's output; no shell",
                              ASKING},
    [OPTION_TOKEN_COMMAND_TIMEOUT] = {"token-command-timeout", "SECONDS", "for that command (default 300)",
                                      ASKING},
    [OPTION_TOKEN_TYPE] = {"token-type", "TYPE",
                           "user (default) or jwt: what the token is called in the request", ASKING},
    [OPTION_USERNAME] = {"username", "NAME", "user name for a server that asks for a password", ASKING},
    [OPTION_PASSWORD_FILE] = {"password-file", "FILE", "its password, in a file that others cannot read",
                              ASKING},
    [OPTION_AUTH] = {"auth", "WAY",
                     "auto, file, fd, command, device-code, broker, browser, password, certificate", ASKING},
    [OPTION_CLIENT_ID] = {"client-id", "ID", "OAuth client that asks for the token", ASKING},
    [OPTION_SCOPE] = {"scope", "SCOPE", "OAuth scope to ask for", ASKING},
    [OPTION_RESOURCE] = {"resource", "URI", "OAuth resource, for version 1 endpoints", ASKING},
    [OPTION_TENANT] = {"tenant", "TENANT", "OAuth tenant", ASKING},
    [OPTION_AUTHORITY] = {"authority", "URL", "OAuth authority", ASKING},
    [OPTION_CERTIFICATE] = {"certificate", "FILE|URI", "certificate that authenticates the enrolment",
                            ASKING},
    [OPTION_CERTIFICATE_KEY] = {"certificate-key", "FILE|URI", "its key", ASKING},
    [OPTION_DISCOVERY_URL] = {"discovery-url", "URL", "full discovery address, instead of looking it up",
                              ASKING},
    [OPTION_ACCEPT_REDIRECT] = {"accept-redirect", "HOST", "host that discovery may lead to", ASKING, true},
    [OPTION_REQUEST_VERSION] = {"request-version", "VERSION", "protocol version to ask with (default 4.0)",
                                ASKING},
    [OPTION_CA_FILE] = {"ca-file", "FILE", "certificate authority of a private server, PEM", WIRE},
    [OPTION_RESOLVE] = {"resolve", "HOST:PORT:ADDRESS", "address for a host, as curl has it", WIRE, true},
    [OPTION_TIMEOUT] = {"timeout", "SECONDS", "for one request (default 60)", WIRE},
    [OPTION_PROFILE] = {"profile", "FILE", "what the device says about itself", WIRE},
    [OPTION_KEY] = {"key", "TYPE", "rsa2048, rsa3072, rsa4096, p256, p384, p521", BIT(ENROLL) | BIT(RENEW)},
    [OPTION_CSR_EXT] = {"csr-ext", NULL, "put the extensions of Windows into the request",
                        BIT(ENROLL) | BIT(RENEW)},
    [OPTION_LABEL] = {"label", "TEXT", "label of the token (default intune-tpm)", BIT(ENROLL)},
    [OPTION_PIN_FILE] = {"pin-file", "FILE", "PIN of the key; - asks for it",
                         BIT(ENROLL) | BIT(RENEW) | BIT(VERIFY) | BIT(PIN)},
    [OPTION_NEW_PIN_FILE] = {"new-pin-file", "FILE", "new PIN of the key; - asks for it (default)", BIT(PIN)},
    [OPTION_NO_PIN] = {"no-pin", NULL, "take the PIN away", BIT(PIN)},
    [OPTION_PERSISTENT] = {"persistent", NULL, "the key must be resident in the TPM",
                           BIT(ENROLL) | BIT(RENEW)},
    [OPTION_NO_PERSISTENT] = {"no-persistent", NULL, "the key is not made resident in the TPM",
                              BIT(ENROLL) | BIT(RENEW)},
    [OPTION_REPLACE] = {"replace", NULL, "enrol again although there is a valid enrolment", BIT(ENROLL)},
    [OPTION_RESUME] = {"resume", NULL, "ask again for a request that was pending", BIT(ENROLL)},
    [OPTION_IF_DUE] = {"if-due", NULL, "do nothing, successfully, unless renewal is due", BIT(RENEW)},
    [OPTION_FORCE] = {"force", NULL, "renew although it is not due; remove although the TPM is gone",
                      BIT(RENEW) | BIT(REMOVE)},
    [OPTION_TRACE] = {"trace", "DIRECTORY", "write each message there, and flow.html; without secrets", WIRE},
    [OPTION_YES] = {"yes", NULL, "do not ask", BIT(REMOVE)},
    [OPTION_OUTPUT] = {"output", "FILE", "write there instead of to standard output", BIT(EXPORT)},
    [OPTION_NO_CHAIN] = {"no-chain", NULL, "the device's certificate alone", BIT(EXPORT)},
    [OPTION_WAIT] = {"wait", "SECONDS", "for another run to finish (default 0; register 30)",
                     BIT(ENROLL) | BIT(RENEW) | BIT(REMOVE) | BIT(PIN) | REGISTERING},
    [OPTION_TOKEN_DIR] = {"token-dir", "DIRECTORY", "token directory", OURS | BIT(SHOW)},
    [OPTION_TCTI] = {"tcti", "TCTI", "which TPM (default device:/dev/tpmrm0)", OURS & ~BIT(EXPORT)},
    [OPTION_JSON] = {"json", NULL, "print the result as JSON", OURS},
    [OPTION_VERBOSE] = {"verbose", NULL, "say more (-v)", OURS},
    [OPTION_HELP] = {"help", NULL, "show this help (-h)", OURS | REGISTERING | BIT(SHOW)},
    [OPTION_USER] = {"user", NULL, "for this user alone: the NSS database that Chromium reads", REGISTERING},
    [OPTION_UNDO] = {"undo", NULL, "take it back", REGISTERING},
    [OPTION_PRINT] = {"print", NULL, "show what would change, change nothing", REGISTERING},
    [OPTION_URL] = {"url", "PATTERN", "sites that Chromium sends the certificate to without asking",
                    REGISTERING, true},
    [OPTION_DIRECT] = {"direct", NULL,
                       "each application opens the TPM itself, with a p11-kit remote of its own",
                       REGISTERING},
    [OPTION_SOCKET] = {"socket", NULL, "p11-kit reaches the token through intune-tpm.socket", REGISTERING},
};

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

static bool takes(enum command_id command, size_t option)
{
    return (options[option].commands & 1U << command) != 0;
}

static void usage_line(enum command_id command, FILE *out)
{
    const struct command *entry = &commands[command];
    fprintf(out, "intune-enroll %s", entry->name);
    if (entry->operand)
        fprintf(out, entry->operand_optional ? " [%s]" : " %s", entry->operand);
    fputs(" [OPTION...]", out);
}

static void help(enum command_id command)
{
    char left[64];
    fputs("usage: ", stdout);
    usage_line(command, stdout);
    printf("\n%s.\n\n", commands[command].summary);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!takes(command, i))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        printf("  %-30s %s%s\n", left, options[i].help, options[i].repeats ? "; may stand again" : "");
    }
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

void command_line_list(void)
{
    for (unsigned command = 0; command < COMMAND_COUNT; command++) {
        for (size_t i = 0; i < OPTION_COUNT; i++) {
            if (takes((enum command_id)command, i))
                printf("%s --%s%s\n", commands[command].name, options[i].name,
                       options[i].argument ? "=" : "");
        }
    }
}

static enum command_line_result wrong(enum command_id command, const char *before, const char *what,
                                      const char *after)
{
    fprintf(stderr, "intune-enroll %s: %s%s%s\nusage: ", commands[command].name, before, what, after);
    usage_line(command, stderr);
    fprintf(stderr, "\nTry intune-enroll %s --help.\n", commands[command].name);
    return LINE_WRONG;
}

int command_line_refuse(const struct command_line *line, const char *reason)
{
    wrong(line->command, "", reason, "");
    return ENROLL_USAGE;
}

static size_t option_find(enum command_id command, const char *name, size_t length)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (takes(command, i) && strlen(options[i].name) == length &&
            strncmp(options[i].name, name, length) == 0)
            return i;
    }
    return OPTION_COUNT;
}

/* Of an option that stands once the last one counts, as everywhere. False: too many of one that may stand
 * again. */
static bool option_store(struct command_line *line, size_t option, const char *value)
{
    if (!options[option].repeats) {
        line->given[option] = true;
        line->values[option] = value;
        return true;
    }
    line->given[option] = true;
    for (size_t i = 0; i < OPTION_REPEATS_MAX; i++) {
        if (!line->lists[option][i]) {
            line->lists[option][i] = value;
            return true;
        }
    }
    return false;
}

enum command_line_result command_line_parse(enum command_id command, int argc, char **argv,
                                            struct command_line *ret_line)
{
    bool options_ended = false;
    memset(ret_line, 0, sizeof *ret_line);
    ret_line->command = command;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        size_t option;
        const char *value = NULL;
        if (options_ended || word[0] != '-' || word[1] == '\0') {
            if (ret_line->operand || !commands[command].operand)
                return wrong(command, "", word, " is one argument too many");
            ret_line->operand = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            options_ended = true;
            continue;
        }
        enum option_id letter = strcmp(word, "-v") == 0   ? OPTION_VERBOSE
                                : strcmp(word, "-h") == 0 ? OPTION_HELP
                                                          : OPTION_COUNT;
        if (letter != OPTION_COUNT && takes(command, letter)) {
            ret_line->given[letter] = true;
            continue;
        }
        size_t length = strcspn(word, "=");
        option = length > 2 && strncmp(word, "--", 2) == 0 ? option_find(command, word + 2, length - 2)
                                                           : OPTION_COUNT;
        if (option == OPTION_COUNT)
            return wrong(command, "there is no option ", word, "");
        if (options[option].argument) {
            value = word[length] == '=' ? word + length + 1 : i + 1 < argc ? argv[++i] : NULL;
            if (!value)
                return wrong(command, "", word, " needs a value");
        } else if (word[length] == '=') {
            return wrong(command, "", word, " takes no value");
        }
        if (!option_store(ret_line, option, value))
            return wrong(command, "", word, " is given too often");
    }
    if (!ret_line->given[OPTION_HELP])
        return LINE_RUN;
    help(command);
    return LINE_HELP_SHOWN;
}

bool command_line_number(const struct command_line *line, enum option_id option, unsigned minimum,
                         unsigned maximum, unsigned *ret_number)
{
    const char *text = line->values[option];
    char *end = NULL;
    errno = 0;
    unsigned long number = text && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
    if (!end || *end || errno || number < minimum || number > maximum) {
        fprintf(stderr, "intune-enroll %s: --%s takes a number from %u to %u, not %s\n",
                commands[line->command].name, options[option].name, minimum, maximum,
                text ? text : "nothing");
        return false;
    }
    *ret_number = (unsigned)number;
    return true;
}
