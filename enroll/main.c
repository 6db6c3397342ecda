#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>

#include "commands.h"
#include "command_line.h"
#include "error.h"
#include "process.h"
#include "tpm.h"

static int (*const commands[COMMAND_COUNT])(int argc, char **argv) = {
    [COMMAND_ENROLL] = command_enroll,     [COMMAND_STATUS] = command_status,
    [COMMAND_VERIFY] = command_verify,     [COMMAND_RENEW] = command_renew,
    [COMMAND_CHECK_IN] = command_check_in, [COMMAND_REMOVE] = command_remove,
    [COMMAND_PIN] = command_pin,           [COMMAND_EXPORT] = command_export,
    [COMMAND_POLICY] = command_policy,     [COMMAND_REGISTER] = command_register,
    [COMMAND_SHOW] = command_show,
};

/* Structures and names of another major version are other ones; whoever replaced the library is told so at
 * once. */
static bool openssl_is_ours(void)
{
    if (OPENSSL_version_major() == OPENSSL_VERSION_MAJOR)
        return true;
    fprintf(stderr,
            "intune-enroll: built for OpenSSL %d, but the libcrypto that was loaded is version %u\n"
            "Install the package of intune-tpm that was built for this system.\n",
            OPENSSL_VERSION_MAJOR, OPENSSL_version_major());
    return false;
}

int main(int argc, char **argv)
{
    process_protect();
    if (!openssl_is_ours())
        return ENROLL_FAILED;
    setlocale(LC_CTYPE, "");
    if (argc >= 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
        command_line_overview();
        return ENROLL_OK;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        puts("intune-enroll " INTUNE_TPM_VERSION);
        return ENROLL_OK;
    }
    if (argc >= 2 && strcmp(argv[1], "--list-options") == 0) {
        command_line_list();
        return ENROLL_OK;
    }
    enum command_id command = argc >= 2 ? command_line_find(argv[1]) : COMMAND_COUNT;
    if (command == COMMAND_COUNT || !commands[command]) {
        fprintf(stderr, "intune-enroll: %s%s%s\nTry intune-enroll --help.\n",
                argc >= 2 ? "unknown command " : "missing command", argc >= 2 ? argv[1] : "", "");
        return ENROLL_USAGE;
    }
    process_signals_catch();
    return commands[command](argc - 1, argv + 1);
}
