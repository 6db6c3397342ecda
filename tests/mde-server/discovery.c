/* The GET probe and the Discover message (MS-MDE2 3.1.4.1, 3.1.4.2). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "server.h"
#include "soap.h"

#define DISCOVER_ACTION   DISCOVERY_NAMESPACE "/IDiscoveryService/Discover"
#define RESPONSE_ACTION   DISCOVERY_NAMESPACE "/IDiscoveryService/DiscoverResponse"
#define LONG_SIZE         60000
#define AUTH_POLICIES_MAX 3

void discovery_probe(const struct request *request, struct reply *reply)
{
    if (modes_deviate(&request->server->options.modes, "probe-body")) {
        text_format(&reply->body, "https://%s/EnrollmentServer/Discovery.svc", request->host);
        reply->content_type = "text/plain";
    }
    (void)snprintf(reply->outcome, sizeof reply->outcome, "the server is here");
}

/* digits, then so often a point and digits */
static bool version_is(const char *text, unsigned points)
{
    for (unsigned i = 0;; i++) {
        size_t digits = strspn(text, "0123456789");
        if (digits == 0 || digits > 10)
            return false;
        text += digits;
        if (*text == '\0')
            return i == points;
        if (*text++ != '.')
            return false;
    }
}

static bool version_check(xmlNode *request, const char *name, unsigned points, const char *form,
                          struct fault *ret_fault)
{
    char *text = soap_child_text(request, DISCOVERY_NAMESPACE, name, ret_fault);
    if (!text)
        return false;
    bool good = version_is(text, points);
    if (!good)
        fault_set(ret_fault, "MessageFormat", "%s is \"%.100s\", not %s", name, text, form);
    free(text);
    return good;
}

static bool text_check(xmlNode *request, const char *name, struct fault *ret_fault)
{
    char *text = soap_child_text(request, DISCOVERY_NAMESPACE, name, ret_fault);
    free(text);
    return text != NULL;
}

static bool auth_policies_check(const struct options *options, xmlNode *request, struct fault *ret_fault)
{
    xmlNode *policies = soap_child_require(request, DISCOVERY_NAMESPACE, "AuthPolicies", ret_fault);
    if (!policies)
        return false;
    unsigned count = 0;
    bool offered = false;
    for (xmlNode *node = soap_child_find(policies, NULL, NULL); node;
         node = soap_sibling_find(node, NULL, NULL)) {
        if (!soap_name_is(node, DISCOVERY_NAMESPACE, "AuthPolicy"))
            return fault_set(ret_fault, "MessageFormat", "AuthPolicies holds %s", (const char *)node->name);
        char *text = (char *)xmlNodeGetContent(node);
        bool known = false;
        for (int i = AUTH_ON_PREMISE; text && i <= AUTH_CERTIFICATE; i++) {
            bool this_one = strcmp(text, options_policy_name((enum auth_policy)i)) == 0;
            known = known || this_one;
            offered = offered || (this_one && options->policy == (enum auth_policy)i);
        }
        if (!known)
            fault_set(ret_fault, "MessageFormat", "AuthPolicy is \"%.100s\"", text ? text : "");
        free(text);
        if (!known)
            return false;
        count++;
    }
    if (count < 1 || count > AUTH_POLICIES_MAX)
        return fault_set(ret_fault, "MessageFormat", "AuthPolicies holds %u AuthPolicy, not one to three",
                         count);
    if (!offered && modes_has(&options->modes, "strict", "client-policy"))
        return fault_set(ret_fault, "NotSupported", "the client does not offer AuthPolicy %s",
                         options_policy_name(options->policy));
    return true;
}

static bool device_type_check(const struct options *options, xmlNode *request, struct fault *ret_fault)
{
    static const char *const known[] = {"WindowsPhone", "CIMClient_Windows", "WindowsHandheld"};
    char *text = soap_child_text(request, DISCOVERY_NAMESPACE, "DeviceType", ret_fault);
    if (!text)
        return false;
    bool good = !modes_has(&options->modes, "strict", "device-type");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        good = good || strcmp(text, known[i]) == 0;
    if (!good)
        fault_set(ret_fault, "DeviceNotSupported", "DeviceType %.100s is not supported", text);
    free(text);
    return good;
}

