/* What --trace makes of a message: the first byte chooses the kind; a known secret is never in it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trace_redact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/soap+xml", "application/json",
                                        "application/x-www-form-urlencoded", NULL};
    static const char request[] =
        "<Envelope><Security><UsernameToken><Password>SECRETSECRET</Password></UsernameToken></Security>"
        "</Envelope>";
    struct trace_secrets secrets = {0};
    struct trace_text text = {0};

    if (size == 0 ||
        !trace_text_make(&secrets, types[0], (const uint8_t *)request, sizeof(request) - 1, &text))
        return 0;
    trace_text_clear(&text);
    if (trace_text_make(&secrets, types[data[0] % 4], data + 1, size - 1, &text)) {
        if (strstr(text.text, "SECRETSECRET") != NULL ||
            (text.document != NULL && strstr(text.document, "SECRETSECRET") != NULL))
            abort();
        trace_text_clear(&text);
    }
    trace_secrets_clear(&secrets);
    return 0;
}
