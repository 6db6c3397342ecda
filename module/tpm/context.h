/*
 * module/tpm: the implementation of include/tpm.h. No other folder includes its headers, and nothing here
 * knows PKCS #11 or MDE2.
 *
 * From the bottom up: wire (bytes of a response), back_off and loaded_objects (state of the running call),
 * transport_* and connection (reaching a TPM), tcti (the connection for tss2-sys), session (authorization of
 * a command) on kdf and primitives, command (one command), session_start and object (commands that several
 * operations need), key_use and key_reclaim, operation (recovery and clean-up around the commands of one
 * call), then one file for each group of functions in include/tpm.h.
 *
 * Commands are built by tss2-sys and not by tss2-esys, which does its cryptography through EVP in OpenSSL's
 * default context, where an application's engine or provider can take it over.
 */
#ifndef INTUNE_TPM_CONTEXT_H
#define INTUNE_TPM_CONTEXT_H

#include <openssl/ec.h>
#include <tss2/tss2_tcti.h>

#include "loaded_objects.h"
#include "public_area.h"
#include "response_code.h"
#include "tpm.h"

#define TPM_MESSAGE_MAX                                                                                      \
    4096 /* bytes of a command or response; every TPM has TPM2_MAX_COMMAND_SIZE of at most this */
#define TPM_HEADER_SIZE 10 /* bytes of tag, size and code */
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
    TSS2_TCTI_CONTEXT_COMMON_V1 interface; /* first: tss2-sys passes its address to tcti.c */
    void *sapi;                            /* context of tss2-sys, NULL until the first command */
    uint8_t response[TPM_MESSAGE_MAX];     /* to the last command */
    size_t response_size;                  /* 0 until it arrived */
    char *tcti;
    const struct tpm_transport *transport; /* NULL until the first command */
    const char *address;                   /* what stands behind the colon in tcti */
    int descriptor;                        /* device and socket, -1 when closed */
    uint64_t descriptor_identity[2]; /* device and inode, to notice that the application closed it under us */
    void *tss_context;               /* other TCTIs, NULL when closed */
    void *tss_library;               /* of that TCTI, NULL before the first use; stays open */
    uint32_t last_rc;
    uint32_t failed_command;     /* whose result last_rc is, 0 for none */
    const char *failed_function; /* of include/tpm.h, NULL for none */
    struct tpm_loaded_objects loaded;
    struct timespec deadline;          /* of the response, where a transport needs one */
    EC_GROUP *groups[TPM_CURVE_COUNT]; /* made when first needed */
    struct tpm_stale_handles stale;
    unsigned timeout_seconds; /* of the running call; 0: the default of the transport */
    unsigned missing_hashes;  /* bit (1 << enum tpm_hash): this TPM refused it */
};

#endif
