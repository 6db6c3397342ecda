#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "xml_document.h"

struct fault_meaning {
    const char *needle; /* in the fault's words, any case */
    uint32_t hresult;
    const char *name;
    enum enroll_exit exit_status;
    const char *message; /* completes "the server refused X: " */
    const char *advice;
};

#define ADVICE_LATER                                                                                         \
    "try again later; if it stays, give the trace and activity ids to the server's administrator"

/*
 * Searched from the top, a needle found anywhere in the text wins: the order is that of the Windows client,
 * with the longer name first where one name is part of another.
 */
static const struct fault_meaning meanings[] = {
    {"NotEligibleToRenew", HRESULT_NOT_ELIGIBLE, "NOT_ELIGIBLE_TO_RENEW", ENROLL_CANNOT_RENEW,
     "this certificate cannot be renewed, or not now",
     "check this machine's clock; if the certificate is near its end, enrol again: intune-enroll enroll "
     "--replace."},
    {"MessageFormat", HRESULT_MESSAGE_FORMAT, "MESSAGE_FORMAT", ENROLL_REFUSED,
     "it could not read our message; a version or a field is not what it expects",
     "try another --request-version, and check the device profile: the server may want an item that it "
     "lacks."},
    {"FailedAuthentication", 0x80180002u, "AUTHENTICATION", ENROLL_AUTHENTICATION,
     "it did not accept the user or token",
     "check the name and password, or get a new token; a token lasts about an hour"},
    {"Authentication", 0x80180002u, "AUTHENTICATION", ENROLL_AUTHENTICATION,
     "it did not accept the user or token",
     "check the name and password, or get a new token; a token lasts about an hour"},
    {"Authorization", 0x80180003u, "AUTHORIZATION", ENROLL_REFUSED, "this user may not enrol a device",
     "ask the administrator for the right to enrol devices"},
    {"CertificateRequest", 0x80180004u, "CERTIFICATE_REQUEST", ENROLL_REFUSED,
     "its certification authority refused the request or could not be reached",
     "look at what it asks for with intune-enroll policy, and try another --key; else the administrator has "
     "to look"},
    {"CertificateAuthority", 0x80180004u, "CERTIFICATE_REQUEST", ENROLL_REFUSED,
     "its certification authority refused the request or could not be reached",
     "look at what it asks for with intune-enroll policy, and try another --key; else the administrator has "
     "to look"},
    {"EnrollmentServer", 0x80180005u, "ENROLLMENT_SERVER", ENROLL_REFUSED, "its enrolment service failed",
     ADVICE_LATER},
    {"InternalServiceFault", 0x80180006u, "INTERNAL_SERVICE", ENROLL_REFUSED,
     "it failed inside, or does not support the version asked for",
     "try again later, or with another --request-version"},
    {"InternalServerFault", 0x80180006u, "INTERNAL_SERVICE", ENROLL_REFUSED,
     "it failed inside, or does not support the version asked for",
     "try again later, or with another --request-version"},
    {"InvalidSecurity", 0x80180007u, "INVALID_SECURITY", ENROLL_AUTHENTICATION,
     "it could not read the security header; this is the wrong kind of token",
     "check where the token comes from, and try the other --token-type (user or jwt)"},
    {"DeviceCapReached", 0x80180013u, "DEVICE_CAP_REACHED", ENROLL_REFUSED,
     "this user has as many devices as allowed",
     "remove a device in the management console, then enrol again"},
    {"DeviceNotSupported", 0x80180014u, "DEVICE_NOT_SUPPORTED", ENROLL_REFUSED,
     "it does not take this kind of device, platform or version",
     "ask the administrator whether Linux devices are allowed; what this one says about itself is in the "
     "device profile"},
    {"NotSupported", 0x80180015u, "NOT_SUPPORTED", ENROLL_REFUSED,
     "management is not switched on for this user", "ask the administrator to enable MDM for this user"},
    {"InMaintenance", 0x80180017u, "IN_MAINTENANCE", ENROLL_REFUSED, "it is in maintenance",
     "try again later"},
    {"UserLicense", 0x80180018u, "USER_LICENSE", ENROLL_REFUSED, "this user has no licence for management",
     "ask the administrator to assign one"},
    {"InvalidEnrollmentData", 0x80180019u, "ENROLLMENT_DATA_INVALID", ENROLL_REFUSED,
     "it rejects the enrolment data", "check EnrollmentData in the device profile"},
    {"EnrollmentDataInvalid", 0x80180019u, "ENROLLMENT_DATA_INVALID", ENROLL_REFUSED,
     "it rejects the enrolment data", "check EnrollmentData in the device profile"},
    {"CustomServerError", 0x80180032u, "CUSTOM_SERVER_ERROR", ENROLL_REFUSED, "it says why in its own words",
     "do what the server's text says, or ask its administrator"},
};

static const struct fault_meaning unknown = {"",
                                             HRESULT_UNKNOWN,
                                             "UNKNOWN",
                                             ENROLL_REFUSED,
                                             "it gives no reason that is known",
                                             "give the server's text and its ids to the administrator"};

