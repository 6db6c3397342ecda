#include "modes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mode_row {
    const char *name;
    const char *value; /* NULL: any value, what it means is in the text */
    const char *text;
};

/* Where a mode belongs to a step, at=probe|discover|policy|issue|renew|query chooses another one than named
 * here. */
static const struct mode_row mode_rows[] = {
    /* Faults: at the issue step unless at= says otherwise; status=, case=lower, prefix=, times= */
    {"fault", "MessageFormat", "subcode s:MessageFormat"},
    {"fault", "Authentication", "subcode s:Authentication"},
    {"fault", "FailedAuthentication", "subcode s:FailedAuthentication"},
    {"fault", "Authorization", "subcode s:Authorization"},
    {"fault", "CertificateRequest", "subcode s:CertificateRequest"},
    {"fault", "CertificateAuthority", "subcode s:CertificateAuthority"},
    {"fault", "EnrollmentServer", "subcode s:EnrollmentServer"},
    {"fault", "InternalServiceFault", "subcode a:InternalServiceFault"},
    {"fault", "InternalServerFault", "subcode s:InternalServerFault"},
    {"fault", "InvalidSecurity", "subcode a:InvalidSecurity"},
    {"fault", "DeviceCapReached", "detail ErrorType DeviceCapReached"},
    {"fault", "DeviceNotSupported", "detail ErrorType DeviceNotSupported"},
    {"fault", "NotSupported", "detail ErrorType NotSupported"},
    {"fault", "NotEligibleToRenew", "detail ErrorType NotEligibleToRenew"},
    {"fault", "InMaintenance", "detail ErrorType InMaintenance"},
    {"fault", "UserLicense", "detail ErrorType UserLicense"},
    {"fault", "InvalidEnrollmentData", "detail ErrorType InvalidEnrollmentData"},
    {"fault", "CustomServerError", "detail ErrorType CustomServerError, the reason's text is for the user"},
    {"fault", "Unknown", "a subcode that no table knows"},
    {"fault-detail", "ca", "the fault's detail is a certification authority's CertificateEnrollmentWSDetail"},
    {"fault-detail", "registration", "the fault's detail is a WindowsDeviceEnrollmentServiceError"},
    {"fault-detail", "none", "the fault has no detail; the name is in the subcode"},
    /* Deviations in the envelope */
    {"deviation", "whitespace", "white space around Action, RelatesTo, URLs, TokenType and base64"},
    {"deviation", "quoted-token", "quote characters around the base64 of the provisioning document"},
    {"deviation", "action-without-namespace", "<Action> in no namespace"},
    {"deviation", "no-xsi", "xsi:nil without a declaration of xsi in the policies"},
    {"deviation", "undeclared-prefix", "the undeclared prefix xcep: in the policies"},
    {"deviation", "nil-values", "xsi:nil=true for most values of the policies"},
    {"deviation", "case-cas", "cAS where the specification says cAs"},
    {"deviation", "fixed-timestamp",
     "the Timestamp 2018-11-30 to 2018-12-30 in the answer to the token request"},
    {"deviation", "soap11", "answers in the SOAP 1.1 envelope namespace"},
    {"deviation", "relates-to", "RelatesTo that does not match the MessageID"},
    {"deviation", "namespace-slash", "a slash at the end of the discovery namespace"},
    {"deviation", "probe-body", "the GET probe is answered with a URL as text"},
    {"deviation", "content-type-parameter", "application/soap+xml with action= and unusual case"},
    {"deviation", "byte-order-mark", "a UTF-8 byte order mark before the answers"},
    /* Deviations in the answer to Discover */
    {"deviation", "no-policy-url", "no EnrollmentPolicyServiceUrl"},
    {"deviation", "nil-policy-url", "EnrollmentPolicyServiceUrl nil"},
    {"deviation", "no-authentication-url", "Federated without AuthenticationServiceUrl"},
    {"deviation", "no-enrollment-version", "no EnrollmentVersion"},
    {"deviation", "discover-order", "elements in another order, and some that nobody knows"},
    {"deviation", "no-auth-policy", "no AuthPolicy (mandatory)"},
    {"deviation", "no-enrollment-url", "no EnrollmentServiceUrl (mandatory)"},
    {"deviation", "unknown-auth-policy", "AuthPolicy Telepathy"},
    /* Deviations in the policies */
    {"deviation", "schema-2", "policySchema 2"},
    {"deviation", "sha1", "the hash is SHA-1 (1.3.14.3.2.26)"},
    {"deviation", "sha1-named-sha256", "the hash is 1.3.14.3.2.29 under the name szOID_NIST_sha256"},
    {"deviation", "sha384", "the hash is SHA-384"},
    {"deviation", "sha512", "the hash is SHA-512"},
    {"deviation", "hash-group-4", "the hash stands in group 4"},
    {"deviation", "provider-direct", "<provider> directly under privateKeyAttributes"},
    {"deviation", "software-provider", "only a software key storage provider is listed"},
    {"deviation", "policies-not-changed", "policiesNotChanged true and no policy"},
    {"deviation", "nil-response", "the response is nil"},
    {"deviation", "enroll-denied", "the only policy has permission/enroll false"},
    {"deviation", "enroll-denied-first", "a policy with permission/enroll false before the good one"},
    {"deviation", "no-policies", "an empty list of policies"},
    {"deviation", "algorithm-generic", "the public key's algorithm by its general OID, not the curve's"},
    {"deviation", "algorithm-unknown", "the public key's algorithm is one that nobody has"},
    {"deviation", "algorithm-dangling", "algorithmOIDReference refers to nothing"},
    {"deviation", "minimal-key-length-zero", "minimalKeyLength 0"},
    {"deviation", "minimal-key-length-negative", "minimalKeyLength -1"},
    {"deviation", "minimal-key-length-1024", "minimalKeyLength 1024"},
    {"deviation", "minimal-key-length-huge", "minimalKeyLength 4294967295"},
    {"deviation", "ra-requirements", "rARequirements that ask for a signature"},
    {"deviation", "key-archival", "keyArchivalAttributes"},
    {"deviation", "extensions", "a certificate extension of group 6 that the request shall carry"},
    {"deviation", "attestation", "the attestation elements of version 6"},
    /* Deviations in the answer to the token request */
    {"deviation", "token-type", "a TokenType that is not DeviceEnrollmentToken"},
    {"deviation", "value-type-short", "the ValueType without 5.0.0.0/"},
    {"deviation", "value-type-unknown", "a ValueType that nobody knows"},
    {"deviation", "store-merged", "one CertificateStore for Root, CA and My"},
    {"deviation", "container-child", "PrivateKeyContainer inside the certificate's characteristic"},
    {"deviation", "container-parms", "KeySpec, ContainerName and ProviderType in PrivateKeyContainer"},
    {"deviation", "no-container", "no PrivateKeyContainer"},
    {"deviation", "renewal-period", "RenewalPeriod for RenewPeriod"},
    {"deviation", "my-outside", "My outside CertificateStore"},
    {"deviation", "hash-name", "ProvisionedCert for the certificate's hash"},
    {"deviation", "intermediate-under-my", "the intermediate certificates under My/User"},
    {"deviation", "my-system", "the certificate under My/System"},
    {"deviation", "no-root", "no root certificate"},
    {"deviation", "no-chain", "no intermediate certificate"},
    {"deviation", "no-renew", "no WSTEP/Renew"},
    {"deviation", "robo-false", "ROBOSupport false"},
    {"deviation", "renew-period-zero", "RenewPeriod 0"},
    {"deviation", "renew-period-words", "RenewPeriod soon"},
    {"deviation", "retry-above-period", "RetryInterval above RenewPeriod"},
    {"deviation", "renew-server-url", "Renew/ServerURL"},
    {"deviation", "renew-server-url-http", "Renew/ServerURL without TLS"},
    {"deviation", "base64-lines", "line breaks inside the certificates' base64"},
    {"deviation", "root-ca-trusted", "RootCATrustedCertificates beside the stores"},
    {"deviation", "no-application", "no APPLICATION and no DMClient"},
    {"deviation", "extra-stores", "further stores and characteristics that no client may act on"},
    {"deviation", "doc-prolog", "an XML declaration and comments before the provisioning document"},
    {"deviation", "fleet",
     "the answers in one small server's way: merged, RenewPeriod, faults in HTTP 200 and lower case"},
    /* What else the answers say */
    {"enrollment-version", NULL,
     "the EnrollmentVersion (default 4.0; from 5.0 on the RequestVersion item is demanded)"},
    {"minimal-key-length", NULL, "the minimalKeyLength, whatever --key says"},
    {"renew-host", NULL, "Renew/ServerURL on this host"},
    {"renew-interval", NULL, "the RetryInterval in days (default 7)"},
    {"pending", NULL, "the token request is answered as pending, and so often again when queried"},
    {"pending", "nil", "pending with a nil RequestedSecurityToken, for good"},
    {"pending", "empty", "pending with an empty BinarySecurityToken, for good"},
    {"pending", "denied", "pending, then a fault"},
    /* What is demanded */
    {"require", NULL, "a further context item that must be there"},
    {"strict", "device-type", "DeviceType must be one that MDE2 knows, else DeviceNotSupported"},
    {"strict", "compact",
     "the token request must be written as compactly as small servers' expressions need"},
    {"strict", "client-policy", "the client must offer the server's AuthPolicy, else NotSupported"},
    {"strict", "header-order", "the headers must come in the order of the specification's samples"},
    {"strict", "tpm", "GetPolicies must carry TPMManufacturer and TPMFirmwareVersion"},
    {"strict", "extensions", "the request must carry the extension of the policy"},
    {"version", NULL, "any RequestVersion but this is refused with InternalServiceFault"},
    /* The issued certificate */
    {"certificate", "other-key", "for another key"},
    {"certificate", "ca", "basicConstraints CA:TRUE"},
    {"certificate", "expired", "ended yesterday"},
    {"certificate", "not-yet-valid", "begins tomorrow"},
    {"certificate", "no-eku", "without clientAuth"},
    {"certificate", "server-eku", "serverAuth only"},
    {"certificate", "no-signing", "key usage without digitalSignature"},
    {"certificate", "critical", "an unknown critical extension"},
    {"certificate", "back-dated", "begins 180 days ago"},
    {"certificate", "two", "two certificates for the key under My"},
    {"certificate", "none", "no certificate under My"},
    {"certificate", "garbage", "base64 of something else under My"},
    {"certificate", "not-base64", "not base64 under My"},
    {"certificate", "foreign-chain", "signed by an authority that the document does not hold"},
    {"certificate", "nul-subject", "a subject with a NUL in it"},
    /* Refusals */
    {"refusal", "repeats", "what was sent as token or password stands in the refusal's text"},
    /* Renewal */
    {"renew", "wstep-type",
     "the PKCS7 ValueType of MDE2 is refused with MessageFormat, that of version 1 is taken"},
    {"renew", "mde2-type", "the PKCS7 ValueType of version 1 is refused with MessageFormat"},
    {"renew", "no-type", "both PKCS7 ValueTypes are refused with MessageFormat"},
    {"renew", "not-eligible", "NotEligibleToRenew"},
    {"renew", "fault-200", "no renewal: a fault in HTTP 200, in lower case"},
    {"renew", "any-time", "renewal before the renewal period, too"},
    {"renew", "optional-tls", "without a TLS client certificate, too"},
    {"renew", "token-header", "a UsernameToken is demanded in the header"},
    /* Redirects: of the GET probe and Discover unless at= says otherwise; status= (default 302) */
    {"redirect", "301", "to mdm.DOMAIN with this status"},
    {"redirect", "302", "to mdm.DOMAIN with this status"},
    {"redirect", "303", "to mdm.DOMAIN with this status"},
    {"redirect", "307", "to mdm.DOMAIN with this status"},
    {"redirect", "308", "to mdm.DOMAIN with this status"},
    {"redirect", "same-host", "to another path"},
    {"redirect", "other-host", "to mdm.fabrikam.test"},
    {"redirect", "loop", "to itself"},
    {"redirect", "many", "five times"},
    {"redirect", "three", "three times, then it is served"},
    {"redirect", "http", "to http"},
    {"redirect", "loopback", "to 127.0.0.1"},
    {"redirect", "link-local", "to 169.254.169.254"},
    {"redirect", "user-info", "to a URL with user information"},
    {"redirect", "file", "to a file URL"},
    {"redirect", "none", "a redirect status without Location"},
    {"redirect", "empty", "an empty Location"},
    {"redirect", "long", "a Location of 60 kilobytes"},
    /* The URLs in the answer to Discover */
    {"url", "http", "http URLs"},
    {"url", "other-host", "policy and enrolment on mdm.fabrikam.test"},
    {"url", "same-domain", "policy and enrolment on mdm.DOMAIN"},
    {"url", "split-hosts", "policy on this host, enrolment on mdm.fabrikam.test"},
    {"url", "user-info", "URLs with user information"},
    {"url", "ip", "127.0.0.1"},
    {"url", "ipv6", "[::1]"},
    {"url", "localhost", "localhost"},
    {"url", "link-local", "169.254.169.254"},
    {"url", "fragment", "with a fragment"},
    {"url", "long", "60 kilobytes"},
    {"url", "relative", "/EnrollmentServer/..."},
    {"url", "empty", "empty elements"},
    {"url", "query", "with a query"},
    {"url", "authentication-http", "AuthenticationServiceUrl is http"},
    {"url", "authentication-other-host", "AuthenticationServiceUrl on mdm.fabrikam.test"},
    {"url", "authentication-file", "AuthenticationServiceUrl is a file"},
    {"url", "authentication-option", "AuthenticationServiceUrl begins with a hyphen"},
    /* HTTP */
    {"http-status", NULL, "this status and no body; seconds= adds Retry-After; at=, times="},
    {"retry-after", "date", "Retry-After as a date"},
    {"retry-after", "huge", "Retry-After of a year"},
    {"retry-after", "garbage", "Retry-After that is neither a number nor a date"},
    /* Attacks: at the discover step unless at= says otherwise */
    {"attack", "billion-laughs", "entities that multiply"},
    {"attack", "external-entity", "an external entity, file:///etc/passwd"},
    {"attack", "external-dtd", "a document type from elsewhere"},
    {"attack", "doctype", "a harmless document type"},
    {"attack", "deep-nesting", "100000 elements inside each other"},
    {"attack", "megabytes", "an answer of 64 MiB with its length"},
    {"attack", "megabytes-chunked", "an answer without end and without a length"},
    {"attack", "slow-drip", "a byte every second (seconds= for another pause)"},
    {"attack", "stall", "no answer at all for a minute (seconds=)"},
    {"attack", "truncated", "the connection cut in the middle of the body, without the end of TLS"},
    {"attack", "content-type", "text/html with the right body"},
    {"attack", "no-content-type", "no Content-Type"},
    {"attack", "html", "an HTML page with 200"},
    {"attack", "json", "JSON with 200"},
    {"attack", "empty", "an empty body with 200"},
    {"attack", "nul", "a NUL in the body"},
    {"attack", "invalid-utf8", "bytes that are no UTF-8"},
    {"attack", "utf-16", "the answer in UTF-16"},
    {"attack", "control-characters", "terminal control sequences in the texts"},
    {"attack", "duplicate-elements", "the content of the body twice in the body"},
    {"attack", "duplicate-values", "each value of the answer twice"},
    {"attack", "two-bodies", "two Body elements"},
    {"attack", "two-envelopes", "two Envelopes"},
    {"attack", "trailing-garbage", "bytes after the Envelope"},
    {"attack", "wrong-action", "the Action of another answer"},
    {"attack", "wrong-body", "the right envelope around something else"},
    {"attack", "bad-base64", "a provisioning document that is not base64"},
    {"attack", "bad-document", "base64 of something that is no XML"},
    {"attack", "document-entities", "entities that multiply in the provisioning document"},
    {"attack", "document-nesting", "a provisioning document of 100000 levels"},
    {"attack", "document-certificates", "ten thousand certificates in the provisioning document"},
    {"attack", "many-oids", "a hundred thousand oIDs in the policies"},
    /* Raw bytes instead of the HTTP server, for every connection */
    {"raw", "not-http", "bytes that are no HTTP"},
    {"raw", "drip-headers", "a byte of the header every second"},
    {"raw", "endless-headers", "headers without end"},
    {"raw", "truncated", "less body than Content-Length and the connection cut without close_notify"},
    {"raw", "short-body", "less body than Content-Length and an orderly end"},
    {"raw", "two-lengths", "two Content-Length headers that differ"},
    {"raw", "bad-chunk", "a chunk size that is no number"},
    {"raw", "many-100", "100 Continue without end"},
    {"raw", "silent", "a TLS handshake and then nothing"},
    {"raw", "no-handshake", "a connection and then nothing"},
    {"raw", "plain-http", "HTTP without TLS"},
    {"raw", "alert", "the connection closed after the ClientHello"},
    {"raw", "reset", "reset after the request"},
    /* The server's own TLS */
    {"tls", "wrong-name", "a certificate for another name"},
    {"tls", "expired", "an expired certificate"},
    {"tls", "not-yet-valid", "a certificate that begins tomorrow"},
    {"tls", "self-signed", "a self-signed certificate"},
    {"tls", "1.1", "TLS 1.1 at most"},
    {"tls", "1.2", "TLS 1.2 at most"},
    {"tls", "require-client", "a TLS client certificate of this authority is demanded for every request"},
    /* OAuth 2 device code */
    {"oauth-pending", NULL, "so often authorization_pending (default 1)"},
    {"oauth-interval", NULL, "seconds between two polls (default 1); faster ones get slow_down"},
    {"oauth-expires", NULL, "seconds the device code lives (default 900)"},
    {"oauth-stall", NULL,
     "so many polls get no answer for 4 seconds, and the next has to wait longer (default 0)"},
    {"oauth", "slow_down", "slow_down once before the token"},
    {"oauth", "expired_token", "expired_token"},
    {"oauth", "authorization_declined", "authorization_declined"},
    {"oauth", "conditional-access", "invalid_grant with AADSTS530003"},
    {"oauth", "device-code-blocked", "the device code itself is refused with AADSTS50199"},
    {"oauth", "html", "an HTML page for an answer"},
    {"oauth", "no-token", "an answer without access_token"},
    {"oauth", "wrong-token", "a token that the enrolment refuses"},
    {"oauth", "server-error", "HTTP 500 once"},
    {"oauth", "v1-fields", "verification_url and an interval as a string, as the first version has them"},
    /* The federated page */
    {"federated", "ms-app", "the form goes to ms-app: whatever appru says"},
    {"federated", "click", "the form waits for a click"},
    {"federated", "denied", "the form carries an error and no wresult"},
    {"federated", "csp", "a Content-Security-Policy that forbids the form"},
};

