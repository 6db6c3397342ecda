#include "faults.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "soap.h"

struct fault_row {
    const char *name;
    const char *prefix;
    const char *subcode;
    bool detailed; /* the name is the detail's ErrorType, the subcode says something more general */
};

static const struct fault_row fault_rows[] = {
    {"MessageFormat", "s", "MessageFormat", false},
    {"Authentication", "s", "Authentication", false},
    {"FailedAuthentication", "s", "FailedAuthentication", false},
    {"Authorization", "s", "Authorization", false},
    {"CertificateRequest", "s", "CertificateRequest", false},
    {"CertificateAuthority", "s", "CertificateAuthority", false},
    {"EnrollmentServer", "s", "EnrollmentServer", false},
    {"InternalServiceFault", "a", "InternalServiceFault", false},
    {"InternalServerFault", "s", "InternalServerFault", false},
    {"InvalidSecurity", "a", "InvalidSecurity", false},
    {"DeviceCapReached", "s", "Authorization", true},
    {"DeviceNotSupported", "s", "Authorization", true},
    {"NotSupported", "s", "Authorization", true},
    {"NotEligibleToRenew", "s", "Authorization", true},
    {"InMaintenance", "s", "EnrollmentServer", true},
    {"UserLicense", "s", "Authorization", true},
    {"InvalidEnrollmentData", "s", "EnrollmentServer", true},
    {"CustomServerError", "s", "EnrollmentServer", true},
    {"Unknown", "s", "SomethingElse", false},
};

bool fault_set(struct fault *fault, const char *name, const char *format, ...)
{
    (void)snprintf(fault->name, sizeof fault->name, "%s", name);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    return false;
}

static const struct fault_row *fault_row_find(const char *name)
{
    for (size_t i = 0; i < sizeof fault_rows / sizeof *fault_rows; i++)
        if (strcmp(fault_rows[i].name, name) == 0)
            return &fault_rows[i];
    abort();
}

static void name_write(struct text *out, const char *name, bool lower)
{
    for (; *name; name++)
        text_format(out, "%c", lower ? tolower((unsigned char)*name) : *name);
}

static void detail_write(const struct modes *modes, const struct fault_row *row, const char *text, bool lower,
                         struct text *out)
{
    const char *kind = modes_value(modes, "fault-detail");
    char trace[37];
    text_random_uuid(trace);
    if (kind && strcmp(kind, "none") == 0)
        return;
    if (kind && strcmp(kind, "ca") == 0) {
        text_append(out, "<s:Detail><CertificateEnrollmentWSDetail xmlns=\"" WSTEP_NAMESPACE "\">"
                         "<BinaryResponse></BinaryResponse><ErrorCode>-2146877420</ErrorCode>"
                         "<InvalidRequest>true</InvalidRequest><RequestID>7</RequestID>"
                         "</CertificateEnrollmentWSDetail></s:Detail>");
        return;
    }
    if (!row->detailed && !kind)
        return;
    const char *element = kind ? "WindowsDeviceEnrollmentServiceError" : "DeviceEnrollmentServiceError";
    text_format(out, "<s:Detail><%s xmlns=\"" WSTEP_NAMESPACE "\"><ErrorType>", element);
    name_write(out, row->name, lower);
    text_append(out, "</ErrorType><Message>");
    text_xml_append(out, text);
    text_format(out, "</Message><TraceId>%s</TraceId></%s></s:Detail>", trace, element);
}

/* Writes names in lower case between < and >, and the values of the codes, as small servers do. Namespaces,
 * which would become others, stay: they are attributes, after the first space. */
static void lower_case(struct text *body, size_t start)
{
    bool in_name = false;
    for (size_t i = start; i < body->size; i++) {
        char *character = body->data + i;
        if (*character == '<')
            in_name = true;
        else if (*character == '>' || *character == ' ')
            in_name = false;
        if (in_name)
            *character = (char)tolower((unsigned char)*character);
    }
}

static void value_write(struct text *out, const char *prefix, const char *value, bool lower)
{
    text_format(out, "<s:Value>%s:", prefix);
    name_write(out, value, lower);
    text_append(out, "</s:Value>");
}

/* The specification's namespace prefix is s; some servers use another. */
static void prefix_change(struct text *body, const char *prefix)
{
    static const char *const marks[] = {"<s:", "</s:", "xmlns:s=", " s:mustUnderstand", ">s:"};
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        size_t offset = 0;
        const char *found = NULL;
        const char *s = strchr(marks[m], 's');
        if (strncmp(marks[m], "xmlns", 5) == 0)
            s = marks[m] + 6;
        size_t position = (size_t)(s - marks[m]);
        while ((found = strstr(body->data + offset, marks[m]))) {
            offset = (size_t)(found - body->data) + position;
            text_replace(body, offset, 1, prefix);
        }
    }
}

void fault_write(const struct modes *modes, const struct fault *fault, const char *relates_to,
                 const struct mode *look, struct reply *reply)
{
    const struct fault_row *row = fault_row_find(fault->name);
    const char *detail_kind = modes_value(modes, "fault-detail");
    bool in_subcode = !row->detailed || (detail_kind && strcmp(detail_kind, "none") == 0);
    bool fleet = modes_deviate(modes, "fleet");
    bool lower = fleet || (look && look->lower_case);
    text_clear(&reply->body);
    soap_envelope_begin(modes, ADDRESSING_NAMESPACE "/soap/fault", relates_to, &reply->body);
    size_t start = reply->body.size;
    text_append(&reply->body, "<s:Fault><s:Code>");
    value_write(&reply->body, "s", "Receiver", lower);
    text_append(&reply->body, "<s:Subcode>");
    value_write(&reply->body, row->prefix, in_subcode ? row->name : row->subcode, lower);
    text_append(&reply->body, "</s:Subcode></s:Code><s:Reason><s:Text xml:lang=\"en-us\">");
    text_xml_append(&reply->body, fault->text);
    text_append(&reply->body, "</s:Text></s:Reason>");
    detail_write(modes, row, fault->text, lower, &reply->body);
    text_append(&reply->body, "</s:Fault>");
    if (lower)
        lower_case(&reply->body, start);
    soap_envelope_end(&reply->body);
    if (look && *look->prefix)
        prefix_change(&reply->body, look->prefix);
    reply->status = look && look->status ? look->status : fleet ? 200 : 500;
    reply->content_type = soap_content_type(modes);
    (void)snprintf(reply->outcome, sizeof reply->outcome, "fault %s: %s", fault->name, fault->text);
}
