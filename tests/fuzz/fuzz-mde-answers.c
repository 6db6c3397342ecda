/*
 * What an MDE2 server may answer, as outside bytes. The first byte of an input chooses the message: '0'
 * Discover, '1' GetPolicies, '2' RequestSecurityToken and the provisioning document in it, '3' a fault, '4' a
 * provisioning document alone.
 */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/x509.h>

#include "discover.h"
#include "fault.h"
#include "issued_certificate.h"
#include "policies.h"
#include "provisioning_document.h"
#include "soap.h"
#include "token_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each certificate in turn is the one that was asked for, so that the chain's check is reached. */
static void choose(const struct provisioning_document *document)
{
    struct issued_certificate issued;
    struct enroll_error error;

    for (size_t i = 0; i < document->received.count; i++) {
        const uint8_t *der = document->received.list[i].der;
        X509 *certificate = d2i_X509(NULL, &der, (long)document->received.list[i].size);
        uint8_t *key = NULL;
        int size = certificate != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &key) : 0;

        if (size > 0)
            (void)!issued_certificate_choose(&document->received, key, (size_t)size, 1800000000, &issued,
                                             &error);
        OPENSSL_free(key);
        X509_free(certificate);
    }
}

static void document_parse(const char *xml, size_t size)
{
    struct provisioning_document *document;
    struct enroll_error error;

    if (provisioning_document_parse(xml, size, &document, &error) != ENROLL_OK)
        return;
    choose(document);
    provisioning_document_free(document);
}

static void discover_parse(const struct soap_reply *reply)
{
    struct discover_request request = {
        .address = "user@contoso.test", .request_version = "4.0", .federated = true};
    struct discovery discovery;
    struct enroll_error error;

    if (discover_response_parse(reply, &request, &discovery, &error) == ENROLL_OK)
        discovery_clear(&discovery);
}

static void policies_parse(const struct soap_reply *reply)
{
    struct certificate_requirements requirements;
    struct enroll_error error;

    if (policies_response_parse(reply, &requirements, &error) == ENROLL_OK)
        certificate_requirements_free(&requirements);
}

static void token_parse(const struct soap_reply *reply)
{
    struct token_response response;
    struct enroll_error error;

    if (token_response_parse(reply, &response, &error) != ENROLL_OK)
        return;
    if (response.document != NULL)
        document_parse(response.document, response.document_size);
    token_response_clear(&response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *xml = (const char *)data + 1;
    struct soap_reply reply;
    struct enroll_error error;

    if (size == 0)
        return 0;
    if (data[0] == '4') {
        document_parse(xml, size - 1);
        return 0;
    }
    if (soap_reply_parse(xml, size - 1, "the answer", &reply, &error) != ENROLL_OK)
        return 0;
    if (data[0] == '0')
        discover_parse(&reply);
    else if (data[0] == '1')
        policies_parse(&reply);
    else if (data[0] == '2')
        token_parse(&reply);
    else
        (void)fault_read(&reply, "RequestSecurityToken", &error);
    soap_reply_clear(&reply);
    return 0;
}
