/* The protocols of this program, the default first. */
#include "mde.h"
#include "protocol.h"

const struct protocol *const protocols[] = {&protocol_mde2, NULL};
