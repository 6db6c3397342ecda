#include "provisioning.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "authority.h"
#include "certificate.h"
#include "server.h"

#define MANY_CERTIFICATES 10000
#define NESTING           100000

static void characteristic_begin(const char *type, struct text *out)
{
    text_append(out, "<characteristic type=\"");
    text_xml_append(out, type);
    text_append(out, "\">");
}

static void characteristic_end(struct text *out)
{
    text_append(out, "</characteristic>");
}

static void parm_write(const char *name, const char *value, struct text *out)
{
    text_format(out, "<parm name=\"%s\" value=\"", name);
    text_xml_append(out, value);
    text_append(out, "\"/>");
}

static void number_write(const char *name, long value, struct text *out)
{
    text_format(out, "<parm name=\"%s\" value=\"%ld\" datatype=\"integer\"/>", name, value);
}

/* Lines of 64 characters, for the deviation of that name; otherwise one line, as 2.2.9.2 demands. */
static void base64_write(const struct modes *modes, const unsigned char *der, size_t size, struct text *out)
{
    struct text line = {0};
    text_base64_append(&line, der, size);
    size_t step = modes_deviate(modes, "base64-lines") ? 64 : line.size;
    for (size_t offset = 0; offset < line.size; offset += step) {
        size_t length = line.size - offset < step ? line.size - offset : step;
        text_bytes_append(out, line.data + offset, length);
        if (offset + length < line.size)
            text_append(out, "\r\n");
    }
    text_clear(&line);
}

static void encoded_write(const struct modes *modes, X509 *certificate, struct text *out)
{
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);
    if (size < 0)
        abort();
    text_append(out, "<parm name=\"EncodedCertificate\" value=\"");
    base64_write(modes, der, (size_t)size, out);
    text_append(out, "\"/>");
    OPENSSL_free(der);
}

static void certificate_write(const struct modes *modes, X509 *certificate, struct text *out)
{
    char hash[41];
    certificate_hash_write(certificate, hash);
    characteristic_begin(hash, out);
    encoded_write(modes, certificate, out);
    characteristic_end(out);
}

static void root_write(const struct server *server, struct text *out)
{
    const struct modes *modes = &server->options.modes;
    if (modes_deviate(modes, "no-root"))
        return;
    characteristic_begin("Root", out);
    characteristic_begin("System", out);
    certificate_write(modes, authority_root(server->authority), out);
    characteristic_end(out);
    characteristic_end(out);
}

static void intermediates_write(const struct server *server, struct text *out)
{
    unsigned count = authority_chain_count(server->authority);
    bool many = modes_has(&server->options.modes, "attack", "document-certificates");
    unsigned times = many && count > 0 ? MANY_CERTIFICATES / count : 1;
    for (unsigned n = 0; n < times; n++)
        for (unsigned i = count; i > 0; i--)
            certificate_write(&server->options.modes, authority_chain_get(server->authority, i - 1), out);
}

static void authorities_write(const struct server *server, struct text *out)
{
    const struct modes *modes = &server->options.modes;
    if (authority_chain_count(server->authority) == 0 || modes_deviate(modes, "no-chain") ||
        modes_deviate(modes, "intermediate-under-my"))
        return;
    characteristic_begin("CA", out);
    characteristic_begin("System", out);
    intermediates_write(server, out);
    characteristic_end(out);
    characteristic_end(out);
}

static void container_write(const struct modes *modes, struct text *out)
{
    characteristic_begin("PrivateKeyContainer", out);
    if (modes_deviate(modes, "container-parms")) {
        parm_write("KeySpec", "2", out);
        parm_write("ContainerName", "ConfigMgrEnrollment", out);
        parm_write("ProviderType", "24", out);
    }
    characteristic_end(out);
}

/* A second certificate for the same key, from another issue. */
static void second_write(const struct provisioning *provisioning, struct text *out)
{
    X509 *second = authority_certificate_issue(provisioning->server->authority,
                                               X509_get0_pubkey(provisioning->certificate),
                                               provisioning->device, &provisioning->server->options.modes);
    certificate_write(&provisioning->server->options.modes, second, out);
    X509_free(second);
}

