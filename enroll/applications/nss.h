/*
 * The user's own NSS database (~/.pki/nssdb), where Chromium looks for PKCS #11 modules. Read as text
 * (pkcs11.txt) and changed with NSS's own modutil and certutil, run without a shell.
 */
#ifndef ENROLL_APPLICATIONS_NSS_H
#define ENROLL_APPLICATIONS_NSS_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Where it is for this user; false when HOME is not set or too long. */
bool nss_directory(char *ret_path, size_t size) __attribute__((warn_unused_result));

/* Makes the directory, the user's alone, where there is none. */
enum enroll_exit nss_directory_make(const char *directory, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* The library that our name stands for in the database; *ret_library is malloc()ed, NULL when it is not
 * registered. */
enum enroll_exit nss_registered(const char *directory, char **ret_library, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

/* Registers library under our name, in place of what had it; makes an empty database where there is none, in
 * the directory that is there. */
enum enroll_exit nss_register(const char *directory, const char *library, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

enum enroll_exit nss_unregister(const char *directory, struct enroll_error *ret_error)
    __attribute__((warn_unused_result));

#endif
