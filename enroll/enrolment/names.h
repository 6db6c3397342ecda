/* The names in a token directory, for generation.c and recovery.c. */
#ifndef ENROLL_INSTALL_NAMES_H
#define ENROLL_INSTALL_NAMES_H

#include <stdbool.h>

#define NAME_CURRENT     "current"
#define NAME_CURRENT_NEW ".current.new"
#define NAME_GENERATIONS "generations"
#define NAME_PENDING     "pending"
#define NAME_PENDING_NEW ".pending.new"
#define NAME_CONF        "token.conf"
#define NAME_KEY         "device.key"
#define NAME_CERTIFICATE "device.crt"
#define NAME_STATE       "state.conf"
#define NAME_CHECK_IN    "check-in.conf"
/* What install_file_replace() writes beside them. */
#define NAME_ENROLLMENT_NEW ".enrollment.conf.new"
#define NAME_STATE_NEW      ".state.conf.new"
#define NAME_CHECK_IN_NEW   ".check-in.conf.new"
#define NAME_CHAIN          "chain.crt"

/* Whether this is the name of a generation's directory, a number from 1 without leading zeros. */
bool name_is_generation(const char *name, unsigned long *ret_number);

#endif
