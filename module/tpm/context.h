/*
 * module/tpm: the implementation of include/tpm.h. No other folder includes its headers, and nothing here
 * knows PKCS #11 or MDE2.
 *
 * From the bottom up: wire (bytes), transport_* and connection (reaching a TPM), command (one command, with
 * its authorization), session (HMAC sessions) on kdf and primitives, operation (recovery and cleaning up
 * around the commands of one call), object (the commands on keys), then one file for each operation
 * of include/tpm.h.
 *
 * Commands are built here and not by tss2-sys or tss2-esys. ESYS does its cryptography through EVP in
 * OpenSSL's default context, where an application's engine or provider can take it over; SAPI 3.2 trusts the
 * lengths in a response; and both, like each TCTI of 3.2, print to stderr on an error unless the environment
 * says otherwise, which a module must not change.
 */
#ifndef INTUNE_TPM_CONTEXT_H
#define INTUNE_TPM_CONTEXT_H

#include <openssl/ec.h>

#include "public_area.h"
#include "response_code.h"
#include "tpm.h"

#define TPM_MESSAGE_MAX                                                                                      \
    4096 /* bytes of a command or response; every TPM has TPM2_MAX_COMMAND_SIZE of at most this */
#define TPM_OBJECTS_MAX 4
#define TPM_CURVE_COUNT 4
#define TPM_SRK_HANDLE  0x81000001U
#define TPM_OURS_FIRST  0x81010001U
#define TPM_OURS_LAST   0x8101ffffU

struct tpm_transport;

/*
 * The persistent objects of one key that were found gone or to be something else. They are not tried again: a
 * refused authorization of another object may move the TPM's lock-out counter each time.
 */
struct tpm_stale_handles {
    uint8_t key_name[TPM_NAME_SIZE];
    bool resident;
    bool parent;
};

struct tpm {
    char *tcti;
    const struct tpm_transport *transport; /* NULL until the first command */
    const char *address;                   /* what stands behind the colon in tcti */
    int descriptor;                        /* device and socket, -1 when closed */
    uint64_t descriptor_identity[2]; /* device and inode, to notice that the application closed it under us */
    void *tss_context;               /* other TCTIs, NULL when closed */
    void *tss_library;               /* of that TCTI, NULL before the first use; stays open */
    uint32_t last_rc;
    uint32_t objects[TPM_OBJECTS_MAX]; /* loaded objects and sessions of the running call, to be flushed at
                                          its end */
    size_t object_count;
    EC_GROUP *groups[TPM_CURVE_COUNT]; /* made when first needed */
    struct tpm_stale_handles stale;
    const struct tpm_key *key; /* of the running call, NULL where it is about none */
    unsigned timeout_seconds;  /* of the running call; 0: the default of the transport */
    unsigned missing_hashes;   /* bit (1 << enum tpm_hash): this TPM refused it */
};

#endif
