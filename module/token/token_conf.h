/*
 * token.conf, its reading: text in, generation out. The format stands in token_directory.h. Sizes are checked
 * here and nowhere below; token_directory.c adds the certificates themselves.
 */
#ifndef TOKEN_CONF_H
#define TOKEN_CONF_H

#include "token_directory.h"

#define TOKEN_CONF_SHA256_SIZE 32

/* What token.conf says the certificate files hold: the device's at 0, the chain's from 1 on. */
struct token_conf_hashes {
    uint8_t sha256[1 + TOKEN_CHAIN_MAX][TOKEN_CONF_SHA256_SIZE];
};

/*
 * TOKEN_OK, TOKEN_MALFORMED or TOKEN_NO_MEMORY. On TOKEN_OK *ret_generation is the caller's; its certificates
 * have no value yet. ret_why (why_size bytes, at least 1) says what is wrong otherwise.
 */
enum token_status token_conf_parse(const char *text, size_t size, struct token_generation **ret_generation,
                                   struct token_conf_hashes *ret_hashes, char *ret_why, size_t why_size)
    __attribute__((warn_unused_result));

#endif
