#include "tokens.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "options.h"
#include "text.h"

struct tokens {
    char *given; /* of --token-file, NULL for none */
    char *path;
    struct text issued; /* one a line */
};

struct tokens *tokens_open(const struct options *options)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens || asprintf(&tokens->path, "%s/tokens", options->directory) < 0)
        abort();
    if (options->token && !(tokens->given = strdup(options->token)))
        abort();
    char *issued = text_file_read(tokens->path, NULL);
    text_append(&tokens->issued, issued ? issued : "");
    free(issued);
    return tokens;
}

void tokens_close(struct tokens *tokens)
{
    if (!tokens)
        return;
    free(tokens->given);
    free(tokens->path);
    text_clear(&tokens->issued);
    free(tokens);
}

static bool same(const char *known, size_t known_size, const void *token, size_t size)
{
    return known_size == size && CRYPTO_memcmp(known, token, size) == 0;
}

bool tokens_accept(const struct tokens *tokens, const void *token, size_t size)
{
    if (tokens->given && same(tokens->given, strlen(tokens->given), token, size))
        return true;
    for (const char *line = tokens->issued.data; *line;) {
        const char *end = strchrnul(line, '\n');
        if (same(line, (size_t)(end - line), token, size))
            return true;
        line = *end ? end + 1 : end;
    }
    return false;
}

char *tokens_issue(struct tokens *tokens, const char *user, const char *audience, bool remembered)
{
    static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"RS256\",\"kid\":\"mde2-test\"}";
    char identifier[37];
    char signature[41];
    text_random_uuid(identifier);
    text_random_hex(20, signature);
    struct text claims = {0};
    text_append(&claims, "{\"aud\":\"");
    text_json_append(&claims, audience);
    text_format(
        &claims,
        "\",\"iss\":\"https://sts.test/\",\"exp\":%lld,\"scp\":\"mdm_delegation\",\"tid\":\"%s\",\"upn\":\"",
        (long long)time(NULL) + 3600, identifier);
    text_json_append(&claims, user);
    text_append(&claims, "\",\"unique_name\":\"");
    text_json_append(&claims, user);
    text_append(&claims, "\"}");
    struct text token = {0};
    text_base64url_append(&token, header, sizeof header - 1);
    text_append(&token, ".");
    text_base64url_append(&token, claims.data, claims.size);
    text_append(&token, ".");
    text_base64url_append(&token, signature, strlen(signature));
    text_clear(&claims);
    if (remembered) {
        text_format(&tokens->issued, "%s\n", token.data);
        if (!text_file_write(tokens->path, tokens->issued.data, tokens->issued.size, 0600))
            perror(tokens->path);
    }
    return token.data;
}
