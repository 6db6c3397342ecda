#include "xml_document.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "error.h"

/* A document type declaration may define entities: parsing ends there, before anything in it is read. */
static void document_type_refuse(void *context, const xmlChar *name, const xmlChar *external,
                                 const xmlChar *system)
{
    xmlParserCtxt *parser = context;
    bool *seen = parser->_private;

    (void)name;
    (void)external;
    (void)system;
    *seen = true;
    xmlStopParser(parser);
}

static void message_drop(void *context, const char *format, ...)
{
    (void)context;
    (void)format;
}

static void why_write(const xmlParserCtxt *parser, char *ret_why, size_t why_size)
{
    const xmlError *last = xmlCtxtGetLastError((void *)(uintptr_t)parser);
    char text[160];

    if (last == NULL || last->message == NULL) {
        snprintf(ret_why, why_size, "it is not well-formed XML");
        return;
    }
    enroll_text_print(last->message, strlen(last->message), text, sizeof(text));
    if (strstr(text, "Excessive depth") != NULL)
        snprintf(ret_why, why_size, "it is nested deeper than %d levels", XML_DEPTH_MAX);
    else
        snprintf(ret_why, why_size, "it is not well-formed XML (line %d: %s)", last->line, text);
}

xmlDoc *xml_document_parse(const char *xml, size_t size, bool *ret_odd, char *ret_why, size_t why_size)
{
    bool document_type = false;
    xmlParserCtxt *parser;
    xmlDoc *document;

    if (size == 0) {
        snprintf(ret_why, why_size, "it is empty");
        return NULL;
    }
    if (size > XML_DOCUMENT_MAX) {
        snprintf(ret_why, why_size, "it is larger than %d bytes", XML_DOCUMENT_MAX);
        return NULL;
    }
    parser = xmlNewParserCtxt();
    if (parser == NULL) {
        snprintf(ret_why, why_size, "memory ran out");
        return NULL;
    }
    parser->_private = &document_type;
    parser->sax->internalSubset = document_type_refuse;
    parser->sax->error = message_drop;
    parser->sax->warning = message_drop;
    document =
        xmlCtxtReadMemory(parser, xml, (int)size, NULL, NULL,
                          XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
    if (document_type) {
        snprintf(ret_why, why_size, "it has a document type declaration, which SOAP forbids");
        xmlFreeDoc(document);
        document = NULL;
    } else if (document == NULL) {
        why_write(parser, ret_why, why_size);
    } else if (ret_odd != NULL) {
        *ret_odd = parser->nsWellFormed == 0;
    }
    xmlFreeParserCtxt(parser);
    return document;
}

bool xml_element_is(const xmlNode *node, const char *name)
{
    const char *local, *colon;

    if (node == NULL || node->type != XML_ELEMENT_NODE)
        return false;
    /* libxml2 leaves an undeclared prefix in the name. */
    local = (const char *)node->name;
    colon = strrchr(local, ':');
    if (colon != NULL)
        local = colon + 1;
    return name == NULL || strcasecmp(local, name) == 0;
}

const xmlNode *xml_sibling_find(const xmlNode *node, const char *name)
{
    while (node != NULL && !xml_element_is(node, name))
        node = node->next;
    return node;
}

const xmlNode *xml_child(const xmlNode *parent, const char *name)
{
    return parent == NULL ? NULL : xml_sibling_find(parent->children, name);
}

size_t xml_child_count(const xmlNode *parent, const char *name)
{
    size_t count = 0;

    for (const xmlNode *child = xml_child(parent, name); child != NULL;
         child = xml_sibling_find(child->next, name))
        count++;
    return count;
}

const xmlNode *xml_next(const xmlNode *node, const xmlNode *root)
{
    if (node->type == XML_ELEMENT_NODE && node->children != NULL)
        return node->children;
    while (node != root && node->next == NULL)
        node = node->parent;
    return node == root ? NULL : node->next;
}

const xmlNode *xml_descendant(const xmlNode *root, const char *name)
{
    const xmlNode *node = root;

    while (node != NULL && (node = xml_next(node, root)) != NULL)
        if (xml_element_is(node, name))
            return node;
    return NULL;
}

char *xml_attribute(const xmlNode *element, const char *name)
{
    for (const xmlAttr *attribute = element == NULL ? NULL : element->properties; attribute != NULL;
         attribute = attribute->next) {
        const char *local = (const char *)attribute->name;
        const char *colon = strrchr(local, ':');
        const xmlNode *text = attribute->children;

        if (strcasecmp(colon != NULL ? colon + 1 : local, name) == 0)
            return strdup(text != NULL && text->content != NULL ? (const char *)text->content : "");
    }
    return NULL;
}

bool xml_element_nil(const xmlNode *element)
{
    char *nil = xml_attribute(element, "nil");
    bool result = nil != NULL && (strcasecmp(nil, "true") == 0 || strcmp(nil, "1") == 0);

    free(nil);
    return result;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The text of the element's own text nodes; a child element is not text, so that markup cannot hide in a
 * value. */
static char *text_gather(const xmlNode *element)
{
    size_t size = 0;
    char *text, *end;

    for (const xmlNode *child = element->children; child != NULL; child = child->next)
        if (child->type == XML_TEXT_NODE && child->content != NULL)
            size += strlen((const char *)child->content);
    text = malloc(size + 1);
    if (text == NULL)
        return NULL;
    end = text;
    for (const xmlNode *child = element->children; child != NULL; child = child->next)
        if (child->type == XML_TEXT_NODE && child->content != NULL)
            end = stpcpy(end, (const char *)child->content);
    *end = '\0';
    return text;
}

char *xml_element_text(const xmlNode *element)
{
    char *text;
    size_t start = 0, end;

    if (element == NULL || xml_element_nil(element))
        return NULL;
    text = text_gather(element);
    if (text == NULL)
        return NULL;
    end = strlen(text);
    while (start < end && is_blank(text[start]))
        start++;
    while (end > start && is_blank(text[end - 1]))
        end--;
    if (start == end) {
        free(text);
        return NULL;
    }
    memmove(text, text + start, end - start);
    text[end - start] = '\0';
    return text;
}

char *xml_child_text(const xmlNode *parent, const char *name)
{
    return xml_element_text(xml_child(parent, name));
}

bool xml_child_number(const xmlNode *parent, const char *name, uint64_t limit, uint64_t *ret_number)
{
    char *text = xml_child_text(parent, name);
    uint64_t number = 0;
    bool valid = text != NULL;

    for (const char *c = text; valid && *c != '\0'; c++) {
        valid = *c >= '0' && *c <= '9' && number <= (limit - (uint64_t)(*c - '0')) / 10;
        number = number * 10 + (uint64_t)(*c - '0');
    }
    valid = valid && number <= limit;
    free(text);
    if (valid)
        *ret_number = number;
    return valid;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool xml_base64_decode(const char *text, uint8_t **ret_bytes, size_t *ret_size, const char **ret_why)
{
    size_t length = strlen(text), digits = 0, padding = 0, size = 0;
    uint8_t *bytes = malloc(length / 4 * 3 + 4);
    uint32_t group = 0;

    *ret_why = "memory ran out";
    if (bytes == NULL)
        return false;
    for (; *text != '\0'; text++) {
        int value = base64_value(*text);

        if (is_blank(*text))
            continue;
        if (*text == '"' || *text == '\'') {
            *ret_why = "there are quote characters around the base64";
            goto fail;
        }
        if (*text == '=') {
            padding++;
            continue;
        }
        if (value < 0 || padding > 0) {
            *ret_why = value < 0 ? "there is a character that is not base64" : "base64 goes on after its end";
            goto fail;
        }
        group = group << 6 | (uint32_t)value;
        if (++digits % 4 == 0) {
            bytes[size++] = (uint8_t)(group >> 16);
            bytes[size++] = (uint8_t)(group >> 8);
            bytes[size++] = (uint8_t)group;
        }
    }
    if (digits % 4 == 1 || padding > 2 || (digits + padding) % 4 != 0 || digits == 0) {
        *ret_why = digits == 0 ? "it is empty" : "the base64 is cut off";
        goto fail;
    }
    if (digits % 4 >= 2)
        bytes[size++] = (uint8_t)(digits % 4 == 2 ? group >> 4 : group >> 10);
    if (digits % 4 == 3)
        bytes[size++] = (uint8_t)(group >> 2);
    bytes[size] = 0;
    *ret_bytes = bytes;
    *ret_size = size;
    return true;
fail:
    free(bytes);
    return false;
}
