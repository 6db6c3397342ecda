#include "pkcs7.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>

static bool message_encode(CMS_ContentInfo *message, uint8_t **ret_der, size_t *ret_size)
{
    unsigned char *der = NULL;
    int size = i2d_CMS_ContentInfo(message, &der);

    if (size <= 0)
        return false;
    *ret_der = malloc((size_t)size);
    if (*ret_der != NULL)
        memcpy(*ret_der, der, (size_t)size);
    *ret_size = (size_t)size;
    OPENSSL_free(der);
    return *ret_der != NULL;
}

enum enroll_exit pkcs7_renewal_sign(const uint8_t *request, size_t request_size, X509 *certificate,
                                    EVP_PKEY *key, uint8_t **ret_der, size_t *ret_size,
                                    struct enroll_error *ret_error)
{
    const unsigned flags = CMS_BINARY | CMS_NOSMIMECAP;
    BIO *content = BIO_new_mem_buf(request, (int)request_size);
    CMS_ContentInfo *message = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
    bool done = content != NULL && message != NULL &&
                CMS_add1_signer(message, certificate, key, EVP_sha256(), flags) != NULL &&
                CMS_final(message, content, NULL, flags) == 1 && message_encode(message, ret_der, ret_size);
    const char *reason = done ? NULL : ERR_reason_error_string(ERR_peek_last_error());

    CMS_ContentInfo_free(message);
    BIO_free(content);
    ERR_clear_error();
    if (done)
        return ENROLL_OK;
    return enroll_error_set(ret_error, ENROLL_TPM, "check the key with intune-enroll verify",
                            "the present key could not sign the request to renew (%s)",
                            reason != NULL ? reason : "no reason given");
}