#define MODE_ROWS (sizeof mode_rows / sizeof *mode_rows)

static const char *const steps[] = {"probe", "discover", "policy", "issue", "renew", "query"};

/* The row that knows this name and value: an exact value before "any value". NULL for none. */
static const struct mode_row *mode_row_find(const char *name, const char *value)
{
    const struct mode_row *any = NULL;
    for (size_t i = 0; i < MODE_ROWS; i++) {
        if (strcmp(mode_rows[i].name, name) != 0)
            continue;
        if (!mode_rows[i].value)
            any = &mode_rows[i];
        else if (strcmp(mode_rows[i].value, value) == 0)
            return &mode_rows[i];
    }
    return any;
}

static bool mode_number_read(const char *text, unsigned *ret_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (errno || end == text || *end || number > 1000000)
        return false;
    *ret_number = (unsigned)number;
    return true;
}

static bool mode_word_read(struct mode *mode, const char *word)
{
    const char *equals = strchr(word, '=');
    if (!equals)
        return false;
    const char *value = equals + 1;
    size_t length = (size_t)(equals - word);
    if (strncmp(word, "at", length) == 0 && length == 2) {
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            if (strcmp(value, steps[i]) == 0) {
                (void)snprintf(mode->at, sizeof mode->at, "%s", value);
                return true;
            }
        }
        return false;
    }
    if (strncmp(word, "case", length) == 0 && length == 4) {
        mode->lower_case = strcmp(value, "lower") == 0;
        return mode->lower_case;
    }
    if (strncmp(word, "prefix", length) == 0 && length == 6) {
        (void)snprintf(mode->prefix, sizeof mode->prefix, "%s", value);
        return strlen(value) < sizeof mode->prefix &&
               strspn(value, "abcdefghijklmnopqrstuvwxyz-") == strlen(value);
    }
    if (strncmp(word, "status", length) == 0 && length == 6)
        return mode_number_read(value, &mode->status) && mode->status >= 200 && mode->status <= 599;
    if (strncmp(word, "times", length) == 0 && length == 5)
        return mode_number_read(value, &mode->times);
    if (strncmp(word, "seconds", length) == 0 && length == 7)
        return mode_number_read(value, &mode->seconds);
    return false;
}

