#include "mde-harness.h"
#include "public_key.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define START_SECONDS 30

static char directory[128];
static EVP_PKEY *keys[2]; /* RSA, EC: made once */
static EVP_PKEY *last_key;

static int entry_remove(const char *path, const struct stat *facts, int type, struct FTW *walk)
{
    (void)facts;
    (void)type;
    (void)walk;
    return remove(path);
}

static void directory_remove(void)
{
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
    nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static void file_write(const char *name, const char *text)
{
    FILE *file = fopen(harness_path(name), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fputc('\n', file) == '\n');
    assert_int_equal(fclose(file), 0);
}

const char *harness_directory(void)
{
    if (directory[0] == '\0') {
        const char *base = getenv("TMPDIR");

        umask(077);
        snprintf(directory, sizeof(directory), "%s/mde-protocol.XXXXXX", base != NULL ? base : "/tmp");
        assert_non_null(mkdtemp(directory));
        atexit(directory_remove);
        file_write("token", HARNESS_TOKEN);
        file_write("password", HARNESS_PASSWORD);
        file_write("wrong", "another-secret");
    }
    return directory;
}

const char *harness_path(const char *name)
{
    static char paths[3][256];
    static unsigned next;
    char *path = paths[next++ % 3];

    snprintf(path, sizeof(paths[0]), "%s/%s", harness_directory(), name);
    return path;
}

/* ---- the server ---- */

/* Discovery by name knows no port but 443: root gets that on an address of 127.0.0.0/8 that no other program
 * uses. */
static void listen_choose(struct mde_server *server, char ret_listen[48])
{
    unsigned pid = (unsigned)getpid();

    if (geteuid() == 0)
        snprintf(server->address, sizeof(server->address), "127.%u.%u.%u", 16 + (pid >> 16) % 200,
                 (pid >> 8) & 255, pid & 255);
    else
        snprintf(server->address, sizeof(server->address), "127.0.0.1");
    snprintf(ret_listen, 48, "%s:%u", server->address, geteuid() == 0 ? 443u : 0u);
}

static void server_execute(const char *listen, const char *const *arguments)
{
    const char *program = getenv("MDE_SERVER");
    const char *argv[64] = {program, "--directory", harness_directory(), "--listen",
                            listen,  "--host",      HARNESS_HOST};
    size_t count = 7;
    int log = open(harness_path("server.err"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    for (; arguments != NULL && *arguments != NULL && count < 63; arguments++)
        argv[count++] = *arguments;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (log >= 0)
        dup2(log, STDERR_FILENO);
    if (program != NULL)
        execv(program, (char *const *)(uintptr_t)argv);
    _exit(127);
}

void mde_server_start(struct mde_server *server, const char *const *arguments)
{
    char port_file[256], listen[48];
    int state;

    snprintf(port_file, sizeof(port_file), "%s", harness_path("port"));
    unlink(port_file);
    server->port = 0;
    listen_choose(server, listen);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        server_execute(listen, arguments);
    for (int i = 0; i < START_SECONDS * 100; i++) {
        FILE *file = fopen(port_file, "r");

        if (file != NULL) {
            if (fscanf(file, "%u", &server->port) != 1)
                server->port = 0;
            fclose(file);
        }
        if (server->port != 0)
            return;
        assert_int_equal(waitpid(server->pid, &state, WNOHANG), 0);
        poll(NULL, 0, 10);
    }
    fail_msg("mde-server did not start");
}

void mde_server_stop(struct mde_server *server)
{
    int state;

    assert_int_equal(kill(server->pid, SIGTERM), 0);
    assert_int_equal(waitpid(server->pid, &state, 0), server->pid);
    server->pid = 0;
    /* A sanitizer that complained, or a crash. */
    assert_true((WIFEXITED(state) && WEXITSTATUS(state) == 0) ||
                (WIFSIGNALED(state) && WTERMSIG(state) == SIGTERM));
}

/* ---- the client ---- */

static EVP_PKEY *key_make(enum tpm_key_type type)
{
    EVP_PKEY **key = &keys[type == TPM_KEY_EC];

    if (*key == NULL)
        *key = type == TPM_KEY_EC ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    assert_non_null(*key);
    return *key;
}

static enum enroll_exit request_make(void *context, const struct certificate_requirements *requirements,
                                     uint8_t **ret_request, size_t *ret_size, struct enroll_error *ret_error)
{
    struct harness_run *run = context;
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    int size;

    (void)ret_error;
    run->requests_made++;
    last_key = run->key != NULL ? run->key
                                : key_make(run->force_type != 0 ? run->force_type : requirements->key_type);
    assert_non_null(request);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_UTF8,
                                                (const unsigned char *)run->profile->values[ITEM_DEVICE_ID],
                                                -1, -1, 0),
                     1);
    assert_int_equal(X509_REQ_set_pubkey(request, last_key), 1);
    assert_true(X509_REQ_sign(request, last_key, EVP_sha256()) > 0);
    size = i2d_X509_REQ(request, &der);
    assert_true(size > 0);
    *ret_request = malloc((size_t)size);
    assert_non_null(*ret_request);
    memcpy(*ret_request, der, (size_t)size);
    *ret_size = (size_t)size;
    OPENSSL_free(der);
    X509_REQ_free(request);
    return ENROLL_OK;
}

static void progress(void *context, unsigned step, enum progress_state state, const char *text)
{
    struct harness_run *run = context;
    size_t size = strlen(run->notes);

    if (run->observe_progress != NULL)
        run->observe_progress(run->observe_context, step, state, text);
    assert_non_null(text);
    if (state == PROGRESS_NOTE || state == PROGRESS_WARNING)
        snprintf(run->notes + size, sizeof(run->notes) - size, "%s\n", text);
}

static bool confirm(void *context, const char *question)
{
    struct harness_run *run = context;

    run->questions++;
    snprintf(run->question, sizeof(run->question), "%s", question);
    return run->say_yes;
}

void harness_run_init(struct harness_run *run)
{
    static char token[256];

    snprintf(token, sizeof(token), "%s", harness_path("token"));
    *run = (struct harness_run){.address = HARNESS_ADDRESS, .auth = {0}};
    assert_true(credential_option_set(&run->auth, "token-file", token));
}

const char *harness_discovery_url(const struct mde_server *server, const char *host)
{
    static char url[256];

    if (server->port == 443)
        snprintf(url, sizeof(url), "https://%s/EnrollmentServer/Discovery.svc", host);
    else
        snprintf(url, sizeof(url), "https://%s:%u/EnrollmentServer/Discovery.svc", host, server->port);
    return url;
}

enum harness_kind { KIND_ENROLL, KIND_RESUME, KIND_RENEW };

static void harness_flow(struct harness_run *run, const struct mde_server *server, enum harness_kind kind,
                         const void *argument)
{
    static const char *const hosts[] = {HARNESS_HOST, "mdm.contoso.test", "mdm.fabrikam.test"};
    char resolve[6][160];
    const char *resolves[7] = {NULL};
    char ca_file[256];
    struct https_client_options client_options = {.ca_file = ca_file,
                                                  .resolve = resolves,
                                                  .timeout_seconds = run->timeout != 0 ? run->timeout : 20,
                                                  .observe = run->observe,
                                                  .observe_context = run->observe_context};
    struct flow_options options = {.address = run->address,
                                   .discovery_url = run->discovery_url,
                                   .request_version = run->request_version,
                                   .accept_redirects = run->accept_redirects,
                                   .auth = &run->auth,
                                   .token_type = run->token_type,
                                   .tpm_manufacturer = "IBM",
                                   .tpm_firmware = "8217.4131.22.13878",
                                   .stop_after_policy = run->stop_after_policy};
    const struct flow_callbacks callbacks = {
        .context = run, .progress = progress, .confirm = confirm, .make_request = request_make};

    snprintf(ca_file, sizeof(ca_file), "%s", harness_path("tls-ca.crt"));
    for (size_t i = 0; i < 3; i++) {
        snprintf(resolve[i], sizeof(resolve[i]), "%s:%u:%s", hosts[i], server->port, server->address);
        resolves[i] = resolve[i];
    }
    if (run->auth.confirm == NULL) {
        run->auth.context = run;
        run->auth.confirm = confirm;
    }
    if (run->profile == NULL)
        assert_int_equal(device_profile_read(NULL, NULL, &run->profile, &run->error), ENROLL_OK);
    options.profile = run->profile;
    run->status = https_client_new(&client_options, &options.client, &run->error);
    assert_int_equal(run->status, ENROLL_OK);
    run->status = kind == KIND_ENROLL ? flow_enroll(&options, &callbacks, &run->result, &run->error)
                  : kind == KIND_RESUME
                      ? flow_resume(&options, argument, &callbacks, &run->result, &run->error)
                      : flow_renew(&options, argument, &callbacks, &run->result, &run->error);
    https_client_free(options.client);
}

void harness_enroll(struct harness_run *run, const struct mde_server *server)
{
    harness_flow(run, server, KIND_ENROLL, NULL);
}

void harness_resume(struct harness_run *run, const struct mde_server *server,
                    const struct flow_pending *pending)
{
    harness_flow(run, server, KIND_RESUME, pending);
}

void harness_renew(struct harness_run *run, const struct mde_server *server,
                   const struct flow_renewal *renewal)
{
    harness_flow(run, server, KIND_RENEW, renewal);
}

enum enroll_exit harness_issued(const struct harness_run *run, struct issued_certificate *ret_issued,
                                struct enroll_error *ret_error)
{
    unsigned char *der = NULL;
    int size = i2d_PUBKEY(last_key, &der);
    enum enroll_exit status;

    assert_true(size > 0);
    assert_non_null(run->result.document);
    status = issued_certificate_choose(&run->result.document->received, der, (size_t)size, time(NULL),
                                       ret_issued, ret_error);
    OPENSSL_free(der);
    return status;
}

void harness_outcome(const struct issued_certificate *issued, struct attempt_outcome *ret_outcome)
{
    *ret_outcome = (struct attempt_outcome){.described = true};
    certificate_requirements_default(&ret_outcome->requirements);
    assert_true(record_set(&ret_outcome->now.record, RECORD_USER, HARNESS_ADDRESS));
    ret_outcome->now.generation = calloc(1, sizeof(*ret_outcome->now.generation));
    assert_non_null(ret_outcome->now.generation);
    ret_outcome->now.generation->has_certificate = true;
    assert_true(token_bytes_copy(issued->certificate->der, issued->certificate->size,
                                 &ret_outcome->now.generation->certificate.value));
}

void harness_run_clear(struct harness_run *run)
{
    if (run->status == ENROLL_OK)
        flow_result_free(&run->result);
    device_profile_free(run->profile);
    run->profile = NULL;
}

/* ---- what the server kept ---- */

static bool file_holds(const char *path, const char *text)
{
    static char content[256 * 1024];
    FILE *file = fopen(path, "r");
    size_t size;

    assert_non_null(file);
    size = fread(content, 1, sizeof(content) - 1, file);
    content[size] = '\0';
    fclose(file);
    return strstr(content, text) != NULL;
}

unsigned harness_received(const char *end, const char *text)
{
    DIR *received = opendir(harness_path("received"));
    unsigned count = 0;
    struct dirent *entry;

    assert_non_null(received);
    while ((entry = readdir(received)) != NULL) {
        size_t size = strlen(entry->d_name), end_size = strlen(end);
        char path[600];

        if (size < end_size || strcmp(entry->d_name + size - end_size, end) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", harness_path("received"), entry->d_name);
        if (text == NULL || file_holds(path, text))
            count++;
    }
    closedir(received);
    return count;
}

void harness_received_forget(void)
{
    DIR *received = opendir(harness_path("received"));
    struct dirent *entry;

    assert_non_null(received);
    while ((entry = readdir(received)) != NULL)
        assert_true(entry->d_name[0] == '.' || unlinkat(dirfd(received), entry->d_name, 0) == 0);
    closedir(received);
}
