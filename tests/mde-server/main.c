/*
 * mde-server: an MDM server for tests, as MS-MDE2 has it, with its own certification authority.
 *
 * It is strict: a message that lacks what the specification demands is refused with the SOAP fault the
 * specification names, which says what is missing. It knows nothing of the client's sources. Its directory
 * holds, made at the first start and used again afterwards:
 *
 *   tls-ca.crt     the authority of its own HTTPS certificate, which covers --host, localhost, 127.0.0.1,
 *                  [::1], mdm.fabrikam.test, and EnterpriseEnrollment.DOMAIN and mdm.DOMAIN, where DOMAIN
 *                  is --host without its first label
 *   client-ca.crt  the root of the certificates it issues; chain.crt the intermediates, their issuer first
 *   issued/        each certificate it issued, by serial number
 *   received/      each message: NNN-discover.xml, NNN-policy.xml, NNN-issue.xml, -renew.xml, -query.xml
 *   log            a line a request: time, method, path, HTTP status, step, outcome
 *   port, pid      while it serves; port appears when it is ready
 *   user.crt, user.key  with --policy Certificate: what somebody who has a certificate enrols with
 *
 * Paths: GET and POST /EnrollmentServer/Discovery.svc (POST /api/mdm/microsoft/discovery too), POST
 * /EnrollmentServer/Policy.svc and /EnrollmentServer/Enrollment.svc, GET
 * /EnrollmentServer/Authenticate?appru=... (the federated page), POST /TENANT/oauth2/v2.0/devicecode and
 * /TENANT/oauth2/v2.0/token (OAuth 2 device code; without v2.0/ the first version of these).
 *
 * Modes: --mode NAME=VALUE, any number of them; --list-modes prints all. After a comma words say more:
 *
 *   at=probe|discover|policy|issue|renew|query   the step it happens at
 *   status=NNN                                   HTTP status of a fault, redirect or attack
 *   times=N                                      only the first N times
 *   seconds=N                                    Retry-After of http-status; pause of slow-drip and stall
 *   case=lower, prefix=NAME                      how a fault is written
 *
 * Examples:
 *
 *   --mode fault=DeviceCapReached,status=200,case=lower
 *   --mode attack=megabytes,at=issue
 *   --mode http-status=503,seconds=1,times=1,at=policy
 *   --mode deviation=whitespace --mode pending=2
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <errno.h>

#include <libxml/parser.h>
#include <openssl/x509.h>

#include "authority.h"
#include "certificate.h"
#include "delivery.h"
#include "http.h"
#include "identity.h"
#include "journal.h"
#include "raw.h"
#include "server.h"
#include "signature.h"
#include "tokens.h"

static bool directory_make(const char *directory)
{
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        perror(directory);
        return false;
    }
    return true;
}

/* The certificate with which somebody who holds one already enrols. */
static void user_certificate_make(const struct server *server)
{
    const char *directory = server->options.directory;
    char *certificate_path = NULL;
    char *key_path = NULL;
    if (asprintf(&certificate_path, "%s/user.crt", directory) < 0 ||
        asprintf(&key_path, "%s/user.key", directory) < 0)
        abort();
    X509 *certificate = certificate_file_read(certificate_path);
    if (!certificate) {
        const struct modes none = {0};
        EVP_PKEY *key = certificate_key_make(false);
        certificate = authority_certificate_issue(server->authority, key, "alice@contoso.test", &none);
        certificate_key_file_write(key_path, key);
        certificate_file_write(certificate_path, certificate);
        EVP_PKEY_free(key);
    }
    X509_free(certificate);
    free(certificate_path);
    free(key_path);
}

static void end_wait(const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number) != 0)
        ;
}

static bool serve(struct server *server, const sigset_t *signals)
{
    struct identity identity = {0};
    struct http *http = NULL;
    struct raw *raw = NULL;
    identity_make(&server->options, &identity);
    const char *raw_mode = modes_value(&server->options.modes, "raw");
    if (raw_mode)
        raw = raw_start(server, &identity, raw_mode);
    else
        http = http_start(server, &identity);
    identity_clear(&identity);
    if (!http && !raw)
        return false;
    journal_ready_write(server->journal, server->port);
    end_wait(signals);
    delivery_stop();
    http_stop(http);
    raw_stop(raw);
    return true;
}

int main(int argc, char **argv)
{
    struct server server = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int status = 0;
    if (!options_read(argc, argv, &server.options, &status))
        return status;
    if (!directory_make(server.options.directory)) {
        options_clear(&server.options);
        return 1;
    }
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* inherited by the threads: only end_wait takes them */
    (void)signal(SIGPIPE, SIG_IGN);
    xmlInitParser();
    if (!signature_start()) {
        (void)fputs("mde-server: xmlsec does not start\n", stderr);
        options_clear(&server.options);
        return 1;
    }
    server.authority = authority_open(&server.options);
    server.journal = journal_open(server.options.directory);
    server.tokens = tokens_open(&server.options);
    if (server.options.policy == AUTH_CERTIFICATE)
        user_certificate_make(&server);
    status = serve(&server, &signals) ? 0 : 1;
    tokens_close(server.tokens);
    journal_close(server.journal);
    authority_close(server.authority);
    options_clear(&server.options);
    signature_stop();
    xmlCleanupParser();
    return status;
}
