#include "p11-load.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "p11-figures.h"

#define SAMPLES_MAX 100000 /* of one worker; more signatures than that are made, but not kept */

struct worker {
    const struct p11_client *client;
    uint64_t until;
    unsigned done, failed;
    uint64_t times[SAMPLES_MAX];
};

static void sign_until(struct worker *worker, CK_SESSION_HANDLE session)
{
    while (microseconds() < worker->until) {
        uint64_t start = microseconds();

        if (p11_client_sign(worker->client, session) != CKR_OK)
            worker->failed++;
        else if (worker->done < SAMPLES_MAX)
            worker->times[worker->done++] = microseconds() - start;
    }
}

static bool report(const char *kind, const struct worker *workers, unsigned count, unsigned seconds)
{
    size_t done = 0, n = 0;
    unsigned failed = 0;
    uint64_t *times;

    for (unsigned i = 0; i < count; i++) {
        done += workers[i].done;
        failed += workers[i].failed;
    }
    times = calloc(done + 1, sizeof *times);
    if (times == NULL)
        abort();
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < workers[i].done; k++)
            times[n++] = workers[i].times[k];
    figures_sort(times, done);
    printf("%s %u %zu %" PRIu64 " %" PRIu64 " %u\n", kind, count, done / seconds,
           done > 0 ? figures_quantile(times, done, 50) : 0, done > 0 ? figures_quantile(times, done, 99) : 0,
           failed);
    free(times);
    return failed == 0 && done > 0;
}

/* Shared, so that child processes can leave their figures here. */
static struct worker *make_workers(unsigned count)
{
    void *memory =
        mmap(NULL, count * sizeof(struct worker), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        abort();
    return memory;
}

static void *thread(void *argument)
{
    struct worker *worker = argument;
    CK_SESSION_HANDLE session;

    if (p11_client_session(worker->client, &session) == CKR_OK)
        sign_until(worker, session);
    else
        worker->failed++;
    return NULL;
}

static void start_client(struct p11_client *client, const struct p11_options *options)
{
    p11_client_load(client, options);
    p11_client_initialize(client);
    p11_client_open(client);
    p11_client_login(client);
    p11_client_search(client);
}

bool load_by_threads(const struct p11_options *options, unsigned workers, unsigned seconds)
{
    struct worker *list = make_workers(workers);
    pthread_t *threads = calloc(workers, sizeof *threads);
    struct p11_client client;
    uint64_t until;

    if (threads == NULL)
        abort();
    start_client(&client, options);
    until = microseconds() + seconds * UINT64_C(1000000);
    for (unsigned i = 0; i < workers; i++) {
        list[i].client = &client;
        list[i].until = until;
        if (pthread_create(&threads[i], NULL, thread, &list[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < workers; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    return report("threads", list, workers, seconds);
}

static void process(struct worker *worker, const struct p11_options *options, unsigned seconds)
{
    struct p11_client client;

    start_client(&client, options);
    worker->client = &client;
    worker->until = microseconds() + seconds * UINT64_C(1000000);
    sign_until(worker, client.session);
    p11_client_close(&client);
}

bool load_by_processes(const struct p11_options *options, unsigned workers, unsigned seconds)
{
    struct worker *list = make_workers(workers);
    bool all = true;
    int status;

    fflush(stdout);
    for (unsigned i = 0; i < workers; i++) {
        pid_t pid = fork();

        if (pid < 0)
            abort();
        if (pid == 0) {
            process(&list[i], options, seconds);
            _exit(0);
        }
    }
    while (wait(&status) > 0)
        all = all && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return report("processes", list, workers, seconds) && all;
}