static void issued_write(const struct provisioning *provisioning, struct text *out)
{
    const struct modes *modes = &provisioning->server->options.modes;
    bool child = modes_deviate(modes, "container-child");
    char hash[41];
    if (modes_has(modes, "certificate", "none"))
        return;
    certificate_hash_write(provisioning->certificate, hash);
    characteristic_begin(modes_deviate(modes, "hash-name") ? "ProvisionedCert" : hash, out);
    if (modes_has(modes, "certificate", "garbage"))
        parm_write("EncodedCertificate", "bm90IGEgY2VydGlmaWNhdGU=", out);
    else if (modes_has(modes, "certificate", "not-base64"))
        parm_write("EncodedCertificate", "!!! not base64 !!!", out);
    else
        encoded_write(modes, provisioning->certificate, out);
    if (child)
        container_write(modes, out);
    characteristic_end(out);
    if (modes_has(modes, "certificate", "two"))
        second_write(provisioning, out);
    if (!child && !modes_deviate(modes, "no-container"))
        container_write(modes, out);
}

static void renew_write(const struct provisioning *provisioning, struct text *out)
{
    const struct options *options = &provisioning->server->options;
    const struct modes *modes = &options->modes;
    const char *name = modes_deviate(modes, "renewal-period") ? "RenewalPeriod" : "RenewPeriod";
    if (modes_deviate(modes, "no-renew"))
        return;
    characteristic_begin("WSTEP", out);
    characteristic_begin("Renew", out);
    text_format(out, "<parm name=\"ROBOSupport\" value=\"%s\" datatype=\"boolean\"/>",
                modes_deviate(modes, "robo-false") ? "false" : "true");
    if (modes_deviate(modes, "renew-period-words"))
        parm_write(name, "soon", out);
    else
        number_write(name, modes_deviate(modes, "renew-period-zero") ? 0 : (long)options->renew_period, out);
    number_write("RetryInterval",
                 modes_deviate(modes, "retry-above-period") ? (long)options->renew_period + 1
                                                            : modes_number(modes, "renew-interval", 7),
                 out);
    bool plain = modes_deviate(modes, "renew-server-url-http");
    const char *elsewhere = modes_value(modes, "renew-host");
    if (plain || elsewhere || modes_deviate(modes, "renew-server-url")) {
        struct text url = {0};
        text_format(&url, "%s://%s/EnrollmentServer/Renewal.svc", plain ? "http" : "https",
                    elsewhere ? elsewhere : provisioning->host);
        parm_write("ServerURL", url.data, out);
        text_clear(&url);
    }
    characteristic_end(out);
    characteristic_end(out);
}

static void my_write(const struct provisioning *provisioning, struct text *out)
{
    const struct modes *modes = &provisioning->server->options.modes;
    bool user = provisioning->full && !modes_deviate(modes, "my-system");
    characteristic_begin("My", out);
    characteristic_begin(user ? "User" : "System", out);
    if (modes_deviate(modes, "intermediate-under-my"))
        intermediates_write(provisioning->server, out);
    issued_write(provisioning, out);
    characteristic_end(out);
    renew_write(provisioning, out);
    characteristic_end(out);
}

static void extra_stores_write(const struct server *server, struct text *out)
{
    const struct modes *modes = &server->options.modes;
    characteristic_begin("CertificateStore", out);
    characteristic_begin("TrustedPublisher", out);
    characteristic_begin("System", out);
    certificate_write(modes, authority_root(server->authority), out);
    characteristic_end(out);
    characteristic_end(out);
    characteristic_end(out);
    characteristic_begin("Registry", out);
    parm_write("HKLM\\Software\\Policies", "1", out);
    characteristic_end(out);
    characteristic_begin("VPNv2", out);
    parm_write("Server", "vpn.fabrikam.test", out);
    characteristic_end(out);
}

static void stores_write(const struct provisioning *provisioning, struct text *out)
{
    const struct modes *modes = &provisioning->server->options.modes;
    bool merged = modes_deviate(modes, "store-merged") || modes_deviate(modes, "fleet");
    bool outside = modes_deviate(modes, "my-outside");
    characteristic_begin("CertificateStore", out);
    root_write(provisioning->server, out);
    authorities_write(provisioning->server, out);
    if (!merged) {
        characteristic_end(out);
        if (!outside)
            characteristic_begin("CertificateStore", out);
    }
    my_write(provisioning, out);
    if (merged || !outside)
        characteristic_end(out);
    if (modes_deviate(modes, "root-ca-trusted")) {
        characteristic_begin("RootCATrustedCertificates", out);
        characteristic_begin("Root", out);
        certificate_write(modes, authority_root(provisioning->server->authority), out);
        characteristic_end(out);
        characteristic_end(out);
    }
    if (modes_deviate(modes, "extra-stores"))
        extra_stores_write(provisioning->server, out);
}

