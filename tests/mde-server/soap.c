#include "soap.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <libxml/parser.h>

#include "modes.h"
#include "server.h"

#define BODY_SIZE_MAX (1024 * 1024)
#define ANONYMOUS     ADDRESSING_NAMESPACE "/anonymous"

static bool transport_check(const struct request *request, struct fault *ret_fault)
{
    if (request->transfer_encoding && *request->transfer_encoding)
        return fault_set(ret_fault, "MessageFormat", "Transfer-Encoding %s: Content-Length is wanted",
                         request->transfer_encoding);
    if (!request->has_length)
        return fault_set(ret_fault, "MessageFormat", "Content-Length is missing");
    const char *type = request->content_type ? request->content_type : "";
    const char *wanted = "application/soap+xml";
    size_t length = strlen(wanted);
    if (strncasecmp(type, wanted, length) != 0 ||
        (type[length] && type[length] != ';' && type[length] != ' '))
        return fault_set(ret_fault, "MessageFormat", "Content-Type is \"%s\", not %s", type, wanted);
    if (!strcasestr(type + length, "charset=utf-8") && !strcasestr(type + length, "charset=\"utf-8\""))
        return fault_set(ret_fault, "MessageFormat", "Content-Type has no charset=utf-8");
    if (request->body_size == 0)
        return fault_set(ret_fault, "MessageFormat", "the message is empty");
    if (request->body_size > BODY_SIZE_MAX || memchr(request->body, '\0', request->body_size))
        return fault_set(ret_fault, "MessageFormat", "the message is too long or holds a NUL");
    return true;
}

