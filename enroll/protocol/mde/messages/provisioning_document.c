#include "provisioning_document.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "xml_document.h"

#define WARNINGS_MAX           (sizeof(((struct provisioning_document *)NULL)->warnings) / sizeof(char *))
#define RENEW_PERIOD_DEFAULT   42
#define RETRY_INTERVAL_DEFAULT 7
#define DAYS_MAX               1000

static void warn(struct provisioning_document *document, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void warn(struct provisioning_document *document, const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    if (document->warning_count == WARNINGS_MAX)
        return;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    if (text != NULL)
        document->warnings[document->warning_count++] = text;
}

static enum enroll_exit refuse(struct enroll_error *ret_error, const char *what)
{
    return enroll_error_set(ret_error, ENROLL_PROTOCOL, NULL, "the provisioning document was refused: %s",
                            what);
}

/* ---- characteristics and parameters ---- */

static bool type_is(const xmlNode *characteristic, const char *type)
{
    char *value = xml_attribute(characteristic, "type");
    bool result = value != NULL && strcasecmp(value, type) == 0;

    free(value);
    return result;
}

/* The characteristic of that type (any if NULL) at or after `node`. */
static const xmlNode *characteristic_find(const xmlNode *node, const char *type)
{
    for (node = xml_sibling_find(node, "characteristic"); node != NULL;
         node = xml_sibling_find(node->next, "characteristic"))
        if (type == NULL || type_is(node, type))
            return node;
    return NULL;
}

static const xmlNode *characteristic_child(const xmlNode *parent, const char *type)
{
    return parent == NULL ? NULL : characteristic_find(parent->children, type);
}

/* A parameter's value; NULL when there is none. free() it. */
static char *parameter(const xmlNode *characteristic, const char *name)
{
    for (const xmlNode *node = xml_child(characteristic, "parm"); node != NULL;
         node = xml_sibling_find(node->next, "parm")) {
        char *found = xml_attribute(node, "name");
        bool match = found != NULL && strcasecmp(found, name) == 0;

        free(found);
        if (match)
            return xml_attribute(node, "value");
    }
    return NULL;
}

/* The same fit for people, unless there is already one. */
static void parameter_keep(const xmlNode *characteristic, const char *name, char **ret_value)
{
    char *value;

    if (*ret_value != NULL)
        return;
    value = parameter(characteristic, name);
    if (value != NULL)
        enroll_text_print(value, strlen(value), value, strlen(value) + 1);
    if (value != NULL && *value == '\0') {
        free(value);
        value = NULL;
    }
    *ret_value = value;
}

/* ---- certificates ---- */

static void hash_compare(struct provisioning_document *document, const xmlNode *node, const uint8_t *der,
                         size_t size)
{
    char *given = xml_attribute(node, "type");
    char computed[41], printable[64];
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_size = 0;

    if (given == NULL || EVP_Digest(der, size, hash, &hash_size, EVP_sha1(), NULL) != 1) {
        free(given);
        return;
    }
    for (size_t i = 0; i < 20; i++)
        snprintf(computed + 2 * i, 3, "%02X", hash[i]);
    if (strcasecmp(given, computed) != 0) {
        enroll_text_print(given, strlen(given), printable, sizeof(printable));
        warn(document, "a certificate stands under the name \"%s\", which is not its hash", printable);
    }
    free(given);
}

static bool certificate_known(const struct provisioning_document *document, enum received_role role,
                              const uint8_t *der, size_t size)
{
    for (size_t i = 0; i < document->received.count; i++) {
        const struct received_certificate *known = &document->received.list[i];

        if (known->role == role && known->size == size && memcmp(known->der, der, size) == 0)
            return true;
    }
    return false;
}

/* `node` is the characteristic that is named by the certificate's hash. */
static enum enroll_exit certificate_add(struct provisioning_document *document, const xmlNode *node,
                                        enum received_role role, struct enroll_error *ret_error)
{
    char *text = parameter(node, "EncodedCertificate");
    const char *why;
    uint8_t *der;
    size_t size;
    bool decoded;

    if (text == NULL)
        return ENROLL_OK;
    decoded = xml_base64_decode(text, &der, &size, &why);
    free(text);
    if (!decoded)
        return enroll_error_set(
            ret_error, ENROLL_PROTOCOL, NULL,
            "the provisioning document was refused: a certificate in it cannot be read: %s", why);
    enum enroll_exit status = ENROLL_OK;
    if (!certificate_known(document, role, der, size)) {
        if (document->received.count == RECEIVED_CERTIFICATES_MAX)
            status = refuse(ret_error, "it holds more certificates than an enrolment can have");
        else if (!received_certificate_add(&document->received, role, der, size))
            status = enroll_error_memory(ret_error);
        else
            hash_compare(document, node, der, size);
    }
    free(der);
    return status;
}

static void days_read(struct provisioning_document *document, const char *text, const char *name,
                      unsigned *ret_days)
{
    unsigned days = 0;
    char printable[32];

    if (text == NULL)
        return;
    for (const char *c = text; *c >= '0' && *c <= '9' && days <= DAYS_MAX; c++)
        days = days * 10 + (unsigned)(*c - '0');
    if (strspn(text, "0123456789") != strlen(text) || days < 1 || days > DAYS_MAX) {
        enroll_text_print(text, strlen(text), printable, sizeof(printable));
        warn(document, "%s is \"%s\", not a number of days from 1 to %d; %u is used", name, printable,
             DAYS_MAX, *ret_days);
        return;
    }
    *ret_days = days;
}

/* My/WSTEP/Renew. Examples and several servers write RenewPeriod, MS-MDE2 2.2.9.2 RenewalPeriod. */
static void renewal_read(struct provisioning_document *document, const xmlNode *wstep)
{
    const xmlNode *renew = characteristic_child(wstep, "Renew");
    char *period = parameter(renew, "RenewPeriod");
    char *retry = parameter(renew, "RetryInterval");

    if (period == NULL)
        period = parameter(renew, "RenewalPeriod");
    days_read(document, period, "RenewPeriod", &document->renew_period_days);
    days_read(document, retry, "RetryInterval", &document->retry_interval_days);
    if (document->retry_interval_days > document->renew_period_days) {
        warn(document,
             "RetryInterval (%u days) is longer than RenewPeriod (%u days); the latter is used for both",
             document->retry_interval_days, document->renew_period_days);
        document->retry_interval_days = document->renew_period_days;
    }
    parameter_keep(renew, "ServerURL", &document->renew_url);
    free(period);
    free(retry);
}

/* Root, CA or My: System and User, and under them characteristics named by a certificate's hash. */
static enum enroll_exit store_read(struct provisioning_document *document, const xmlNode *root,
                                   enum received_role role, struct enroll_error *ret_error)
{
    for (const xmlNode *place = characteristic_child(root, NULL); place != NULL;
         place = characteristic_find(place->next, NULL)) {
        if (role == RECEIVED_DEVICE && type_is(place, "WSTEP")) {
            renewal_read(document, place);
            continue;
        }
        if (!type_is(place, "System") && !type_is(place, "User"))
            continue;
        for (const xmlNode *node = characteristic_child(place, NULL); node != NULL;
             node = characteristic_find(node->next, NULL)) {
            enum enroll_exit status = certificate_add(document, node, role, ret_error);

            if (status != ENROLL_OK)
                return status;
        }
    }
    return ENROLL_OK;
}

static enum enroll_exit certificates_read(struct provisioning_document *document,
                                          const xmlNode *certificate_store, struct enroll_error *ret_error)
{
    static const struct {
        const char *name;
        enum received_role role;
    } stores[] = {{"Root", RECEIVED_ROOT}, {"CA", RECEIVED_INTERMEDIATE}, {"My", RECEIVED_DEVICE}};

    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        for (const xmlNode *node = characteristic_child(certificate_store, stores[i].name); node != NULL;
             node = characteristic_find(node->next, stores[i].name)) {
            enum enroll_exit status = store_read(document, node, stores[i].role, ret_error);

            if (status != ENROLL_OK)
                return status;
        }
    }
    return ENROLL_OK;
}

