#include "tpm-space.h"

#include <string.h>

#include <tss2/tss2_tpm2_types.h>

/* A client's handle of the object in slot i is 0x80ffffff - i. */
#define VIRTUAL_FIRST 0x80ffffffU

/* Errors of the manager itself carry its layer (TSS 2.0 overview, 8.3). */
#define MANAGER_LAYER (11U << 16)

enum outcome {
    DONE,
    GONE, /* what should be loaded or saved is no more */
    FAILED,
};

static void build_command(struct tpm_message *ret_command, uint32_t code, const uint8_t *body,
                          size_t body_size)
{
    tpm_message_set_code(ret_command, code);
    memcpy(ret_command->bytes + TPM_WIRE_HEADER, body, body_size);
    ret_command->size = TPM_WIRE_HEADER + body_size;
    tpm_wire_put_u32(ret_command->bytes + 2, (uint32_t)ret_command->size);
}

static void flush(struct tpm_space *space, struct tpm_chip *chip, uint32_t handle)
{
    struct tpm_message command, response;
    uint8_t body[4];

    tpm_wire_put_u32(body, handle);
    build_command(&command, TPM2_CC_FlushContext, body, sizeof body);
    (void)tpm_chip_transmit(chip, space->pid, ORIGIN_MANAGER, &command, &response);
}

static enum outcome load_slot(struct tpm_space *space, struct tpm_chip *chip, struct tpm_space_slot *slot)
{
    struct tpm_message response;
    uint32_t code;

    if (!tpm_chip_transmit(chip, space->pid, ORIGIN_MANAGER, &slot->context, &response))
        return FAILED;
    code = tpm_message_code(&response);
    if (code == TPM2_RC_REFERENCE_H0 || (code & ~0xf40U) == TPM2_RC_HANDLE)
        return GONE;
    if (code != TPM2_RC_SUCCESS || response.size < TPM_WIRE_HEADER + 4)
        return FAILED;
    slot->handle = tpm_wire_u32(response.bytes + TPM_WIRE_HEADER);
    return DONE;
}

static enum outcome save_slot(struct tpm_space *space, struct tpm_chip *chip, struct tpm_space_slot *slot)
{
    struct tpm_message command, response;
    uint8_t body[4];

    tpm_wire_put_u32(body, slot->handle);
    build_command(&command, TPM2_CC_ContextSave, body, sizeof body);
    if (!tpm_chip_transmit(chip, space->pid, ORIGIN_MANAGER, &command, &response))
        return FAILED;
    if (tpm_message_code(&response) == TPM2_RC_REFERENCE_H0)
        return GONE;
    if (tpm_message_code(&response) != TPM2_RC_SUCCESS)
        return FAILED;
    build_command(&slot->context, TPM2_CC_ContextLoad, response.bytes + TPM_WIRE_HEADER,
                  response.size - TPM_WIRE_HEADER);
    return DONE;
}

static void flush_all(struct tpm_space *space, struct tpm_chip *chip)
{
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++) {
        if (space->objects[i].handle != 0)
            flush(space, chip, space->objects[i].handle);
        if (space->sessions[i].handle != 0)
            flush(space, chip, space->sessions[i].handle);
    }
    memset(space->objects, 0, sizeof space->objects);
    memset(space->sessions, 0, sizeof space->sessions);
}

static bool load_all(struct tpm_space *space, struct tpm_chip *chip)
{
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++)
        if (space->objects[i].handle != 0 && load_slot(space, chip, &space->objects[i]) != DONE)
            return false;
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++) {
        enum outcome outcome = DONE;

        if (space->sessions[i].handle != 0)
            outcome = load_slot(space, chip, &space->sessions[i]);
        if (outcome == FAILED)
            return false;
        if (outcome == GONE)
            space->sessions[i].handle = 0;
    }
    return true;
}

/* A saved object stays loaded until it is flushed; a saved session is out of the TPM's memory already. */
static bool save_all(struct tpm_space *space, struct tpm_chip *chip)
{
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++) {
        enum outcome outcome;

        if (space->objects[i].handle == 0)
            continue;
        outcome = save_slot(space, chip, &space->objects[i]);
        if (outcome == FAILED)
            return false;
        if (outcome == GONE)
            space->objects[i].handle = 0;
        else
            flush(space, chip, space->objects[i].handle);
    }
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++) {
        enum outcome outcome;

        if (space->sessions[i].handle == 0)
            continue;
        outcome = save_slot(space, chip, &space->sessions[i]);
        if (outcome == FAILED)
            return false;
        if (outcome == GONE)
            space->sessions[i].handle = 0;
    }
    return true;
}

static bool map_command(const struct tpm_space *space, struct tpm_message *command,
                        const struct tpm_command *description)
{
    for (size_t i = 0; i < description->handles; i++) {
        uint8_t *bytes = command->bytes + TPM_WIRE_HEADER + 4 * i;
        uint32_t slot;

        if (TPM_WIRE_HEADER + 4 * (i + 1) > command->size)
            return false;
        if (bytes[0] != TPM2_HT_TRANSIENT)
            continue;
        slot = VIRTUAL_FIRST - tpm_wire_u32(bytes);
        if (slot >= TPM_SPACE_SLOTS || space->objects[slot].handle == 0)
            return false;
        tpm_wire_put_u32(bytes, space->objects[slot].handle);
    }
    return true;
}

