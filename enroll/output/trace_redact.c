#include "trace_redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libxml/tree.h>
#include <openssl/crypto.h>

#include "xml_document.h"
#include "trace_claims.h"

#define REMOVED    "(removed)"
#define SECRET_MIN 6 /* bytes; shorter ones would cut words of the protocol */

/* ---- what was seen ---- */

void trace_secrets_clear(struct trace_secrets *secrets)
{
    for (size_t i = 0; i < secrets->count; i++) {
        OPENSSL_cleanse(secrets->values[i], strlen(secrets->values[i]));
        free(secrets->values[i]);
    }
    *secrets = (struct trace_secrets){0};
}

static void value_remember(struct trace_secrets *secrets, const char *value)
{
    if (strlen(value) < SECRET_MIN || secrets->count == TRACE_SECRETS_MAX)
        return;
    for (size_t i = 0; i < secrets->count; i++)
        if (strcmp(secrets->values[i], value) == 0)
            return;
    secrets->values[secrets->count] = strdup(value);
    if (secrets->values[secrets->count] != NULL)
        secrets->count++;
}

/* As it is, and as it stands in the text of an element when a server echoes it. */
static void secret_remember(struct trace_secrets *secrets, const char *value)
{
    xmlChar *escaped;
    size_t at = strcspn(value, "&<>\"");

    value_remember(secrets, value);
    if (value[at] == '\0')
        return;
    escaped = xmlEncodeSpecialChars(NULL, BAD_CAST value);
    if (escaped == NULL)
        return;
    value_remember(secrets, (const char *)escaped);
    /* Quotes stand for themselves there. */
    for (char *quote = (char *)escaped; (quote = strstr(quote, "&quot;")) != NULL; quote++) {
        *quote = '"';
        memmove(quote + 1, quote + 6, strlen(quote + 6) + 1);
    }
    value_remember(secrets, (const char *)escaped);
    OPENSSL_cleanse(escaped, strlen((const char *)escaped));
    xmlFree(escaped);
}

void trace_secrets_cut(const struct trace_secrets *secrets, char *text)
{
    for (size_t i = 0; i < secrets->count; i++)
        for (char *found = text; (found = strstr(found, secrets->values[i])) != NULL;)
            memset(found, '*', strlen(secrets->values[i]));
}

/* ---- XML ---- */

static void element_text_set(xmlNode *element, const char *text)
{
    xmlChar *escaped = xmlEncodeSpecialChars(element->doc, BAD_CAST text);

    xmlNodeSetContent(element, escaped);
    xmlFree(escaped);
}

/* A token of wsse:Security, base64 of what the token service gave. */
static void token_replace(struct trace_secrets *secrets, xmlNode *element)
{
    char *base64 = xml_element_text(element), *description;
    const char *why;
    uint8_t *bytes = NULL;
    size_t size = 0;

    if (base64 == NULL)
        return;
    secret_remember(secrets, base64);
    if (xml_base64_decode(base64, &bytes, &size, &why)) {
        char *token = strdup((const char *)bytes);

        if (token != NULL) {
            secret_remember(secrets, token);
            description = trace_claims_describe(token);
            element_text_set(element, description != NULL ? description : REMOVED);
            free(description);
            OPENSSL_cleanse(token, strlen(token));
        }
        free(token);
        OPENSSL_cleanse(bytes, size);
        free(bytes);
    } else {
        element_text_set(element, REMOVED);
    }
    OPENSSL_cleanse(base64, strlen(base64));
    free(base64);
}

static void password_replace(struct trace_secrets *secrets, xmlNode *element)
{
    char *text = xml_element_text(element);

    if (text == NULL)
        return;
    secret_remember(secrets, text);
    element_text_set(element, REMOVED);
    OPENSSL_cleanse(text, strlen(text));
    free(text);
}