/* ---- the management server ---- */

static void application_read(struct provisioning_document *document, const xmlNode *application)
{
    char *id = parameter(application, "APPID");

    /* w7 is OMA DM; the rest (APPAUTH and its secrets) is for a management client, which this is not. */
    if (id != NULL && strcmp(id, "w7") == 0) {
        parameter_keep(application, "PROVIDER-ID", &document->provider_id);
        parameter_keep(application, "NAME", &document->server_name);
        parameter_keep(application, "ADDR", &document->management_url);
    } else {
        warn(document, "the document sets up an application other than w7; that is ignored");
    }
    free(id);
}

static void dm_client_read(struct provisioning_document *document, const xmlNode *client)
{
    for (const xmlNode *providers = characteristic_child(client, "Provider"); providers != NULL;
         providers = characteristic_find(providers->next, "Provider")) {
        for (const xmlNode *provider = characteristic_child(providers, NULL); provider != NULL;
             provider = characteristic_find(provider->next, NULL)) {
            if (document->provider_id == NULL) {
                document->provider_id = xml_attribute(provider, "type");
                if (document->provider_id != NULL)
                    enroll_text_print(document->provider_id, strlen(document->provider_id),
                                      document->provider_id, strlen(document->provider_id) + 1);
            }
            parameter_keep(provider, "UPN", &document->upn);
            parameter_keep(provider, "EntDMID", &document->device_id);
        }
    }
}

