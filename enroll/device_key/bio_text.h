/* The text that OpenSSL's printers have put into a memory BIO. */
#ifndef ENROLL_INSTALL_BIO_TEXT_H
#define ENROLL_INSTALL_BIO_TEXT_H

#include <openssl/bio.h>

/* A NUL-terminated copy, malloc()ed; NULL when bio is NULL or memory is out. */
char *bio_text_copy(BIO *bio) __attribute__((warn_unused_result));

#endif