const char *fault_hresult_name(uint32_t hresult)
{
    static const struct {
        uint32_t hresult;
        const char *name;
    } ours[] = {{HRESULT_CONNECTIVITY, "CONNECTIVITY"},
                {HRESULT_TLS_CERTIFICATE, "INVALID_TLS_CERTIFICATE"},
                {HRESULT_UNSAFE_REDIRECT, "INSECURE_REDIRECT"},
                {HRESULT_CANCELLED, "USER_CANCELLED"}};

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].hresult == hresult)
            return meanings[i].name;
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (ours[i].hresult == hresult)
            return ours[i].name;
    return unknown.name;
}

static const struct fault_meaning *meaning_find(const char *text)
{
    for (size_t i = 0; text != NULL && i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (strcasestr(text, meanings[i].needle) != NULL)
            return &meanings[i];
    return NULL;
}

/* What a fault holds, all of it optional. SOAP 1.2 names first, SOAP 1.1 (faultcode, faultstring, detail) as
 * well. */
struct fault_words {
    char *code, *subcode, *reason;
    char *error_type, *message, *trace_id;
    char *error_code, *invalid_request; /* of a WSTEP certification authority */
    char *detail_text;
};

static char *reason_read(const xmlNode *fault)
{
    const xmlNode *reason = xml_child(fault, "Reason");
    char *text = xml_child_text(reason, "Text");

    if (text == NULL)
        text = xml_element_text(reason);
    return text != NULL ? text : xml_child_text(fault, "faultstring");
}

static void detail_read(const xmlNode *fault, struct fault_words *words)
{
    const xmlNode *detail = xml_child(fault, "Detail");
    const xmlNode *error = xml_descendant(detail, "DeviceEnrollmentServiceError");
    const xmlNode *authority = xml_descendant(detail, "CertificateEnrollmentWSDetail");

    if (error == NULL)
        error = xml_descendant(detail, "WindowsDeviceEnrollmentServiceError");
    words->error_type = xml_child_text(error, "ErrorType");
    words->message = xml_child_text(error, "Message");
    words->trace_id = xml_child_text(error, "TraceId");
    words->error_code = xml_child_text(authority, "ErrorCode");
    words->invalid_request = xml_child_text(authority, "InvalidRequest");
    words->detail_text = xml_element_text(detail);
}

static void words_read(const xmlNode *fault, struct fault_words *words)
{
    const xmlNode *code = xml_child(fault, "Code");
    const xmlNode *subcode = xml_child(code, "Subcode");

    words->code = xml_child_text(code, "Value");
    if (words->code == NULL)
        words->code = xml_child_text(fault, "faultcode");
    words->subcode = xml_child_text(subcode, "Value");
    words->reason = reason_read(fault);
    detail_read(fault, words);
}

static void words_clear(struct fault_words *words)
{
    free(words->code);
    free(words->subcode);
    free(words->reason);
    free(words->error_type);
    free(words->message);
    free(words->trace_id);
    free(words->error_code);
    free(words->invalid_request);
    free(words->detail_text);
}

/* The most specific words first: the detail's type, then the subcode, then what people are meant to read. */
static const struct fault_meaning *words_judge(const struct fault_words *words)
{
    const char *const texts[] = {words->error_type, words->subcode, words->code, words->detail_text,
                                 words->reason};
    const struct fault_meaning *meaning = NULL;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && meaning == NULL; i++)
        meaning = meaning_find(texts[i]);
    if (meaning == NULL && (words->error_code != NULL || words->invalid_request != NULL))
        meaning = meaning_find("CertificateRequest");
    return meaning != NULL ? meaning : &unknown;
}

static void printable_copy(const char *text, char *ret_text, size_t size)
{
    if (text != NULL)
        enroll_text_print(text, strlen(text), ret_text, size);
}

static void server_text_write(const struct fault_words *words, struct enroll_error *error)
{
    char reason[256] = "", message[256] = "";

    printable_copy(words->reason, reason, sizeof(reason));
    printable_copy(words->message, message, sizeof(message));
    if (*message != '\0' && *reason != '\0' && strcmp(reason, message) != 0)
        snprintf(error->server_text, sizeof(error->server_text), "%s (%s)", reason, message);
    else
        snprintf(error->server_text, sizeof(error->server_text), "%s", *reason != '\0' ? reason : message);
}

bool fault_read(const struct soap_reply *reply, const char *name, struct enroll_error *ret_error)
{
    struct fault_words words = {0};
    const struct fault_meaning *meaning;

    if (!xml_element_is(reply->content, "Fault"))
        return false;
    words_read(reply->content, &words);
    meaning = words_judge(&words);
    enroll_error_set(ret_error, meaning->exit_status, meaning->advice, "the server refused %s: %s", name,
                     meaning->message);
    ret_error->hresult = meaning->hresult;
    server_text_write(&words, ret_error);
    printable_copy(words.trace_id, ret_error->trace_id, sizeof(ret_error->trace_id));
    printable_copy(reply->activity_id, ret_error->activity_id, sizeof(ret_error->activity_id));
    words_clear(&words);
    return true;
}
