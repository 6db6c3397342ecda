/* The protocols of this program, the default first. */
#include "intune_linux.h"
#include "mde.h"
#include "protocol.h"

const struct protocol *const protocols[] = {&protocol_mde2, &protocol_intune_linux, NULL};