bool modes_argument_add(struct modes *modes, const char *argument)
{
    if (modes->count == MODES_MAX) {
        (void)fprintf(stderr, "mde-server: more than %d modes\n", MODES_MAX);
        return false;
    }
    char *copy = strdup(argument);
    if (!copy)
        abort();
    struct mode mode = {0};
    char *rest = copy;
    char *first = strsep(&rest, ",");
    char *equals = strchr(first, '=');
    if (equals)
        *equals = '\0';
    const char *value = equals ? equals + 1 : "";
    const struct mode_row *row = mode_row_find(first, value);
    bool known = row && strlen(value) < sizeof mode.value && (row->value || *value);
    if (known) {
        mode.name = row->name;
        (void)snprintf(mode.value, sizeof mode.value, "%s", value);
        const char *word = NULL;
        while (known && (word = strsep(&rest, ",")))
            known = mode_word_read(&mode, word);
    }
    free(copy);
    if (!known) {
        (void)fprintf(stderr, "mde-server: --mode %s is not known; see --list-modes\n", argument);
        return false;
    }
    modes->list[modes->count++] = mode;
    return true;
}

void modes_list_print(FILE *out)
{
    for (size_t i = 0; i < MODE_ROWS; i++) {
        char mode[64];
        (void)snprintf(mode, sizeof mode, "%s=%s", mode_rows[i].name,
                       mode_rows[i].value ? mode_rows[i].value : "...");
        (void)fprintf(out, "%-38s %s\n", mode, mode_rows[i].text);
    }
}

