#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_once_t configured = PTHREAD_ONCE_INIT;
static char file_name[1024]; /* written once, before any other thread can be told that there is a log */

static void configure(void)
{
    const char *name = secure_getenv("INTUNE_TPM_LOG");
    if (name != NULL && strlen(name) < sizeof file_name)
        memcpy(file_name, name, strlen(name) + 1);
}

void log_configure(void)
{
    pthread_once(&configured, configure);
}

void log_line(const char *format, ...)
{
    char line[512];
    struct tm now;
    va_list arguments;

    if (file_name[0] == '\0')
        return;
    int saved_errno = errno;
    time_t seconds = time(NULL);
    gmtime_r(&seconds, &now);
    size_t length = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%SZ ", &now);
    length +=
        (size_t)snprintf(line + length, sizeof line - length, "intune-tpm-pkcs11[%ld]: ", (long)getpid());
    va_start(arguments, format);
    int text = vsnprintf(line + length, sizeof line - length - 1, format, arguments);
    va_end(arguments);
    if (text > 0)
        length += (size_t)text < sizeof line - length - 1 ? (size_t)text : sizeof line - length - 2;
    line[length++] = '\n';

    /* opened for each line: no descriptor is left in the application, and one write keeps lines whole */
    int descriptor =
        open(file_name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, 0600);
    if (descriptor >= 0) {
        ssize_t written = write(descriptor, line, length);
        (void)written; /* a log that cannot be written must not change what the module answers */
        close(descriptor);
    }
    errno = saved_errno;
}