/* AAUTHSECRET, AAUTHDATA and whatever else a document calls a secret (MS-MDE2 2.2.9.2, APPAUTH). */
static void parameter_replace(struct trace_secrets *secrets, xmlNode *parameter)
{
    char *name = xml_attribute(parameter, "name"), *value = xml_attribute(parameter, "value");

    if (name != NULL && value != NULL && *value != '\0' &&
        (strcasestr(name, "SECRET") != NULL || strcasecmp(name, "AAUTHDATA") == 0 ||
         strcasestr(name, "PASSWORD") != NULL)) {
        secret_remember(secrets, value);
        xmlSetProp(parameter, BAD_CAST "value", BAD_CAST REMOVED);
    }
    free(name);
    if (value != NULL)
        OPENSSL_cleanse(value, strlen(value));
    free(value);
}

static bool only_blanks(const xmlNode *node)
{
    return node->type == XML_TEXT_NODE && node->content != NULL &&
           strspn((const char *)node->content, " \t\r\n") == strlen((const char *)node->content);
}

/* Blanks between elements go, so that the lines can be set anew. */
static void blanks_remove(xmlNode *root)
{
    const xmlNode *node = root;

    while (node != NULL) {
        const xmlNode *next = xml_next(node, root);

        if (only_blanks(node) && (node->next != NULL || node->prev != NULL)) {
            xmlNode *blank = (xmlNode *)(uintptr_t)node;

            xmlUnlinkNode(blank);
            xmlFreeNode(blank);
        }
        node = next;
    }
}

static char *xml_format(xmlDoc *document)
{
    xmlChar *text = NULL;
    int size = 0;
    char *copy;

    blanks_remove(xmlDocGetRootElement(document));
    xmlDocDumpFormatMemoryEnc(document, &text, &size, "UTF-8", 1);
    copy = text != NULL ? strdup((const char *)text) : NULL;
    xmlFree(text);
    return copy;
}

static char *document_format(struct trace_secrets *secrets, const char *base64)
{
    char why[160], *text = NULL;
    const char *reason;
    uint8_t *bytes;
    size_t size;
    xmlDoc *document;

    if (!xml_base64_decode(base64, &bytes, &size, &reason))
        return NULL;
    document = xml_document_parse((const char *)bytes, size, NULL, why, sizeof(why));
    OPENSSL_cleanse(bytes, size);
    free(bytes);
    if (document == NULL)
        return NULL;
    for (const xmlNode *node = xmlDocGetRootElement(document); node != NULL;
         node = xml_next(node, xmlDocGetRootElement(document)))
        if (xml_element_is(node, "parm"))
            parameter_replace(secrets, (xmlNode *)(uintptr_t)node);
    text = xml_format(document);
    xmlFreeDoc(document);
    return text;
}

/* The provisioning document is shown beside the message, not as base64 in it. */
static void document_replace(struct trace_secrets *secrets, xmlNode *element, struct trace_text *text)
{
    char *base64 = xml_element_text(element);

    if (base64 != NULL && text->document == NULL)
        text->document = document_format(secrets, base64);
    if (base64 != NULL)
        element_text_set(element,
                         text->document != NULL ? "(the provisioning document, shown by itself)" : REMOVED);
    if (base64 != NULL)
        OPENSSL_cleanse(base64, strlen(base64));
    free(base64);
}

static void element_replace(struct trace_secrets *secrets, xmlNode *element, struct trace_text *text)
{
    if (xml_element_is(element, "Password")) {
        password_replace(secrets, element);
    } else if (xml_element_is(element, "BinarySecurityToken")) {
        if (xml_element_is(element->parent, "Security"))
            token_replace(secrets, element);
        else if (xml_element_is(element->parent, "RequestedSecurityToken"))
            document_replace(secrets, element, text);
    } else if (xml_element_is(element, "parm")) {
        parameter_replace(secrets, element);
    }
}

