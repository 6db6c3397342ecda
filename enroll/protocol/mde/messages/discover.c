#include "discover.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xml_document.h"

#define ENROLLMENT_2012 "http://schemas.microsoft.com/windows/management/2012/01/enrollment"

static const char *const policy_names[] = {
    [AUTH_POLICY_ON_PREMISE] = "OnPremise",
    [AUTH_POLICY_FEDERATED] = "Federated",
    [AUTH_POLICY_CERTIFICATE] = "Certificate",
};

const char *auth_policy_name(enum auth_policy policy)
{
    return policy_names[policy];
}

static bool offers(const struct discover_request *request, enum auth_policy policy)
{
    return policy == AUTH_POLICY_ON_PREMISE  ? request->on_premise
           : policy == AUTH_POLICY_FEDERATED ? request->federated
                                             : request->certificate;
}

/* The element order is that of Windows; the schema (xsd:all) leaves it free. */
void discover_request_write(struct xml_text *text, const char *message_id, const char *to,
                            const struct discover_request *request)
{
    const struct soap_request header = {.action = DISCOVER_ACTION, .message_id = message_id, .to = to};
    const char *const *values = request->items->values;

    soap_envelope_begin(text, &header, false);
    xml_text_append(text, "<Discover xmlns=\"" ENROLLMENT_2012 "\">"
                          "<request xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">");
    xml_text_append_element(text, "EmailAddress", request->address);
    xml_text_append_element(text, "RequestVersion", request->request_version);
    xml_text_append_element(text, "DeviceType", values[ITEM_DEVICE_TYPE]);
    xml_text_append_element(text, "ApplicationVersion", values[ITEM_APPLICATION_VERSION]);
    xml_text_append_element(text, "OSEdition", values[ITEM_OS_EDITION]);
    xml_text_append(text, "<AuthPolicies>");
    for (enum auth_policy policy = AUTH_POLICY_ON_PREMISE; policy <= AUTH_POLICY_CERTIFICATE; policy++)
        if (offers(request, policy))
            xml_text_append_element(text, "AuthPolicy", policy_names[policy]);
    xml_text_append(text, "</AuthPolicies></request></Discover>");
    soap_envelope_end(text);
}

static enum enroll_exit refuse(struct enroll_error *ret_error, const char *what)
{
    return enroll_error_set(ret_error, ENROLL_PROTOCOL,
                            "check that the address is that of an MDM server that speaks MDE2",
                            "the answer to Discover was refused: %s", what);
}

static enum enroll_exit auth_policy_read(const xmlNode *result, const struct discover_request *request,
                                         enum auth_policy *ret_policy, struct enroll_error *ret_error)
{
    char *text = xml_child_text(result, "AuthPolicy");
    char printable[64];
    enum auth_policy policy = AUTH_POLICY_ON_PREMISE;

    if (text == NULL)
        return refuse(ret_error, "AuthPolicy is missing");
    while (policy <= AUTH_POLICY_CERTIFICATE && strcasecmp(text, policy_names[policy]) != 0)
        policy++;
    enroll_text_print(text, strlen(text), printable, sizeof(printable));
    free(text);
    if (policy > AUTH_POLICY_CERTIFICATE)
        return enroll_error_set(ret_error, ENROLL_PROTOCOL, NULL,
                                "the server asks for the authentication \"%s\", which MDE2 does not know",
                                printable);
    /* A server that asks for less than was offered would have us type a password where a token was meant. */
    if (!offers(request, policy))
        return enroll_error_set(
            ret_error, ENROLL_UNSAFE, "if that is what you want, give the options for it (see --auth)",
            "the server asks for the authentication %s, which was not offered to it", policy_names[policy]);
    *ret_policy = policy;
    return ENROLL_OK;
}

enum enroll_exit discover_response_parse(const struct soap_reply *reply,
                                         const struct discover_request *request,
                                         struct discovery *ret_discovery, struct enroll_error *ret_error)
{
    static const char *const once[] = {"AuthPolicy", "EnrollmentServiceUrl", "EnrollmentPolicyServiceUrl",
                                       "AuthenticationServiceUrl", "EnrollmentVersion"};
    const xmlNode *result;
    struct discovery discovery = {0};
    enum enroll_exit status;

    if (!xml_element_is(reply->content, "DiscoverResponse"))
        return refuse(ret_error, "it holds no DiscoverResponse");
    result = xml_child(reply->content, "DiscoverResult");
    if (result == NULL || xml_child_count(reply->content, "DiscoverResult") != 1)
        return refuse(ret_error, "it has not exactly one DiscoverResult");
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        if (xml_child_count(result, once[i]) > 1)
            return enroll_error_set(ret_error, ENROLL_PROTOCOL, NULL,
                                    "the answer to Discover was refused: it has more than one %s", once[i]);
    status = auth_policy_read(result, request, &discovery.auth_policy, ret_error);
    if (status != ENROLL_OK)
        return status;
    discovery.enrollment_url = xml_child_text(result, "EnrollmentServiceUrl");
    discovery.policy_url = xml_child_text(result, "EnrollmentPolicyServiceUrl");
    discovery.authentication_url = xml_child_text(result, "AuthenticationServiceUrl");
    discovery.version = xml_child_text(result, "EnrollmentVersion");
    if (discovery.enrollment_url == NULL) {
        discovery_clear(&discovery);
        return refuse(ret_error, "EnrollmentServiceUrl is missing");
    }
    *ret_discovery = discovery;
    return ENROLL_OK;
}

void discovery_clear(struct discovery *discovery)
{
    free(discovery->enrollment_url);
    free(discovery->policy_url);
    free(discovery->authentication_url);
    free(discovery->version);
    *discovery = (struct discovery){0};
}
