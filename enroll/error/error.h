/*
 * What went wrong in intune-enroll: one structure for all of it. The message names the thing that failed and
 * why, the advice says what to do next; neither ever holds a secret. The exit statuses are documented in
 * intune-enroll(8).
 */
#ifndef ENROLL_ERROR_H
#define ENROLL_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum enroll_exit {
    ENROLL_OK = 0,
    ENROLL_FAILED = 1,          /* anything that has no status of its own */
    ENROLL_USAGE = 2,           /* the command line */
    ENROLL_CONFIGURATION = 3,   /* a configuration, profile, token or password file */
    ENROLL_TPM = 4,             /* no TPM, in use, locked out, or it cannot do what is asked */
    ENROLL_TOKEN_DIRECTORY = 5, /* unwritable, full, or not of this program's form */
    ENROLL_ALREADY = 6,         /* a valid enrolment is there: --replace */
    ENROLL_NOT_ENROLLED = 7,    /* no enrolment is there */
    ENROLL_UNREACHABLE = 10,    /* no such name, no connection, timed out */
    ENROLL_TLS = 11,            /* the server's certificate or TLS itself */
    ENROLL_PROTOCOL = 12, /* the server answers, but not as its protocol says: HTTP error, malformed answer */
    ENROLL_AUTHENTICATION = 13, /* the token or the user was not accepted, or none could be had */
    ENROLL_REFUSED = 14,        /* the server refused with a fault */
    ENROLL_POLICY = 15,         /* what the policy asks for cannot be done */
    ENROLL_CERTIFICATE = 16,    /* the certificate that came back is not acceptable */
    ENROLL_PENDING = 17,        /* the server decides later: enroll --resume */
    ENROLL_UNSAFE = 18,         /* refused for safety: redirect, plain http, other host */
    ENROLL_CANNOT_RENEW = 19,   /* enrol again */
    ENROLL_IN_PROGRESS = 20,    /* another intune-enroll is at work on this token */
    ENROLL_CANCELLED = 21,      /* by the user or a signal */
    ENROLL_UNHEALTHY = 22,      /* verify found something to mend */
    ENROLL_KEY_LOST = 23,       /* the TPM does not have the key any more */
};

/* HRESULTs that are ours to give; those of faults stand in mde/fault.c. */
#define HRESULT_CONNECTIVITY    0x80180010u
#define HRESULT_TLS_CERTIFICATE 0x80180012u
#define HRESULT_UNSAFE_REDIRECT 0x8018001au
#define HRESULT_CANCELLED       0x8018002au

struct enroll_error {
    enum enroll_exit exit_status;
    unsigned step;         /* of the protocol under way (protocol.h), set by whoever runs the steps */
    uint32_t hresult;      /* 0x801800xx of mde2, 0 when there is none */
    char message[768];     /* what failed and why, one sentence or two */
    char advice[512];      /* what to do next, may be empty */
    char server_text[512]; /* the server's own words, printable characters only, may be empty */
    char trace_id[128];    /* as the server gave them, may be empty */
    char activity_id[128];
};

/* Fills in *error (all but the server's own fields, which are cleared). Returns exit_status. */
enum enroll_exit enroll_error_set(struct enroll_error *error, enum enroll_exit exit_status,
                                  const char *advice, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for the one error that every function shares: no memory. Returns ENROLL_FAILED. */
enum enroll_exit enroll_error_memory(struct enroll_error *error);

/* Overwrites a secret that a server repeats, wherever it stands in the error's texts. NULL and what is
 * shorter than four bytes is none. */
void enroll_error_secret_cut(struct enroll_error *error, const char *secret);

/*
 * Makes one printable line of `size` bytes that a server sent: runs of blanks and control characters become
 * one blank, bytes outside ASCII a question mark. ret_printable takes capacity bytes, terminated.
 */
void enroll_text_print(const char *text, size_t size, char *ret_printable, size_t capacity);

#endif