bool modes_has(const struct modes *modes, const char *name, const char *value)
{
    for (unsigned i = 0; i < modes->count; i++)
        if (strcmp(modes->list[i].name, name) == 0 && strcmp(modes->list[i].value, value) == 0)
            return true;
    return false;
}

bool modes_deviate(const struct modes *modes, const char *deviation)
{
    return modes_has(modes, "deviation", deviation);
}

const char *modes_value(const struct modes *modes, const char *name)
{
    for (unsigned i = 0; i < modes->count; i++)
        if (strcmp(modes->list[i].name, name) == 0)
            return modes->list[i].value;
    return NULL;
}

long modes_number(const struct modes *modes, const char *name, long fallback)
{
    const char *value = modes_value(modes, name);
    return value ? strtol(value, NULL, 10) : fallback;
}

struct mode *modes_take(struct modes *modes, const char *name, const char *step, const char *default_step)
{
    for (unsigned i = 0; i < modes->count; i++) {
        struct mode *mode = &modes->list[i];
        const char *at = *mode->at ? mode->at : default_step;
        if (strcmp(mode->name, name) != 0 || strcmp(at, step) != 0 ||
            (mode->times && mode->done >= mode->times))
            continue;
        mode->done++;
        return mode;
    }
    return NULL;
}
