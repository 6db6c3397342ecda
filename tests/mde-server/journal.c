#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server.h"
#include "text.h"

struct journal {
    char *directory;
    FILE *log;
    unsigned received; /* the number of the last message */
};

static char *path_make(const struct journal *journal, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", journal->directory, name) < 0)
        abort();
    return path;
}

static _Noreturn void journal_fail(const char *path)
{
    perror(path);
    exit(1);
}

/* The highest number among the messages that are there already. */
static unsigned received_count(const char *path)
{
    unsigned highest = 0;
    DIR *folder = opendir(path);
    if (!folder)
        journal_fail(path);
    const struct dirent *entry = NULL;
    while ((entry = readdir(folder))) {
        unsigned long number = strtoul(entry->d_name, NULL, 10);
        if (number > highest && number < 1000000)
            highest = (unsigned)number;
    }
    (void)closedir(folder);
    return highest;
}

struct journal *journal_open(const char *directory)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal || !(journal->directory = strdup(directory)))
        abort();
    char *received = path_make(journal, "received");
    if (mkdir(received, 0700) != 0 && errno != EEXIST)
        journal_fail(received);
    journal->received = received_count(received);
    free(received);
    char *log = path_make(journal, "log");
    journal->log = fopen(log, "ae");
    if (!journal->log)
        journal_fail(log);
    free(log);
    return journal;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    static const char *const names[] = {"port", "pid"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_make(journal, names[i]);
        (void)unlink(path);
        free(path);
    }
    (void)fclose(journal->log);
    free(journal->directory);
    free(journal);
}

/* The log is one line a request, whatever the request holds. */
static void line_write(FILE *log, const char *string)
{
    for (; *string; string++)
        (void)fputc((unsigned char)*string < 0x20 || *string == 0x7f ? ' ' : *string, log);
}

static void message_write(struct journal *journal, const struct request *request, const char *step)
{
    char name[64];
    (void)snprintf(name, sizeof name, "received/%03u-%s.xml", ++journal->received, step);
    char *path = path_make(journal, name);
    if (!text_file_write(path, request->body, request->body_size, 0600))
        journal_fail(path);
    free(path);
}

void journal_request_write(struct journal *journal, const struct request *request, const struct reply *reply)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm broken_down;
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &broken_down));
    (void)fprintf(journal->log, "%s %s ", stamp, request->method);
    line_write(journal->log, request->path);
    (void)fprintf(journal->log, " %u ", reply->status);
    if (*reply->step)
        (void)fprintf(journal->log, "%s: ", reply->step);
    line_write(journal->log, *reply->outcome ? reply->outcome : "served");
    (void)fputc('\n', journal->log);
    (void)fflush(journal->log);
    if (*reply->step && request->body_size > 0)
        message_write(journal, request, reply->step);
}

void journal_ready_write(struct journal *journal, unsigned port)
{
    char number[32];
    int size = snprintf(number, sizeof number, "%ld\n", (long)getpid());
    char *pid_path = path_make(journal, "pid");
    if (!text_file_write(pid_path, number, (size_t)size, 0644))
        journal_fail(pid_path);
    free(pid_path);
    size = snprintf(number, sizeof number, "%u\n", port);
    char *port_path = path_make(journal, "port");
    if (!text_file_write(port_path, number, (size_t)size, 0644))
        journal_fail(port_path);
    free(port_path);
}