static bool request_version_check(const struct options *options, xmlNode *request, struct fault *ret_fault)
{
    if (!version_check(request, "RequestVersion", 1, "a number like 4.0", ret_fault))
        return false;
    const char *wanted = modes_value(&options->modes, "version");
    if (!wanted)
        return true;
    char *text = soap_child_text(request, DISCOVERY_NAMESPACE, "RequestVersion", ret_fault);
    bool good = text && strcmp(text, wanted) == 0;
    if (!good)
        fault_set(ret_fault, "InternalServiceFault", "RequestVersion %.20s is not supported",
                  text ? text : "");
    free(text);
    return good;
}

static bool discover_check(const struct options *options, const struct soap_message *message,
                           struct fault *ret_fault)
{
    if (!soap_name_is(message->body, DISCOVERY_NAMESPACE, "Discover"))
        return fault_set(ret_fault, "MessageFormat", "Body holds %s, not Discover in " DISCOVERY_NAMESPACE,
                         (const char *)message->body->name);
    xmlNode *request = soap_child_require(message->body, DISCOVERY_NAMESPACE, "request", ret_fault);
    return request && text_check(request, "EmailAddress", ret_fault) &&
           request_version_check(options, request, ret_fault) &&
           device_type_check(options, request, ret_fault) &&
           version_check(request, "ApplicationVersion", 3, "four numbers with points between", ret_fault) &&
           version_check(request, "OSEdition", 0, "a number", ret_fault) &&
           auth_policies_check(options, request, ret_fault);
}

static void url_write(const struct request *request, const char *path, const char *other_host,
                      struct text *out)
{
    const struct server *server = request->server;
    const char *mode = modes_value(&server->options.modes, "url");
    const char *space = soap_space(&server->options.modes);
    const char *host = request->host;
    char domain_host[300];
    (void)snprintf(domain_host, sizeof domain_host, "mdm.%s", server->options.domain);
    struct {
        const char *mode;
        const char *host;
    } const hosts[] = {
        {"other-host", "mdm.fabrikam.test"},
        {"same-domain", domain_host},
        {"split-hosts", other_host},
        {"ip", "127.0.0.1"},
        {"ipv6", "[::1]"},
        {"localhost", "localhost"},
        {"link-local", "169.254.169.254"},
    };
    char with_port[400];
    for (size_t i = 0; mode && i < sizeof hosts / sizeof *hosts; i++) {
        if (strcmp(mode, hosts[i].mode) == 0 && hosts[i].host) {
            (void)snprintf(with_port, sizeof with_port, server->port == 443 ? "%s" : "%s:%u", hosts[i].host,
                           server->port);
            host = with_port;
        }
    }
    bool http = mode && strcmp(mode, "http") == 0;
    bool user = mode && strcmp(mode, "user-info") == 0;
    if (mode && strcmp(mode, "empty") == 0)
        return;
    text_append(out, space);
    if (!mode || strcmp(mode, "relative") != 0)
        text_format(out, "%s://%s%s", http ? "http" : "https", user ? "alice:secret@" : "", host);
    text_append(out, path);
    if (mode && strcmp(mode, "fragment") == 0)
        text_append(out, "#part");
    if (mode && strcmp(mode, "query") == 0)
        text_append(out, "?tenant=contoso&amp;api-version=1.0");
    if (mode && strcmp(mode, "long") == 0) {
        text_append(out, "?");
        for (int i = 0; i < LONG_SIZE; i += 10)
            text_append(out, "0123456789");
    }
    text_append(out, space);
}

static void authentication_url_write(const struct request *request, struct text *out)
{
    const struct modes *modes = &request->server->options.modes;
    const char *mode = modes_value(modes, "url");
    const char *path = "/EnrollmentServer/Authenticate";
    if (mode && strcmp(mode, "authentication-http") == 0)
        text_format(out, "http://%s%s", request->host, path);
    else if (mode && strcmp(mode, "authentication-other-host") == 0)
        text_format(out, "https://mdm.fabrikam.test:%u%s", request->server->port, path);
    else if (mode && strcmp(mode, "authentication-file") == 0)
        text_append(out, "file:///etc/passwd");
    else if (mode && strcmp(mode, "authentication-option") == 0)
        text_append(out, "--version");
    else
        url_write(request, path, NULL, out);
}

