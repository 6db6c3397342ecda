/*
 * Reading XML that a server sent: libxml2 without network, entities, DTDs or its "huge" mode; at most 1 MiB
 * and 256 levels. Names are compared by their local part and without regard to case, because servers differ
 * in both.
 */
#ifndef ENROLL_MDE_XML_DOCUMENT_H
#define ENROLL_MDE_XML_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#define XML_DOCUMENT_MAX (1024 * 1024)
#define XML_DEPTH_MAX    256

/*
 * Parses `size` bytes. NULL with one sentence in ret_why (why_size bytes) when they are refused. *ret_odd
 * (may be NULL) is set when the names are not well-formed by XML Namespaces (an undeclared prefix). Freed
 * with xmlFreeDoc().
 */
xmlDoc *xml_document_parse(const char *xml, size_t size, bool *ret_odd, char *ret_why, size_t why_size)
    __attribute__((warn_unused_result));

/* Whether it is an element of that local name. */
bool xml_element_is(const xmlNode *node, const char *name);
/* The first child element of that name (any if NULL) at or after `node`, a child; NULL if none. */
const xmlNode *xml_sibling_find(const xmlNode *node, const char *name);
/* The first child element of that name of parent; NULL if none or parent is NULL. */
const xmlNode *xml_child(const xmlNode *parent, const char *name);
/* How many child elements of that name parent has. */
size_t xml_child_count(const xmlNode *parent, const char *name);
/* The node after `node` in document order within root, without recursion; NULL at the end. */
const xmlNode *xml_next(const xmlNode *node, const xmlNode *root);
/* The first element of that name anywhere below root. */
const xmlNode *xml_descendant(const xmlNode *root, const char *name);

/* Whether it has xsi:nil="true", however the prefix was declared. */
bool xml_element_nil(const xmlNode *element);
/* Its text without blanks at both ends; NULL when absent, nil or empty, or memory is out. free() it. */
char *xml_element_text(const xmlNode *element);
/* xml_element_text() of a child. */
char *xml_child_text(const xmlNode *parent, const char *name);
/* The value of an attribute by its local name, any case; NULL if none. free() it. */
char *xml_attribute(const xmlNode *element, const char *name);
/* Text of a child as an unsigned decimal number up to `limit`; false when it is absent or none. */
bool xml_child_number(const xmlNode *parent, const char *name, uint64_t limit, uint64_t *ret_number);

/*
 * Strict base64 with blanks and line breaks between. *ret_bytes is malloc()ed, with a 0 behind it. False for
 * anything else, empty text included; *ret_why says which character or what it was, static.
 */
bool xml_base64_decode(const char *text, uint8_t **ret_bytes, size_t *ret_size, const char **ret_why)
    __attribute__((warn_unused_result));

#endif
