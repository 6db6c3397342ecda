#include "issuer.h"

#include <limits.h>
#include <openssl/x509.h>
#include <string.h>

char *issuer_common_name(const struct token_generation *generation)
{
    X509_NAME *name;
    unsigned char *text = NULL;
    const unsigned char *der;
    char *result = NULL;
    int index;

    if (!generation->has_certificate)
        return NULL;
    der = generation->certificate.issuer.data;
    name = d2i_X509_NAME(NULL, &der, (long)generation->certificate.issuer.size);
    index = name ? X509_NAME_get_index_by_NID(name, NID_commonName, -1) : -1;
    if (index >= 0 &&
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index))) >= 0)
        result = strdup((const char *)text);
    OPENSSL_free(text);
    X509_NAME_free(name);
    return result;
}

char *issuer_common_name_found(void)
{
    char directory[PATH_MAX], *result;
    struct token_generation *generation = NULL;

    if (!token_directory_find(directory, sizeof(directory)) ||
        token_generation_read(directory, &generation, NULL, 0) != TOKEN_OK)
        return NULL;
    result = issuer_common_name(generation);
    token_generation_free(generation);
    return result;
}
