#include "operation.h"

#include <string.h>

#include <openssl/err.h>

#include "command.h"
#include "connection.h"
#include "key_use.h"
#include "primitives.h"

#define BACK_OFF_SECONDS 20
#define RECLAIM_AFTER    3000 /* milliseconds; far longer than one call of anybody takes */
#define STEP_FIRST       1000 /* microseconds */
#define STEP_LAST        200000

void tpm_objects_remember(struct tpm *tpm, uint32_t handle)
{
    if (tpm->object_count < TPM_OBJECTS_MAX)
        tpm->objects[tpm->object_count++] = handle;
}

void tpm_objects_forget(struct tpm *tpm, uint32_t handle)
{
    for (size_t i = 0; i < tpm->object_count; i++)
        if (tpm->objects[i] == handle) {
            tpm->object_count--;
            memmove(tpm->objects + i, tpm->objects + i + 1,
                    (tpm->object_count - i) * sizeof(tpm->objects[0]));
            return;
        }
}

/* TPM 2.0 part 3, 28.4: the handle is a parameter. A failure leaves nothing else to do. */
void tpm_object_flush(struct tpm *tpm, uint32_t handle)
{
    struct tpm_command command;
    struct tpm_response response;
    uint32_t last_rc = tpm->last_rc;

    tpm_command_begin(&command, TPM2_CC_FlushContext, TPM_AUTHORIZATION_NONE,
                      (const uint32_t[TPM_COMMAND_HANDLES]){0});
    tpm_write_u32(&command.parameters, handle);
    if (tpm_command_run(tpm, &command, &response) != TPM2_RC_SUCCESS)
        tpm->last_rc = last_rc;
    tpm_objects_forget(tpm, handle);
}

void tpm_objects_flush(struct tpm *tpm)
{
    while (tpm->object_count > 0)
        tpm_object_flush(tpm, tpm->objects[tpm->object_count - 1]);
}

bool tpm_back_off_wait(const struct tpm *tpm, struct tpm_back_off *back_off)
{
    const unsigned seconds = tpm->timeout_seconds != 0 ? tpm->timeout_seconds : BACK_OFF_SECONDS;
    struct timespec now, pause = {0};
    uint16_t random = 0;
    unsigned step;
    long left;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (back_off->step_microseconds == 0) {
        back_off->deadline = now;
        back_off->deadline.tv_sec += seconds;
        back_off->step_microseconds = STEP_FIRST;
    }
    left = (back_off->deadline.tv_sec - now.tv_sec) * 1000L +
           (back_off->deadline.tv_nsec - now.tv_nsec) / 1000000;
    if (left <= 0)
        return false;
    back_off->milliseconds = (unsigned)(seconds * 1000L - left);
    /* Half of the step, and a random part of as much again, so that those who wait together do not come
     * together. */
    if (!tpm_random((uint8_t *)&random, sizeof(random)))
        random = (uint16_t)now.tv_nsec;
    step = back_off->step_microseconds;
    pause.tv_nsec = (long)(step / 2 + (unsigned)((uint64_t)step * random >> 16)) * 1000;
    nanosleep(&pause, NULL);
    back_off->step_microseconds = step * 2 < STEP_LAST ? step * 2 : STEP_LAST;
    return true;
}

/* A simulator's firmware is whoever talks to it first; a second TPM2_Startup is refused and harmless. */
static void start_up(struct tpm *tpm)
{
    struct tpm_command command;
    struct tpm_response response;

    tpm_command_begin(&command, TPM2_CC_Startup, TPM_AUTHORIZATION_NONE,
                      (const uint32_t[TPM_COMMAND_HANDLES]){0});
    tpm_write_u16(&command.parameters, TPM2_SU_CLEAR);
    if (tpm_command_run(tpm, &command, &response) != TPM2_RC_SUCCESS)
        return;
}

static bool rc_is_recoverable(uint32_t rc)
{
    return rc == LOCAL_RC_LOST || rc == TPM2_RC_INITIALIZE || tpm_rc_is_no_object(rc);
}

enum tpm_status tpm_operation_run(struct tpm *tpm, tpm_operation operation, void *context)
{
    struct tpm_back_off back_off = {0};
    bool recovered = false, reclaimed = false, again;
    uint32_t rc;

    ERR_set_mark(); /* the queue is the application's */
    do {
        again = false;
        tpm->key = NULL;
        rc = tpm_connection_open(tpm);
        if (rc == TPM2_RC_SUCCESS)
            rc = operation(tpm, context);
        if (rc == LOCAL_RC_LOST || rc == LOCAL_RC_TIMEOUT || rc == TPM2_RC_INITIALIZE) {
            /* What was loaded is gone with the connection or the reset. */
            tpm->object_count = 0;
            if (rc == TPM2_RC_INITIALIZE && tpm->transport->starts_up && !recovered)
                start_up(tpm);
            tpm_connection_close(tpm);
        } else {
            tpm_objects_flush(tpm);
            if (tpm_rc_is_memory(rc) && tpm->key != NULL && !tpm->transport->keeps(tpm) && !reclaimed &&
                back_off.milliseconds > RECLAIM_AFTER) {
                tpm_key_reclaim(tpm, tpm->key);
                reclaimed = true;
            }
            tpm_connection_release(tpm);
        }
        if (tpm_rc_is_memory(rc) || rc == LOCAL_RC_BUSY)
            again = tpm_back_off_wait(tpm, &back_off);
        else if (rc_is_recoverable(rc) && !recovered)
            again = recovered = true;
    } while (again);
    ERR_pop_to_mark();
    if (rc != TPM2_RC_SUCCESS)
        tpm->last_rc = rc;
    return tpm_status_from_rc(rc);
}
