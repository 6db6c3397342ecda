/* The text files that both programs read: the first byte of an input chooses token.conf ('1') or any file of
 * its form. */
#include <stdint.h>

#include "keyfile.h"
#include "token_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void keyfile_walk(const char *text, size_t size)
{
    const char *section, *key, *value;
    size_t line;
    struct keyfile *keyfile = keyfile_parse(text, size, &line);

    if (keyfile == NULL)
        return;
    for (size_t i = 0; keyfile_entry(keyfile, i, &section, &key, &value) != 0; i++)
        if (keyfile_get(keyfile, section, key) == NULL)
            __builtin_trap();
    keyfile_free(keyfile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct token_generation *generation;
    struct token_conf_hashes hashes;
    char why[256];

    if (size == 0)
        return 0;
    if (data[0] != '1')
        keyfile_walk((const char *)data + 1, size - 1);
    else if (token_conf_parse((const char *)data + 1, size - 1, &generation, &hashes, why, sizeof why) ==
             TOKEN_OK)
        token_generation_free(generation);
    return 0;
}
