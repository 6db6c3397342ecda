#include "tpm-chip.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <tss2/tss2_tpm2_types.h>

/*
 * Milliseconds for each kind of command. The private operations and CreatePrimary are published measurements
 * (wolfTPM's benchmark of the two chips on SPI at 43 MHz); nobody publishes the others, so those are assumed,
 * and the same for both.
 */
struct tpm_figures {
    const char *name;
    unsigned rsa_private, ecdsa, ecdh, primary_rsa, primary_ecc;
    unsigned load, context, unseal, other;
};

static const struct tpm_figures chips[] = {
    {"slb9672", 77, 36, 66, 1568, 136, 40, 10, 12, 5},
    {"npct750", 70, 56, 29, 3409, 84, 40, 10, 12, 5},
};

const struct tpm_figures *tpm_figures_find(const char *name)
{
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++)
        if (strcmp(chips[i].name, name) == 0)
            return &chips[i];
    return NULL;
}

void tpm_figures_list(FILE *stream)
{
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++)
        fprintf(stream, "%s%s", i == 0 ? "" : ", ", chips[i].name);
}

/* A 16-bit number of a message, 0 when it is not there. */
static uint16_t peek(const struct tpm_message *message, size_t offset)
{
    return offset + 2 <= message->size ? tpm_wire_u16(message->bytes + offset) : 0;
}

static unsigned key_making_cost(const struct tpm_figures *figures, uint16_t type)
{
    return type == TPM2_ALG_RSA ? figures->primary_rsa : figures->primary_ecc;
}

/* What a salted session costs: the TPM decrypts the salt with its RSA key, or does one ECDH. */
static unsigned session_cost(const struct tpm_figures *figures, const struct tpm_message *command)
{
    size_t salt;

    if (command->size < TPM_WIRE_HEADER + 8 || tpm_wire_u32(command->bytes + TPM_WIRE_HEADER) == TPM2_RH_NULL)
        return figures->other;
    salt = TPM_WIRE_HEADER + 8 + 2 + (size_t)peek(command, TPM_WIRE_HEADER + 8);
    return peek(command, salt) >= 256 ? figures->rsa_private : figures->ecdh;
}

/* Part 3's response layouts; with sessions a parameter size of 4 bytes follows the handle area. */
static unsigned command_cost(const struct tpm_figures *figures, const struct tpm_message *command,
                             const struct tpm_message *response)
{
    size_t parameters = TPM_WIRE_HEADER + (peek(response, 0) == TPM2_ST_SESSIONS ? 4U : 0U);
    uint16_t type;

    if (tpm_message_code(response) != TPM2_RC_SUCCESS)
        return figures->other;
    switch (tpm_message_code(command)) {
    case TPM2_CC_Sign:
        type = peek(response, parameters);
        return type == TPM2_ALG_RSASSA || type == TPM2_ALG_RSAPSS ? figures->rsa_private : figures->ecdsa;
    case TPM2_CC_RSA_Decrypt:
        return figures->rsa_private;
    case TPM2_CC_ECDH_ZGen:
    case TPM2_CC_ECDH_KeyGen:
        return figures->ecdh;
    case TPM2_CC_StartAuthSession:
        return session_cost(figures, command);
    case TPM2_CC_CreatePrimary:
        return key_making_cost(figures, peek(response, parameters + 4 + 2));
    case TPM2_CC_Create:
        return key_making_cost(figures,
                               peek(response, parameters + 2 + (size_t)peek(response, parameters) + 2));
    case TPM2_CC_Load:
    case TPM2_CC_LoadExternal:
    case TPM2_CC_Import:
        return figures->load;
    case TPM2_CC_ContextLoad:
    case TPM2_CC_ContextSave:
        return figures->context;
    case TPM2_CC_Unseal:
        return figures->unseal;
    default:
        return figures->other;
    }
}

static void wait_as_the_chip(struct timespec start, unsigned milliseconds)
{
    start.tv_sec += milliseconds / 1000;
    start.tv_nsec += (long)(milliseconds % 1000) * 1000000L;
    if (start.tv_nsec >= 1000000000L) {
        start.tv_sec++;
        start.tv_nsec -= 1000000000L;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &start, NULL) != 0)
        ;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void program_name(pid_t pid, char *ret_name, size_t size)
{
    char path[64];
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    file = fopen(path, "re");
    if (file == NULL || fgets(ret_name, (int)size, file) == NULL)
        snprintf(ret_name, size, "gone");
    if (file != NULL)
        fclose(file);
    ret_name[strcspn(ret_name, "\n")] = '\0';
    for (char *c = ret_name; *c != '\0'; c++)
        if (*c == ' ')
            *c = '_';
}

void tpm_chip_record(struct tpm_chip *chip, pid_t pid, enum tpm_origin origin, uint32_t command_code,
                     uint32_t response_code)
{
    const struct tpm_command *command = tpm_command_find(command_code);
    char program[32], number[16];

    if (chip->record == NULL)
        return;
    program_name(pid, program, sizeof program);
    snprintf(number, sizeof number, "0x%x", command_code);
    fprintf(chip->record, "%d %s %s %s 0x%x\n", (int)pid, program, origin == ORIGIN_SENT ? "sent" : "manager",
            command != NULL ? command->name : number, response_code);
    fflush(chip->record);
}

/* A connection for each command, as the TSS makes it: so the software TPM stays open to others between two
 * commands. */
bool tpm_chip_transmit(struct tpm_chip *chip, pid_t pid, enum tpm_origin origin,
                       const struct tpm_message *command, struct tpm_message *ret_response)
{
    struct timespec start;
    bool done = false;
    int fd;

    clock_gettime(CLOCK_MONOTONIC, &start);
    fd = connect_to(chip->socket);
    if (fd < 0)
        return false;
    if (tpm_message_write(fd, command) && tpm_message_read(fd, ret_response)) {
        if (chip->figures != NULL)
            wait_as_the_chip(start, command_cost(chip->figures, command, ret_response));
        tpm_chip_record(chip, pid, origin, tpm_message_code(command), tpm_message_code(ret_response));
        done = true;
    }
    close(fd);
    return done;
}