static bool xml_make(struct trace_secrets *secrets, const uint8_t *bytes, size_t size,
                     struct trace_text *text)
{
    char why[160];
    xmlDoc *document = xml_document_parse((const char *)bytes, size, NULL, why, sizeof(why));
    const xmlNode *root, *next;

    if (document == NULL)
        return false;
    root = xmlDocGetRootElement(document);
    for (const xmlNode *node = root; node != NULL; node = next) {
        element_replace(secrets, (xmlNode *)(uintptr_t)node, text);
        next = xml_next(node, root);
    }
    text->text = xml_format(document);
    text->extension = "xml";
    xmlFreeDoc(document);
    return text->text != NULL;
}

/* ---- forms and JSON of the token service ---- */

static bool member_is_secret(const char *name, size_t size)
{
    static const char *const secrets[] = {
        "access_token", "refresh_token", "id_token",         "device_code", "code",   "user_code",
        "password",     "client_secret", "client_assertion", "assertion",   "wresult"};

    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        if (strlen(secrets[i]) == size && strncasecmp(name, secrets[i], size) == 0)
            return true;
    return false;
}

static bool form_make(const uint8_t *bytes, size_t size, struct trace_text *text)
{
    const char *form = (const char *)bytes, *end = form + size;
    char *out = malloc(2 * size + 64), *write = out;

    if (out == NULL)
        return false;
    /* Every pair gets a line; a removed value is longer than an empty one, but never than the pair's share.
     */
    while (form < end) {
        const char *stop = memchr(form, '&', (size_t)(end - form));
        size_t pair = (size_t)((stop != NULL ? stop : end) - form);
        const char *equals = memchr(form, '=', pair);
        size_t name = equals != NULL ? (size_t)(equals - form) : pair;
        bool secret = member_is_secret(form, name) && pair > name + strlen(REMOVED);

        if (member_is_secret(form, name) && !secret)
            pair = name;
        memcpy(write, form, secret ? name + 1 : pair);
        write += secret ? name + 1 : pair;
        if (secret)
            write = stpcpy(write, REMOVED);
        *write++ = '\n';
        form += (size_t)((stop != NULL ? stop : end) - form) + 1;
    }
    *write = '\0';
    text->text = out;
    text->extension = "txt";
    return true;
}

static bool json_make(struct trace_secrets *secrets, const uint8_t *bytes, size_t size,
                      struct trace_text *text)
{
    text->text = trace_json_format((const char *)bytes, size, member_is_secret, secret_remember, secrets);
    text->extension = "json";
    return text->text != NULL;
}

/* ---- any message ---- */

static bool type_has(const char *content_type, const char *word)
{
    return content_type != NULL && strcasestr(content_type, word) != NULL;
}

bool trace_text_make(struct trace_secrets *secrets, const char *content_type, const uint8_t *bytes,
                     size_t size, struct trace_text *ret_text)
{
    struct trace_text text = {0};
    bool made = false;

    if (size > 0 && type_has(content_type, "form-urlencoded"))
        made = form_make(bytes, size, &text);
    else if (size > 0 && type_has(content_type, "json"))
        made = json_make(secrets, bytes, size, &text);
    else if (size > 0 && (content_type == NULL || type_has(content_type, "xml")))
        made = xml_make(secrets, bytes, size, &text);
    if (!made) {
        char type[80] = "no type";

        if (content_type != NULL)
            snprintf(type, sizeof(type), "%.*s", (int)strcspn(content_type, ";\r\n<>"), content_type);
        trace_text_clear(&text);
        text.extension = "txt";
        if (asprintf(&text.text, size == 0 ? "(no content)\n" : "(%zu bytes of %s, not kept)\n", size, type) <
            0)
            return false;
    }
    trace_secrets_cut(secrets, text.text);
    if (text.document != NULL)
        trace_secrets_cut(secrets, text.document);
    *ret_text = text;
    return true;
}

void trace_text_clear(struct trace_text *text)
{
    free(text->text);
    free(text->document);
    *text = (struct trace_text){0};
}
