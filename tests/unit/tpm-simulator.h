/* A software TPM of the test's own: swtpm on unix sockets in a directory that goes away with it. */
#ifndef TEST_TPM_SIMULATOR_H
#define TEST_TPM_SIMULATOR_H

#include <stddef.h>
#include <sys/types.h>

struct simulator {
    char directory[64];
    char tcti[128];   /* "swtpm:path=..." */
    char data[96];    /* the data socket */
    char control[96]; /* the control socket, where the TSS looks for it */
    pid_t pid;
};

/* Starts it, powered on and started up. Fails the test when it does not answer within ten seconds. */
void simulator_start(struct simulator *simulator);
/* Ends it without warning; its state stays. */
void simulator_stop(struct simulator *simulator);
/* Starts it again on the same state: a reboot. */
void simulator_restart(struct simulator *simulator);
/* TPM reset through the control channel; nobody sends TPM2_Startup. */
void simulator_reset(const struct simulator *simulator);
/* Ends it and removes its directory. */
void simulator_remove(struct simulator *simulator);

/* How many handles tpm2_getcap lists: capability "handles-transient", "handles-loaded-session",
 * "handles-persistent" ... */
int simulator_count(const struct simulator *simulator, const char *capability);
/* Runs a tpm2-tools command line on it; its exit status. */
int simulator_tool(const struct simulator *simulator, const char *command);

#endif
