/*
 * The MDE2 test server's reading of requests: the first byte chooses the step, the rest is the message.
 * Everything behind HTTP is the server's own, with its authority and its answers.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"
#include "server.h"
#include "signature.h"
#include "soap.h"
#include "tokens.h"

#define HOST "EnterpriseEnrollment.contoso.test"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz-mde-server.XXXXXX";
static struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER};
static X509 *client_certificate;

static const struct {
    const char *path;
    request_handler *handler;
    enum auth_policy policy;
    const char *content_type;
} steps[] = {
    {"/EnrollmentServer/Discovery.svc", discovery_answer, AUTH_FEDERATED, SOAP_CONTENT_TYPE},
    {"/EnrollmentServer/Policy.svc", policies_answer, AUTH_FEDERATED, SOAP_CONTENT_TYPE},
    {"/EnrollmentServer/Policy.svc", policies_answer, AUTH_CERTIFICATE, SOAP_CONTENT_TYPE},
    {"/EnrollmentServer/Enrollment.svc", enrollment_answer, AUTH_FEDERATED, SOAP_CONTENT_TYPE},
    {"/EnrollmentServer/Enrollment.svc", enrollment_answer, AUTH_ON_PREMISE, SOAP_CONTENT_TYPE},
    {"/EnrollmentServer/Enrollment.svc", enrollment_answer, AUTH_CERTIFICATE, SOAP_CONTENT_TYPE},
    {"/common/oauth2/v2.0/devicecode", oauth_device_code_answer, AUTH_FEDERATED,
     "application/x-www-form-urlencoded"},
    {"/common/oauth2/v2.0/token", oauth_token_answer, AUTH_FEDERATED, "application/x-www-form-urlencoded"},
};

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static void end(void)
{
    X509_free(client_certificate);
    tokens_close(server.tokens);
    authority_close(server.authority);
    options_clear(&server.options);
    signature_stop();
    (void)nftw(directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    static char words[][24] = {"mde-server", "--directory", "--key", "ec", "--user", "alice@contoso.test"};
    char *arguments[] = {words[0], words[1], directory, words[2], words[3], words[4], words[5], NULL};
    int status = 0;
    if (!mkdtemp(directory) || !options_read(7, arguments, &server.options, &status) || !signature_start())
        abort();
    server.options.token = strdup("token");
    server.options.password = strdup("password");
    server.port = 443;
    server.authority = authority_open(&server.options);
    server.tokens = tokens_open(&server.options);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const struct modes none = {0};
    client_certificate = authority_certificate_issue(server.authority, key, "device", &none);
    EVP_PKEY_free(key);
    if (atexit(end) != 0)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || data[0] < '0' || data[0] >= '0' + (int)(sizeof steps / sizeof *steps))
        return -1;
    size_t step = (size_t)(data[0] - '0');
    struct text body = {0};
    struct text url = {0};
    text_bytes_append(&body, data + 1, size - 1);
    text_format(&url, "https://" HOST "%s", steps[step].path);
    server.options.policy = steps[step].policy;
    const struct request request = {
        .server = &server,
        .method = "POST",
        .path = steps[step].path,
        .url = url.data,
        .host = HOST,
        .content_type = steps[step].content_type,
        .has_length = true,
        .body = body.data,
        .body_size = body.size,
        .tls_certificate = client_certificate,
    };
    struct reply reply = {.status = 200};
    steps[step].handler(&request, &reply);
    if (!reply.body.data || reply.body.size == 0)
        abort(); /* every message has an answer */
    text_clear(&reply.body);
    text_clear(&reply.location);
    text_clear(&reply.retry_after);
    text_clear(&body);
    text_clear(&url);
    return 0;
}
