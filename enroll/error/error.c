#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
