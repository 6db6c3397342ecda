#include "back_off.h"

#include <stdint.h>

#include "primitives.h"

#define DEFAULT_SECONDS 20
#define STEP_FIRST      1000 /* microseconds */
#define STEP_LAST       200000

bool tpm_back_off_wait(struct tpm_back_off *back_off, unsigned timeout_seconds)
{
    const unsigned seconds = timeout_seconds != 0 ? timeout_seconds : DEFAULT_SECONDS;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (back_off->step_microseconds == 0) {
        back_off->deadline = now;
        back_off->deadline.tv_sec += seconds;
        back_off->step_microseconds = STEP_FIRST;
    }
    long left = (back_off->deadline.tv_sec - now.tv_sec) * 1000L +
                (back_off->deadline.tv_nsec - now.tv_nsec) / 1000000;
    if (left <= 0)
        return false;
    back_off->milliseconds = (unsigned)(seconds * 1000L - left);
    /* half of the step and a random part of as much again, so that waiting processes do not collide again */
    uint16_t random = 0;
    if (!tpm_random((uint8_t *)&random, sizeof(random)))
        random = (uint16_t)now.tv_nsec;
    const unsigned step = back_off->step_microseconds;
    const struct timespec pause = {.tv_nsec =
                                       (long)(step / 2 + (unsigned)((uint64_t)step * random >> 16)) * 1000};
    nanosleep(&pause, NULL);
    back_off->step_microseconds = step * 2 < STEP_LAST ? step * 2 : STEP_LAST;
    return true;
}
