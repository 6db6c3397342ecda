/* Text of a message while it is written: grows, escapes, is wiped when freed, and remembers a failure to the
 * end. */
#ifndef ENROLL_MDE_XML_TEXT_H
#define ENROLL_MDE_XML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as {0}. `failed` once memory ran out or a character that XML cannot carry was given; then nothing is
 * appended. */
struct xml_text {
    char *data; /* terminated once anything was appended */
    size_t size, capacity;
    bool failed;
};

/* As it stands. */
void xml_text_append(struct xml_text *text, const char *markup);
/* As character data or attribute value: escaped. */
void xml_text_append_escaped(struct xml_text *text, const char *value);
/* One line of base64. */
void xml_text_append_base64(struct xml_text *text, const uint8_t *bytes, size_t size);
/* <name>escaped value</name>; name may carry attributes after a blank. */
void xml_text_append_element(struct xml_text *text, const char *name, const char *value);
/* Wipes and frees; leaves {0}. */
void xml_text_clear(struct xml_text *text);

#endif