static struct tpm_space_slot *free_slot(struct tpm_space_slot *slots)
{
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++)
        if (slots[i].handle == 0)
            return &slots[i];
    return NULL;
}

/* Gives a slot to the handle that a response brings. False when all are taken. */
static bool map_response(struct tpm_space *space, struct tpm_message *response)
{
    uint8_t *bytes = response->bytes + TPM_WIRE_HEADER;
    struct tpm_space_slot *slot;

    if (response->size < TPM_WIRE_HEADER + 4)
        return true;
    slot = free_slot(bytes[0] == TPM2_HT_TRANSIENT ? space->objects : space->sessions);
    if (slot == NULL)
        return false;
    slot->handle = tpm_wire_u32(bytes);
    if (bytes[0] == TPM2_HT_TRANSIENT)
        tpm_wire_put_u32(bytes, VIRTUAL_FIRST - (uint32_t)(slot - space->objects));
    return true;
}

/* GetCapability(HANDLES): the client sees its own transient objects, by their virtual handles, and nobody
 * else's. */
static void map_handle_list(const struct tpm_space *space, struct tpm_message *response)
{
    uint8_t *list = response->bytes + TPM_WIRE_HEADER + 9;
    uint32_t count, kept = 0;

    if (response->size < TPM_WIRE_HEADER + 9 ||
        tpm_wire_u32(response->bytes + TPM_WIRE_HEADER + 1) != TPM2_CAP_HANDLES)
        return;
    count = tpm_wire_u32(response->bytes + TPM_WIRE_HEADER + 5);
    for (uint32_t i = 0; i < count && TPM_WIRE_HEADER + 9 + 4 * (size_t)(i + 1) <= response->size; i++) {
        uint32_t handle = tpm_wire_u32(list + 4 * (size_t)i);
        bool mine = (handle >> 24) != TPM2_HT_TRANSIENT;

        for (uint32_t slot = 0; slot < TPM_SPACE_SLOTS && !mine; slot++)
            if (space->objects[slot].handle == handle) {
                handle = VIRTUAL_FIRST - slot;
                mine = true;
            }
        if (mine)
            tpm_wire_put_u32(list + 4 * (size_t)kept++, handle);
    }
    tpm_wire_put_u32(response->bytes + TPM_WIRE_HEADER + 5, kept);
    response->size = TPM_WIRE_HEADER + 9 + 4 * (size_t)kept;
    tpm_wire_put_u32(response->bytes + 2, (uint32_t)response->size);
}

static bool refuse(struct tpm_space *space, struct tpm_chip *chip, uint32_t command_code, uint32_t code,
                   struct tpm_message *ret_response)
{
    flush_all(space, chip);
    tpm_message_set_code(ret_response, MANAGER_LAYER | code);
    tpm_chip_record(chip, space->pid, ORIGIN_SENT, command_code, MANAGER_LAYER | code);
    return true;
}

bool tpm_space_execute(struct tpm_space *space, struct tpm_chip *chip, struct tpm_message *command,
                       struct tpm_message *ret_response)
{
    uint32_t code = tpm_message_code(command);
    const struct tpm_command *description = tpm_command_find(code);
    uint32_t handle;

    if (description == NULL) {
        tpm_message_set_code(ret_response, MANAGER_LAYER | TPM2_RC_COMMAND_CODE);
        return true;
    }
    if (!load_all(space, chip))
        return refuse(space, chip, code, TPM2_RC_FAILURE, ret_response);
    if (!map_command(space, command, description))
        return refuse(space, chip, code, TPM2_RC_REFERENCE_H0, ret_response);
    if (!tpm_chip_transmit(chip, space->pid, ORIGIN_SENT, command, ret_response))
        return false;
    if (tpm_message_code(ret_response) == TPM2_RC_SUCCESS) {
        if (description->returns_handle && !map_response(space, ret_response)) {
            handle = tpm_wire_u32(ret_response->bytes + TPM_WIRE_HEADER);
            flush(space, chip, handle);
            flush_all(space, chip);
            tpm_message_set_code(ret_response, MANAGER_LAYER | ((handle >> 24) == TPM2_HT_TRANSIENT
                                                                    ? TPM2_RC_OBJECT_MEMORY
                                                                    : TPM2_RC_SESSION_MEMORY));
            return true;
        }
        if (code == TPM2_CC_GetCapability)
            map_handle_list(space, ret_response);
    }
    if (!save_all(space, chip)) {
        flush_all(space, chip);
        tpm_message_set_code(ret_response, MANAGER_LAYER | TPM2_RC_FAILURE);
    }
    return true;
}

void tpm_space_close(struct tpm_space *space, struct tpm_chip *chip)
{
    for (size_t i = 0; i < TPM_SPACE_SLOTS; i++)
        if (space->sessions[i].handle != 0)
            flush(space, chip, space->sessions[i].handle);
}
