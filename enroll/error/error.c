#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECRET_SIZE_MIN 4
#define SECRET_HEAD     16

enum enroll_exit enroll_error_set(struct enroll_error *error, enum enroll_exit exit_status,
                                  const char *advice, const char *format, ...)
{
    va_list arguments;

    memset(error, 0, sizeof(*error));
    error->exit_status = exit_status;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof(error->message), format, arguments);
    va_end(arguments);
    if (advice != NULL)
        snprintf(error->advice, sizeof(error->advice), "%s", advice);
    return exit_status;
}

enum enroll_exit enroll_error_memory(struct enroll_error *error)
{
    return enroll_error_set(error, ENROLL_FAILED, NULL, "this process ran out of memory");
}

void enroll_error_secret_cut(struct enroll_error *error, const char *secret)
{
    char *const texts[] = {error->message, error->advice, error->server_text, error->trace_id,
                           error->activity_id};
    char head[SECRET_HEAD + 1];
    size_t size = secret != NULL ? strlen(secret) : 0;

    if (size < SECRET_SIZE_MIN)
        return;
    /* By its beginning: the texts are shorter than a token. */
    snprintf(head, sizeof(head), "%s", secret);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        for (char *found = texts[i]; (found = strstr(found, head)) != NULL;)
            for (size_t n = 0; n < size && *found == secret[n]; n++)
                *found++ = '*';
    memset(head, 0, sizeof(head));
}

void enroll_text_print(const char *text, size_t size, char *ret_printable, size_t capacity)
{
    size_t length = 0;
    bool blank = true;

    /* Whatever a server sends ends on a terminal or in a log: no control characters, no escape sequences, one
     * line. */
    for (size_t i = 0; i < size && length + 1 < capacity; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c <= ' ' || c == 0x7f) {
            if (!blank)
                ret_printable[length++] = ' ';
            blank = true;
            continue;
        }
        ret_printable[length++] = c < 0x80 ? (char)c : '?';
        blank = false;
    }
    if (length > 0 && ret_printable[length - 1] == ' ')
        length--;
    ret_printable[length] = '\0';
}