static bool document_parse(const struct request *request, xmlDoc **ret_document, struct fault *ret_fault)
{
    xmlParserCtxt *context = xmlNewParserCtxt();
    if (!context)
        abort();
    xmlDoc *document =
        xmlCtxtReadMemory(context, request->body, (int)request->body_size, NULL, NULL,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
    bool namespaces_good = context->nsWellFormed == 1;
    bool read = document && context->wellFormed == 1;
    xmlFreeParserCtxt(context);
    if (!read || !namespaces_good || document->intSubset || document->extSubset) {
        const char *why = !read              ? "the message is no well-formed XML"
                          : !namespaces_good ? "a namespace prefix of the message is not declared"
                                             : "the message has a document type";
        xmlFreeDoc(document);
        return fault_set(ret_fault, "MessageFormat", "%s", why);
    }
    *ret_document = document;
    return true;
}

bool soap_name_is(const xmlNode *node, const char *name_space, const char *name)
{
    return node->type == XML_ELEMENT_NODE && (!name || strcmp((const char *)node->name, name) == 0) &&
           (!name_space ||
            (node->ns && node->ns->href && strcmp((const char *)node->ns->href, name_space) == 0));
}

static xmlNode *node_find(xmlNode *node, const char *name_space, const char *name)
{
    while (node && !soap_name_is(node, name_space, name))
        node = node->next;
    return node;
}

xmlNode *soap_child_find(xmlNode *parent, const char *name_space, const char *name)
{
    return node_find(parent->children, name_space, name);
}

xmlNode *soap_sibling_find(xmlNode *node, const char *name_space, const char *name)
{
    return node_find(node->next, name_space, name);
}

xmlNode *soap_child_require(xmlNode *parent, const char *name_space, const char *name,
                            struct fault *ret_fault)
{
    xmlNode *child = soap_child_find(parent, name_space, name);
    if (!child) {
        xmlNode *namesake = soap_child_find(parent, NULL, name);
        if (namesake)
            fault_set(ret_fault, "MessageFormat", "%s in %s is not in the namespace %s", name,
                      (const char *)parent->name, name_space);
        else
            fault_set(ret_fault, "MessageFormat", "%s is missing in %s", name, (const char *)parent->name);
        return NULL;
    }
    if (soap_sibling_find(child, name_space, name)) {
        fault_set(ret_fault, "MessageFormat", "%s is there more than once in %s", name,
                  (const char *)parent->name);
        return NULL;
    }
    return child;
}

char *soap_child_text(xmlNode *parent, const char *name_space, const char *name, struct fault *ret_fault)
{
    xmlNode *child = soap_child_require(parent, name_space, name, ret_fault);
    if (!child)
        return NULL;
    char *content = (char *)xmlNodeGetContent(child);
    if (!content)
        abort();
    if (soap_child_find(child, NULL, NULL))
        fault_set(ret_fault, "MessageFormat", "%s holds elements where text is wanted", name);
    else if (content[strspn(content, " \t\r\n")] == '\0')
        fault_set(ret_fault, "MessageFormat", "%s is empty", name);
    else
        return content;
    free(content);
    return NULL;
}

char *soap_attribute_text(xmlNode *node, const char *name_space, const char *name)
{
    return (char *)(name_space ? xmlGetNsProp(node, (const xmlChar *)name, (const xmlChar *)name_space)
                               : xmlGetNoNsProp(node, (const xmlChar *)name));
}

bool soap_attribute_require(xmlNode *node, const char *name, const char *value, struct fault *ret_fault)
{
    char *found = soap_attribute_text(node, NULL, name);
    bool good = found && strcmp(found, value) == 0;
    if (!found)
        fault_set(ret_fault, "MessageFormat", "the attribute %s of %s is missing", name,
                  (const char *)node->name);
    else if (!good)
        fault_set(ret_fault, "MessageFormat", "the attribute %s of %s is \"%.200s\", not \"%s\"", name,
                  (const char *)node->name, found, value);
    free(found);
    return good;
}

/* A header that the receiver must understand is marked so (SOAP 1.2 part 1, 5.2.3). */
static bool must_understand_check(xmlNode *node, struct fault *ret_fault)
{
    char *mark = soap_attribute_text(node, SOAP_NAMESPACE, "mustUnderstand");
    bool good = mark && (strcmp(mark, "1") == 0 || strcmp(mark, "true") == 0);
    free(mark);
    return good || fault_set(ret_fault, "MessageFormat", "%s has no s:mustUnderstand=\"1\"",
                             (const char *)node->name);
}

static bool header_text_check(xmlNode *header, const char *name, const char *wanted, struct fault *ret_fault)
{
    char *found = soap_child_text(header, ADDRESSING_NAMESPACE, name, ret_fault);
    if (!found)
        return false;
    bool good = strcmp(found, wanted) == 0;
    if (!good)
        fault_set(ret_fault, "MessageFormat", "%s is \"%.200s\", not \"%s\"", name, found, wanted);
    free(found);
    return good && must_understand_check(soap_child_find(header, ADDRESSING_NAMESPACE, name), ret_fault);
}

static bool reply_to_check(xmlNode *header, struct fault *ret_fault)
{
    xmlNode *reply_to = soap_child_require(header, ADDRESSING_NAMESPACE, "ReplyTo", ret_fault);
    char *address = reply_to ? soap_child_text(reply_to, ADDRESSING_NAMESPACE, "Address", ret_fault) : NULL;
    if (!address)
        return false;
    bool good = strcmp(address, ANONYMOUS) == 0;
    if (!good)
        fault_set(ret_fault, "MessageFormat", "ReplyTo/Address is \"%.200s\", not " ANONYMOUS, address);
    free(address);
    return good;
}

/* The order of MS-MDE2's samples: for those who read headers by position. */
static bool order_check(xmlNode *header, struct fault *ret_fault)
{
    static const char *const order[] = {"Action", "MessageID", "ReplyTo", "To", "Security"};
    size_t place = 0;
    for (xmlNode *node = soap_child_find(header, NULL, NULL); node;
         node = soap_sibling_find(node, NULL, NULL)) {
        while (place < sizeof order / sizeof *order && strcmp(order[place], (const char *)node->name) != 0)
            place++;
        if (place == sizeof order / sizeof *order)
            return fault_set(ret_fault, "MessageFormat", "the header %s is not in its place",
                             (const char *)node->name);
    }
    return true;
}

static bool header_known(const xmlNode *node)
{
    static const char *const known[] = {"Action", "MessageID", "ReplyTo", "To"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (soap_name_is(node, ADDRESSING_NAMESPACE, known[i]))
            return true;
    return soap_name_is(node, SECURITY_NAMESPACE, "Security");
}

static bool header_check(const struct request *request, xmlNode *header, const char *action,
                         struct soap_message *message, struct fault *ret_fault)
{
    message->message_id = soap_child_text(header, ADDRESSING_NAMESPACE, "MessageID", ret_fault);
    if (!message->message_id || !header_text_check(header, "Action", action, ret_fault) ||
        !reply_to_check(header, ret_fault) || !header_text_check(header, "To", request->url, ret_fault))
        return false;
    if (modes_has(&request->server->options.modes, "strict", "header-order") &&
        !order_check(header, ret_fault))
        return false;
    for (xmlNode *node = soap_child_find(header, NULL, NULL); node;
         node = soap_sibling_find(node, NULL, NULL)) {
        struct fault ignored;
        if (!header_known(node) && must_understand_check(node, &ignored))
            return fault_set(ret_fault, "MessageFormat", "the header %s must be understood and is not",
                             (const char *)node->name);
    }
    if (!soap_child_find(header, SECURITY_NAMESPACE, "Security"))
        return true;
    message->security = soap_child_require(header, SECURITY_NAMESPACE, "Security", ret_fault);
    return message->security && must_understand_check(message->security, ret_fault);
}

bool soap_message_read(const struct request *request, const char *action, struct soap_message *ret_message,
                       struct fault *ret_fault)
{
    *ret_message = (struct soap_message){0};
    if (!transport_check(request, ret_fault) || !document_parse(request, &ret_message->document, ret_fault))
        return false;
    xmlNode *root = xmlDocGetRootElement(ret_message->document);
    if (!soap_name_is(root, SOAP_NAMESPACE, "Envelope"))
        return fault_set(ret_fault, "MessageFormat", "the root is not Envelope of SOAP 1.2");
    xmlNode *header = soap_child_require(root, SOAP_NAMESPACE, "Header", ret_fault);
    if (!header || !header_check(request, header, action, ret_message, ret_fault))
        return false;
    xmlNode *body = soap_child_require(root, SOAP_NAMESPACE, "Body", ret_fault);
    if (!body)
        return false;
    ret_message->body = soap_child_find(body, NULL, NULL);
    if (!ret_message->body)
        return fault_set(ret_fault, "MessageFormat", "Body is empty");
    if (soap_sibling_find(ret_message->body, NULL, NULL))
        return fault_set(ret_fault, "MessageFormat", "Body holds more than one element");
    return true;
}

void soap_message_clear(struct soap_message *message)
{
    free(message->message_id);
    xmlFreeDoc(message->document);
    *message = (struct soap_message){0};
}

const char *soap_space(const struct modes *modes)
{
    return modes_deviate(modes, "whitespace") ? "\r\n\t  " : "";
}

const char *soap_content_type(const struct modes *modes)
{
    return modes_deviate(modes, "content-type-parameter")
               ? "Application/SOAP+XML;action=\"urn:an-action\";Charset=\"UTF-8\""
               : SOAP_CONTENT_TYPE;
}

static void timestamp_write(const struct modes *modes, struct text *out)
{
    char created[32] = "2018-11-30T00:32:59.420Z";
    char expires[32] = "2018-12-30T00:37:59.420Z";
    if (!modes_deviate(modes, "fixed-timestamp") && !modes_deviate(modes, "fleet")) {
        time_t now = time(NULL);
        time_t end = now + 300;
        struct tm broken_down;
        (void)strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&now, &broken_down));
        (void)strftime(expires, sizeof expires, "%Y-%m-%dT%H:%M:%S.000Z", gmtime_r(&end, &broken_down));
    }
    text_format(out,
                "<o:Security s:mustUnderstand=\"1\" xmlns:o=\"" SECURITY_NAMESPACE
                "\"><u:Timestamp u:Id=\"_0\">"
                "<u:Created>%s</u:Created><u:Expires>%s</u:Expires></u:Timestamp></o:Security>",
                created, expires);
}

