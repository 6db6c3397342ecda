/*
 * intune-server: Intune's service for Linux devices, for tests, with its own certification authority. One
 * host stands for Microsoft Graph, the two Linux services and IWService.
 *
 *   intune-server --directory DIR [--host NAME] [--listen ADDRESS] [--port N] [--renew-period DAYS]
 * [--validity DAYS]
 *                 [--policies FILE] [--mode NAME=VALUE[,at=STEP][,status=N][,times=N][,seconds=N]]...
 *   intune-server --list-modes
 *
 * It is strict: paths, query parameters, tokens, the request's form and every member of a message are
 * checked, and what is wrong is refused with the status and in the shape that the real service has. DIR
 * holds, made at the first start:
 *
 *   tls-ca.crt     the authority of its HTTPS certificate, which covers --host, localhost, 127.0.0.1 and
 * [::1] client-ca.crt  the root of the certificates it issues; chain.crt the intermediate token.key      what
 * bearer tokens must be signed with (intune-token, or the broker's --token-key) devices/       a JSON file
 * for each enrolled device: the registered device it belongs to, details, statuses issued/        each
 * certificate; received/NNN-STEP.json each message; log a line a request port, pid      while it serves; port
 * appears when it is ready
 *
 * Steps: endpoints, enroll, details, policies, status, compliance, retire.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <microhttpd.h>
#include <openssl/evp.h>

#include "authority.h"
#include "policy_set.h"
#include "service.h"

/* The key that an authority and identity are made for. */
static const struct key_demand rsa_demand = {"rsa", false, 2048, NULL, "1.2.840.113549.1.1.1", "RSA"};

static void file_path(const struct service *service, const char *name, char ret_path[512])
{
    (void)snprintf(ret_path, 512, "%s/%s", service->directory, name);
}

static bool directory_make(const struct service *service, const char *name)
{
    char path[512];
    file_path(service, name, path);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    perror(path);
    return false;
}

static bool number_read(const char *text, unsigned long most, unsigned *ret_number)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end != '\0' || number > most)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static bool option_take(struct service *service, int option, const char *value, const char **ret_policies)
{
    struct options *options = &service->options;
    switch (option) {
    case 'd':
        service->directory = options->directory = value;
        return true;
    case 'h':
        options->host = value;
        return true;
    case 'l':
        return snprintf(options->listen_address, sizeof(options->listen_address), "%s", value) > 0;
    case 'p':
        return number_read(value, 65535, &options->listen_port);
    case 'r':
        return number_read(value, 36500, &service->renew_period);
    case 'v':
        return number_read(value, 36500, &options->validity);
    case 'f':
        *ret_policies = value;
        return true;
    case 'm':
        return behaviour_mode_add(&service->behaviour, value);
    default:
        return false;
    }
}

/* False with *ret_status when the program shall end. */
static bool options_take(int argc, char **argv, struct service *service, const char **ret_policies,
                         int *ret_status)
{
    static const struct option long_options[] = {
        {"directory", required_argument, NULL, 'd'}, {"host", required_argument, NULL, 'h'},
        {"listen", required_argument, NULL, 'l'},    {"port", required_argument, NULL, 'p'},
        {"policies", required_argument, NULL, 'f'},  {"renew-period", required_argument, NULL, 'r'},
        {"validity", required_argument, NULL, 'v'},  {"mode", required_argument, NULL, 'm'},
        {"list-modes", no_argument, NULL, 'L'},      {NULL, 0, NULL, 0},
    };
    int option = 0;
    *ret_status = 2;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == 'L') {
            behaviour_modes_print(stdout);
            *ret_status = 0;
            return false;
        }
        if (!option_take(service, option, optarg, ret_policies))
            return false;
    }
    if (service->directory != NULL && optind == argc)
        return true;
    (void)fputs("usage: intune-server --directory DIR [OPTION]...\n", stderr);
    return false;
}

/* The certificates that only a faulty authority issues are tests/mde-server's modes. */
static bool certificate_modes_add(struct service *service)
{
    static const char *const modes[] = {"other-key", "ca", "expired", "not-yet-valid"};
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char argument[64];
        (void)snprintf(argument, sizeof(argument), "certificate=%s", modes[i]);
        if (behaviour_is(&service->behaviour, "certificate", modes[i]) &&
            !modes_argument_add(&service->options.modes, argument))
            return false;
    }
    return true;
}

static bool service_open(struct service *service, const char *policies)
{
    char path[512];
    struct options *options = &service->options;
    const char *domain = strchr(options->host, '.');
    (void)snprintf(options->domain, sizeof(options->domain), "%s",
                   domain != NULL ? domain + 1 : options->host);
    if ((mkdir(service->directory, 0700) != 0 && errno != EEXIST) || !directory_make(service, "devices") ||
        !directory_make(service, "received") || !certificate_modes_add(service))
        return false;
    service->authority = authority_open(options);
    file_path(service, "token.key", path);
    service->token_key = jwt_key_open(path);
    service->policies = policy_set_make(policies, &service->behaviour);
    file_path(service, "log", path);
    service->log = fopen(path, "ae");
    return service->policies != NULL && service->log != NULL;
}

static void service_close(struct service *service)
{
    authority_close(service->authority);
    EVP_PKEY_free(service->token_key);
    json_object_put(service->policies);
    if (service->log != NULL)
        (void)fclose(service->log);
}

static bool ready_write(const struct service *service)
{
    char path[512];
    char number[32];
    file_path(service, "pid", path);
    int size = snprintf(number, sizeof(number), "%ld\n", (long)getpid());
    if (!text_file_write(path, number, (size_t)size, 0644))
        return false;
    file_path(service, "port", path);
    size = snprintf(number, sizeof(number), "%u\n", service->port);
    return text_file_write(path, number, (size_t)size, 0644);
}

static void ready_remove(const struct service *service)
{
    char path[512];
    file_path(service, "port", path);
    (void)unlink(path);
    file_path(service, "pid", path);
    (void)unlink(path);
}

/* Until SIGTERM or SIGINT. */
static bool serve(struct service *service, const sigset_t *signals)
{
    struct MHD_Daemon *daemon = NULL;
    int number = 0;
    if (!listener_start(service, &daemon))
        return false;
    bool ready = ready_write(service);
    while (ready && sigwait(signals, &number) != 0)
        ;
    ready_remove(service);
    MHD_stop_daemon(daemon);
    return ready;
}

int main(int argc, char **argv)
{
    struct service service = {
        .options = {.listen_address = "127.0.0.1",
                    .host = "intune.test",
                    .key = &rsa_demand,
                    .chain = 1,
                    .validity = 365},
        .renew_period = 181,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    const char *policies = NULL;
    int status = 0;
    if (!options_take(argc, argv, &service, &policies, &status))
        return status;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by the threads: only sigwait takes them */
    (void)signal(SIGPIPE, SIG_IGN);
    status = service_open(&service, policies) && serve(&service, &signals) ? 0 : 1;
    service_close(&service);
    return status;
}
