/*
 * What a PKCS #11 module costs, one line a figure: "NAME MICROSECONDS SENT EXECUTED". With --record, the
 * record of tpm-proxy, SENT is how many TPM commands this process sent in that phase and EXECUTED how many
 * the chip ran for it.
 *
 *   p11-bench phases    [OPTION...]   load, initialize, open, login, search, first and later signatures,
 * random, close p11-bench once      [OPTION...]   a whole process that makes one signature and ends without
 * C_Finalize p11-bench threads   [OPTION...]   signatures by --workers threads, each with a session of its
 * own p11-bench processes [OPTION...]   signatures by --workers processes
 *
 *   --module PATH  --pin PIN  --token LABEL  --key rsa|ec  --pss  --count N  --seconds N  --workers N
 * --record FILE
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "p11-client.h"
#include "p11-figures.h"
#include "p11-load.h"

static const char *record;
static unsigned count = 20;

/* How many lines of the record are this process's: sent by it, and all that the chip executed for it. */
static void commands_count(unsigned *ret_sent, unsigned *ret_executed)
{
    char line[256], origin[16];
    FILE *file;
    int pid;

    *ret_sent = *ret_executed = 0;
    if (record == NULL)
        return;
    file = fopen(record, "re");
    if (file == NULL) {
        perror(record);
        exit(1);
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "%d %*s %15s", &pid, origin) != 2 || pid != getpid())
            continue;
        *ret_sent += strcmp(origin, "sent") == 0;
        *ret_executed += 1;
    }
    fclose(file);
}

static void phase(struct p11_client *client, const char *name, void (*function)(struct p11_client *))
{
    unsigned sent[2], executed[2];
    uint64_t start, end;

    commands_count(&sent[0], &executed[0]);
    start = microseconds();
    function(client);
    end = microseconds();
    commands_count(&sent[1], &executed[1]);
    printf("%s %" PRIu64 " %u %u\n", name, end - start, sent[1] - sent[0], executed[1] - executed[0]);
}

static void sign(struct p11_client *client)
{
    CK_RV rv = p11_client_sign(client, client->session);

    if (rv != CKR_OK) {
        fprintf(stderr, "p11-bench: C_Sign: 0x%lx\n", rv);
        exit(1);
    }
}

static void generate_random(struct p11_client *client)
{
    unsigned char bytes[32];

    /* A token without a generator says so; that is an answer too. */
    (void)client->functions->C_GenerateRandom(client->session, bytes, sizeof bytes);
}

/* The median time of the later signatures; the number of commands is that of the last, all are alike. */
static void later_signatures(struct p11_client *client)
{
    uint64_t *times = calloc(count, sizeof *times);
    unsigned sent[2], executed[2];

    if (times == NULL)
        abort();
    for (unsigned i = 0; i < count; i++) {
        uint64_t start;

        commands_count(&sent[0], &executed[0]);
        start = microseconds();
        sign(client);
        times[i] = microseconds() - start;
        commands_count(&sent[1], &executed[1]);
    }
    figures_sort(times, count);
    printf("later %" PRIu64 " %u %u\n", figures_quantile(times, count, 50), sent[1] - sent[0],
           executed[1] - executed[0]);
    free(times);
}

static void phases(const struct p11_options *options)
{
    struct p11_client client;
    uint64_t start;

    printf("memory_alone %u 0 0\n", resident_kilobytes());
    start = microseconds();
    p11_client_load(&client, options);
    printf("load %" PRIu64 " 0 0\n", microseconds() - start);
    printf("memory_loaded %u 0 0\n", resident_kilobytes());
    phase(&client, "initialize", p11_client_initialize);
    phase(&client, "open", p11_client_open);
    phase(&client, "login", p11_client_login);
    phase(&client, "search", p11_client_search);
    phase(&client, "search_again", p11_client_search);
    phase(&client, "first", sign);
    later_signatures(&client);
    phase(&client, "random", generate_random);
    phase(&client, "close", p11_client_close);
    printf("memory_peak %u 0 0\n", peak_kilobytes());
    printf("libraries %u 0 0\n", mapped_libraries());
}

static void once(const struct p11_options *options)
{
    struct p11_client client;

    p11_client_load(&client, options);
    p11_client_initialize(&client);
    p11_client_open(&client);
    p11_client_login(&client);
    p11_client_search(&client);
    sign(&client);
}

static void hold(const struct p11_options *options)
{
    once(options);
    puts("ready");
    fflush(stdout);
    pause();
}

static void usage(void)
{
    fputs(
        "usage: p11-bench phases|once|hold|threads|processes --module PATH --key rsa|ec [--pss] [--pin PIN] "
        "[--token LABEL]\n"
        "       [--count N] [--seconds N] [--workers N] [--record FILE]\n",
        stderr);
    exit(2);
}

static unsigned number(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value == 0 || value > 1000000)
        usage();
    return (unsigned)value;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"module", required_argument, NULL, 'm'},  {"pin", required_argument, NULL, 'p'},
        {"token", required_argument, NULL, 't'},   {"key", required_argument, NULL, 'k'},
        {"pss", no_argument, NULL, 's'},           {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 'S'}, {"workers", required_argument, NULL, 'w'},
        {"record", required_argument, NULL, 'r'},  {NULL, 0, NULL, 0},
    };
    struct p11_options options = {.key_type = CKK_EC};
    unsigned workers = 1, seconds = 2;
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'm':
            options.module = optarg;
            break;
        case 'p':
            options.pin = optarg;
            break;
        case 't':
            options.token = optarg;
            break;
        case 'k':
            options.key_type = strcmp(optarg, "rsa") == 0 ? CKK_RSA : CKK_EC;
            break;
        case 's':
            options.pss = true;
            break;
        case 'c':
            count = number(optarg);
            break;
        case 'S':
            seconds = number(optarg);
            break;
        case 'w':
            workers = number(optarg);
            break;
        case 'r':
            record = optarg;
            break;
        default:
            usage();
        }
    }
    if (optind + 1 != argc || options.module == NULL)
        usage();
    if (strcmp(argv[optind], "phases") == 0)
        phases(&options);
    else if (strcmp(argv[optind], "once") == 0)
        once(&options);
    else if (strcmp(argv[optind], "hold") == 0)
        hold(&options);
    else if (strcmp(argv[optind], "threads") == 0)
        return load_by_threads(&options, workers, seconds) ? 0 : 1;
    else if (strcmp(argv[optind], "processes") == 0)
        return load_by_processes(&options, workers, seconds) ? 0 : 1;
    else
        usage();
    return 0;
}