static void element_write(const struct request *request, const char *name, const char *path,
                          const char *other_host, struct text *out)
{
    text_format(out, "<%s>", name);
    url_write(request, path, other_host, out);
    text_format(out, "</%s>", name);
}

static void service_urls_write(const struct request *request, struct text *out)
{
    const struct modes *modes = &request->server->options.modes;
    if (modes_deviate(modes, "nil-policy-url"))
        text_append(out, "<EnrollmentPolicyServiceUrl xsi:nil=\"true\"/>");
    else if (!modes_deviate(modes, "no-policy-url"))
        element_write(request, "EnrollmentPolicyServiceUrl", "/EnrollmentServer/Policy.svc", NULL, out);
    if (!modes_deviate(modes, "no-enrollment-url"))
        element_write(request, "EnrollmentServiceUrl", "/EnrollmentServer/Enrollment.svc",
                      "mdm.fabrikam.test", out);
}

static void authentication_write(const struct request *request, struct text *out)
{
    const struct options *options = &request->server->options;
    const char *policy = modes_deviate(&options->modes, "unknown-auth-policy")
                             ? "Telepathy"
                             : options_policy_name(options->policy);
    if (!modes_deviate(&options->modes, "no-auth-policy"))
        text_format(out, "<AuthPolicy>%s</AuthPolicy>", policy);
    if (options->policy == AUTH_FEDERATED && !modes_deviate(&options->modes, "no-authentication-url")) {
        text_append(out, "<AuthenticationServiceUrl>");
        authentication_url_write(request, out);
        text_append(out, "</AuthenticationServiceUrl>");
    } else if (options->policy != AUTH_FEDERATED) {
        text_append(out, "<AuthenticationServiceUrl xsi:nil=\"true\"/>");
    }
}

static void response_write(const struct request *request, const char *message_id, struct text *out)
{
    const struct modes *modes = &request->server->options.modes;
    const char *version = modes_value(modes, "enrollment-version");
    bool reordered = modes_deviate(modes, "discover-order");
    soap_envelope_begin(modes, RESPONSE_ACTION, message_id, out);
    text_format(out,
                "<DiscoverResponse xmlns=\"" DISCOVERY_NAMESPACE "%s\" xmlns:xsi=\"" SCHEMA_INSTANCE
                "\"><DiscoverResult>",
                modes_deviate(modes, "namespace-slash") ? "/" : "");
    if (reordered) {
        text_append(out, "<CertificatePolicy>none</CertificatePolicy><GatewayService>later</GatewayService>");
        service_urls_write(request, out);
    }
    authentication_write(request, out);
    if (!modes_deviate(modes, "no-enrollment-version")) {
        text_append(out, "<EnrollmentVersion>");
        text_xml_append(out, version ? version : "4.0");
        text_append(out, "</EnrollmentVersion>");
    }
    if (!reordered)
        service_urls_write(request, out);
    text_append(out, "</DiscoverResult></DiscoverResponse>");
    soap_envelope_end(out);
}

void discovery_answer(const struct request *request, struct reply *reply)
{
    struct modes *modes = &request->server->options.modes;
    struct soap_message message;
    struct fault fault = {0};
    struct mode *planned = NULL;
    if (!soap_message_read(request, DISCOVER_ACTION, &message, &fault) ||
        !discover_check(&request->server->options, &message, &fault)) {
        fault_write(modes, &fault, message.message_id ? message.message_id : "", NULL, reply);
    } else if ((planned = modes_take(modes, "fault", reply->step, "issue"))) {
        (void)fault_set(&fault, planned->value, "asked for by --mode fault");
        fault_write(modes, &fault, message.message_id, planned, reply);
    } else {
        response_write(request, message.message_id, &reply->body);
        reply->content_type = soap_content_type(modes);
        (void)snprintf(reply->outcome, sizeof reply->outcome, "discovered");
    }
    soap_message_clear(&message);
}
