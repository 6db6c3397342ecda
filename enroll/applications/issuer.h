/* Whom the browsers are told to look for: the issuer of the device's certificate. */
#ifndef ENROLL_APPLICATIONS_ISSUER_H
#define ENROLL_APPLICATIONS_ISSUER_H

#include "token_directory.h"

/* The common name of the certificate's issuer, UTF-8, malloc()ed; NULL when there is no certificate or it has
 * none. */
char *issuer_common_name(const struct token_generation *generation) __attribute__((warn_unused_result));

/* The same of the token that applications find. */
char *issuer_common_name_found(void) __attribute__((warn_unused_result));

#endif
