#include "private_key_pem.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "bio_text.h"

#define PEM_NAME     "TSS2 PRIVATE KEY"
#define LOADABLE_OID "2.23.133.10.1.3" /* id-loadablekey */

typedef struct {
    ASN1_OBJECT *type;
    ASN1_BOOLEAN empty_auth;
    ASN1_INTEGER *parent;
    ASN1_OCTET_STRING *public_blob;
    ASN1_OCTET_STRING *private_blob;
} LOADABLE_KEY;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
ASN1_SEQUENCE(LOADABLE_KEY) =
    {
        ASN1_SIMPLE(LOADABLE_KEY, type, ASN1_OBJECT),
        ASN1_EXP_OPT(LOADABLE_KEY, empty_auth, ASN1_BOOLEAN, 0),
        ASN1_SIMPLE(LOADABLE_KEY, parent, ASN1_INTEGER),
        ASN1_SIMPLE(LOADABLE_KEY, public_blob, ASN1_OCTET_STRING),
        ASN1_SIMPLE(LOADABLE_KEY, private_blob, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(LOADABLE_KEY)
#pragma GCC diagnostic pop

#define LOADABLE_KEY_ITEM ASN1_ITEM_rptr(LOADABLE_KEY)

        char *
    private_key_pem_format(const struct tpm_key *key)
{
    char *text = NULL;
    unsigned char *der = NULL;
    BIO *bio = NULL;
    LOADABLE_KEY *loadable = (LOADABLE_KEY *)ASN1_item_new(LOADABLE_KEY_ITEM);
    if (!loadable)
        goto out;
    ASN1_OBJECT_free(loadable->type);
    loadable->type = OBJ_txt2obj(LOADABLE_OID, 1);
    /* DER leaves a default out: -1 is "absent", 0xff is TRUE. */
    loadable->empty_auth = key->has_pin ? -1 : 0xff;
    if (!loadable->type || !ASN1_INTEGER_set_uint64(loadable->parent, key->parent) ||
        !ASN1_OCTET_STRING_set(loadable->public_blob, key->public_blob, (int)key->public_blob_size) ||
        !ASN1_OCTET_STRING_set(loadable->private_blob, key->private_blob, (int)key->private_blob_size))
        goto out;
    int der_size = ASN1_item_i2d((const ASN1_VALUE *)loadable, &der, LOADABLE_KEY_ITEM);
    if (der_size <= 0)
        goto out;
    bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio(bio, PEM_NAME, "", der, der_size) <= 0)
        goto out;
    text = bio_text_copy(bio);
out:
    BIO_free(bio);
    OPENSSL_free(der);
    ASN1_item_free((ASN1_VALUE *)loadable, LOADABLE_KEY_ITEM);
    return text;
}

static bool blob_copy(const ASN1_OCTET_STRING *string, uint8_t *ret_blob, size_t *ret_size)
{
    int size = ASN1_STRING_length(string);
    if (size <= 0 || size > TPM_BLOB_MAX)
        return false;
    memcpy(ret_blob, ASN1_STRING_get0_data(string), (size_t)size);
    *ret_size = (size_t)size;
    return true;
}

bool private_key_pem_parse(const char *text, size_t size, struct tpm_key *ret_key)
{
    bool found = false;
    struct tpm_key key = {0};
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long der_size = 0;
    LOADABLE_KEY *loadable = NULL;
    char oid[32];
    uint64_t parent;

    if (size > PRIVATE_KEY_PEM_MAX)
        return false;
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    if (!bio || !PEM_read_bio(bio, &name, &header, &der, &der_size) || strcmp(name, PEM_NAME) != 0)
        goto out;
    const unsigned char *cursor = der;
    loadable = (LOADABLE_KEY *)ASN1_item_d2i(NULL, &cursor, der_size, LOADABLE_KEY_ITEM);
    if (!loadable || cursor != der + der_size)
        goto out;
    if (OBJ_obj2txt(oid, sizeof oid, loadable->type, 1) <= 0 || strcmp(oid, LOADABLE_OID) != 0)
        goto out;
    if (!ASN1_INTEGER_get_uint64(&parent, loadable->parent) || parent > UINT32_MAX)
        goto out;
    key.parent = (uint32_t)parent;
    key.has_pin = loadable->empty_auth <= 0;
    found = blob_copy(loadable->public_blob, key.public_blob, &key.public_blob_size) &&
            blob_copy(loadable->private_blob, key.private_blob, &key.private_blob_size) &&
            tpm_public_parse(key.public_blob, key.public_blob_size, &key.public_key);
    if (found)
        *ret_key = key;
out:
    ASN1_item_free((ASN1_VALUE *)loadable, LOADABLE_KEY_ITEM);
    OPENSSL_free(der);
    OPENSSL_free(header);
    OPENSSL_free(name);
    BIO_free(bio);
    return found;
}