static void authentication_write(const char *level, const char *type, const char *name, const char *secret,
                                 struct text *out)
{
    struct text nonce = {0};
    char random[33];
    text_random_hex(16, random);
    text_base64_append(&nonce, random, 16);
    characteristic_begin("APPAUTH", out);
    parm_write("AAUTHLEVEL", level, out);
    parm_write("AAUTHTYPE", type, out);
    parm_write("AAUTHNAME", name, out);
    parm_write("AAUTHSECRET", secret, out);
    parm_write("AAUTHDATA", nonce.data, out);
    characteristic_end(out);
    text_clear(&nonce);
}

static void application_write(const struct provisioning *provisioning, struct text *out)
{
    char secrets[2][33];
    struct text address = {0};
    struct text criteria = {0};
    text_random_hex(16, secrets[0]);
    text_random_hex(16, secrets[1]);
    text_format(&address, "https://%s/ManagementServer/MDM.svc", provisioning->host);
    text_format(&criteria, "Subject=CN%%3d%s&Stores=My%%5C%s", provisioning->device,
                provisioning->full ? "User" : "System");
    characteristic_begin("APPLICATION", out);
    parm_write("APPID", "w7", out);
    parm_write("PROVIDER-ID", "MDE2TestServer", out);
    parm_write("NAME", "MDE2 test server", out);
    parm_write("ADDR", address.data, out);
    parm_write("CONNRETRYFREQ", "6", out);
    parm_write("INITIALBACKOFFTIME", "30000", out);
    parm_write("MAXBACKOFFTIME", "120000", out);
    text_append(out, "<parm name=\"BACKCOMPATRETRYDISABLED\"/>");
    parm_write("DEFAULTENCODING", "application/vnd.syncml.dm+wbxml", out);
    parm_write("PROTOVER", "1.2", out);
    parm_write("ROLE", "4294967295", out);
    parm_write("SSLCLIENTCERTSEARCHCRITERIA", criteria.data, out);
    authentication_write("CLIENT", "DIGEST", "dummy", secrets[0], out);
    authentication_write("APPSRV", "DIGEST", "MDE2TestServer", secrets[1], out);
    characteristic_end(out);
    text_clear(&address);
    text_clear(&criteria);
}

static void client_write(const struct provisioning *provisioning, struct text *out)
{
    const char *user = provisioning->server->options.user;
    characteristic_begin("DMClient", out);
    characteristic_begin("Provider", out);
    characteristic_begin("MDE2TestServer", out);
    parm_write("UPN", user ? user : "alice@contoso.test", out);
    parm_write("EntDeviceName", "Device", out);
    parm_write("EntDMID", provisioning->device, out);
    characteristic_begin("Poll", out);
    number_write("NumberOfFirstRetries", 8, out);
    number_write("IntervalForFirstSetOfRetries", 15, out);
    number_write("NumberOfSecondRetries", 5, out);
    number_write("IntervalForSecondSetOfRetries", 3, out);
    number_write("NumberOfRemainingScheduledRetries", 0, out);
    number_write("IntervalForRemainingScheduledRetries", 1560, out);
    characteristic_end(out);
    characteristic_end(out);
    characteristic_end(out);
    characteristic_end(out);
}

void provisioning_document_write(const struct provisioning *provisioning, struct text *out)
{
    const struct modes *modes = &provisioning->server->options.modes;
    if (modes_has(modes, "attack", "bad-document")) {
        text_append(out, "this is no XML <<<");
        return;
    }
    if (modes_deviate(modes, "doc-prolog"))
        text_append(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- made by hand -->\r\n");
    bool entities = modes_has(modes, "attack", "document-entities");
    if (entities)
        text_append(
            out,
            "<!DOCTYPE wap-provisioningdoc [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;\">"
            "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;\">"
            "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;\">]>");
    text_append(out, "<wap-provisioningdoc version=\"1.1\">");
    if (entities)
        text_append(out, "<characteristic type=\"&f;\"/>");
    unsigned depth = modes_has(modes, "attack", "document-nesting") ? NESTING : 0;
    for (unsigned i = 0; i < depth; i++)
        text_append(out, "<characteristic type=\"x\">");
    for (unsigned i = 0; i < depth; i++)
        text_append(out, "</characteristic>");
    stores_write(provisioning, out);
    if (!modes_deviate(modes, "no-application")) {
        application_write(provisioning, out);
        if (!provisioning->renewal)
            client_write(provisioning, out);
    }
    text_append(out, "</wap-provisioningdoc>");
}
