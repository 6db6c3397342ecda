/* device.crt and chain.crt: the strict PEM reader, and the encodings that token.conf uses, there and back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "encoding.h"
#include "token_directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes has one encoding only: encoding it again gives the same text. */
static void check_base64(const char *text, size_t size)
{
    uint8_t decoded[TOKEN_CERTIFICATE_MAX];
    char encoded[TOKEN_CERTIFICATE_MAX / 3 * 4 + 8];
    size_t decoded_size;
    if (!base64_decode(text, size, decoded, sizeof decoded, &decoded_size))
        return;
    base64_encode(decoded, decoded_size, encoded);
    if (strlen(encoded) != size || memcmp(encoded, text, size) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t der[TOKEN_CERTIFICATE_MAX];
    size_t der_size;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    const char *cursor = text;
    while (pem_certificate_next(&cursor, text + size, der, sizeof der, &der_size))
        if (der_size == 0 || der_size > sizeof der)
            abort();
    check_base64(text, size);
    if (hex_decode(text, der, sizeof der, &der_size) && der_size > sizeof der)
        abort();
    free(text);
    return 0;
}