static void envelope_begin(const struct modes *modes, const char *action, const char *relates_to, bool dated,
                           struct text *out)
{
    const char *space = soap_space(modes);
    const char *prefix = modes_deviate(modes, "action-without-namespace") ? "" : "a:";
    char activity[37];
    text_random_uuid(activity);
    text_format(out,
                "%s<s:Envelope xmlns:s=\"%s\" xmlns:a=\"" ADDRESSING_NAMESPACE
                "\" xmlns:u=\"" UTILITY_NAMESPACE
                "\"><s:Header><%sAction s:mustUnderstand=\"1\">%s%s%s</%sAction>",
                modes_deviate(modes, "byte-order-mark") ? "\xEF\xBB\xBF" : "",
                modes_deviate(modes, "soap11") ? "http://schemas.xmlsoap.org/soap/envelope/" : SOAP_NAMESPACE,
                prefix, space, action, space, prefix);
    text_format(out,
                "<ActivityId CorrelationId=\"%s\" xmlns=\"http://schemas.microsoft.com/2004/09/ServiceModel/"
                "Diagnostics\">%s</ActivityId>",
                activity, activity);
    if (*relates_to) {
        text_format(out, "<a:RelatesTo>%s", space);
        text_xml_append(out, modes_deviate(modes, "relates-to") ? "urn:uuid:urn:uuid:0d5a1441" : relates_to);
        text_format(out, "%s</a:RelatesTo>", space);
    }
    if (dated)
        timestamp_write(modes, out);
    text_append(out, "</s:Header><s:Body>");
}

void soap_envelope_begin(const struct modes *modes, const char *action, const char *relates_to,
                         struct text *out)
{
    envelope_begin(modes, action, relates_to, false, out);
}

void soap_envelope_begin_dated(const struct modes *modes, const char *action, const char *relates_to,
                               struct text *out)
{
    envelope_begin(modes, action, relates_to, true, out);
}

void soap_envelope_end(struct text *out)
{
    text_append(out, "</s:Body></s:Envelope>");
}