static void ignored_note(struct provisioning_document *document, const xmlNode *node)
{
    char *type = xml_attribute(node, "type");
    char printable[64];

    enroll_text_print(type != NULL ? type : "", type != NULL ? strlen(type) : 0, printable,
                      sizeof(printable));
    warn(document, "the document also asks for \"%s\"; that is ignored", printable);
    free(type);
}

static enum enroll_exit document_read(struct provisioning_document *document, const xmlNode *root,
                                      struct enroll_error *ret_error)
{
    enum enroll_exit status = ENROLL_OK;

    for (const xmlNode *node = characteristic_child(root, NULL); node != NULL && status == ENROLL_OK;
         node = characteristic_find(node->next, NULL)) {
        if (type_is(node, "CertificateStore"))
            status = certificates_read(document, node, ret_error);
        else if (type_is(node, "APPLICATION"))
            application_read(document, node);
        else if (type_is(node, "DMClient"))
            dm_client_read(document, node);
        else if (type_is(node, "My") || type_is(node, "Root") || type_is(node, "CA"))
            status = refuse(ret_error, "a store of certificates stands outside CertificateStore");
        else
            ignored_note(document, node);
    }
    return status;
}

enum enroll_exit provisioning_document_parse(const char *xml, size_t size,
                                             struct provisioning_document **ret_document,
                                             struct enroll_error *ret_error)
{
    struct provisioning_document *document = NULL;
    char why[256];
    xmlDoc *tree = xml_document_parse(xml, size, NULL, why, sizeof(why));
    const xmlNode *root;
    enum enroll_exit status;

    if (tree == NULL)
        return refuse(ret_error, why);
    root = xmlDocGetRootElement(tree);
    document = calloc(1, sizeof(*document));
    if (document == NULL) {
        status = enroll_error_memory(ret_error);
        goto done;
    }
    document->renew_period_days = RENEW_PERIOD_DEFAULT;
    document->retry_interval_days = RETRY_INTERVAL_DEFAULT;
    if (!xml_element_is(root, "wap-provisioningdoc")) {
        status = refuse(ret_error, "it is no wap-provisioningdoc");
        goto done;
    }
    status = document_read(document, root, ret_error);
    if (status == ENROLL_OK && document->received.count == 0)
        status = refuse(ret_error, "there is no certificate in it");
done:
    xmlFreeDoc(tree);
    if (status == ENROLL_OK)
        *ret_document = document;
    else
        provisioning_document_free(document);
    return status;
}

void provisioning_document_free(struct provisioning_document *document)
{
    if (document == NULL)
        return;
    received_certificates_clear(&document->received);
    for (size_t i = 0; i < document->warning_count; i++)
        free(document->warnings[i]);
    free(document->renew_url);
    free(document->provider_id);
    free(document->server_name);
    free(document->management_url);
    free(document->upn);
    free(document->device_id);
    free(document);
}
